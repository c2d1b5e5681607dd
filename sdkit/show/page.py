"""A sweep as one HTML page that needs no kernel, no network and no other file."""

from __future__ import annotations

import base64
from html import escape
from pathlib import Path

from sdkit.files import write_whole
from sdkit.shot import Shot, ShotList, caption, check_pictures, in_words, png_bytes
from sdkit.show.grid import arrange, is_table
from sdkit.show.table import MEASURES, measure_shots

_STYLE = """
body { font: 15px/1.4 system-ui, sans-serif; margin: 1.5rem; color: #111; background: #fff; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { padding: .3rem .5rem; vertical-align: top; text-align: left; }
thead th { position: sticky; top: 0; background: #fff; }
figure { margin: 0; display: inline-block; vertical-align: top; }
img { display: block; min-width: 128px; max-width: 100%; image-rendering: pixelated; }
figcaption, figure details { font-size: .8rem; max-width: 16rem; overflow-wrap: anywhere; }
.flow figure { margin: 0 .8rem .8rem 0; }
.measures th, .measures td { border-bottom: 1px solid #bbb; }
"""


def save_page(shots: ShotList, path) -> Path:
    """Write a sweep's pictures, labels, settings and measures as one self-contained HTML page.

    Rows and columns are a table, a third axis makes one section for each value; each picture has
    a text that stands for it and its settings to fold out. Nothing is fetched and no script runs.
    The file appears whole or not at all. Raises ValueError for no shots or another ending.
    """
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"path is {str(path)!r}; give a name that ends in .html.")
    check_pictures(shots, "page")
    return write_whole(path, _page(shots).encode("utf-8"))


def _page(shots):
    title = " × ".join(f"{name} ({len(values)})" for name, values in shots.axes.items()) or "pictures"
    body = _tables(shots) if len(shots.axes) > 1 and is_table(shots) else _flow(shots)
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>\n'
        f"<body><h1>{escape(title)}</h1>\n{_held(shots)}\n{body}\n{_measures(shots)}</body></html>\n"
    )


def _held(shots):
    """Say what is the same for all pictures."""
    first, *rest = (_facts(shot) for shot in shots)
    same = {name: text for name, text in first.items() if all(other.get(name) == text for other in rest)}
    return f"<details><summary>The same for all {len(shots)} pictures</summary>{_list(same)}</details>"


def _facts(shot):
    """Return what made a picture, each in words, numbers in full; what is None is left out."""
    origin = shot.origin
    made_by = {
        "pipeline": origin["pipeline"], "model": origin["model"]["name"], "weights": origin["model"]["fingerprint"],
        "scheduler": origin["scheduler"]["class"], "device": origin["device"], "dtype": origin["dtype"],
        **origin["versions"],
    }  # fmt: skip
    facts = {**shot.settings, **made_by}
    return {
        name: str(value) if isinstance(value, float) else in_words(value)
        for name, value in facts.items()
        if value is not None
    }


def _list(facts):
    return "<ul>" + "".join(f"<li>{escape(name)} = {escape(text)}</li>" for name, text in facts.items()) + "</ul>"


def _tables(shots):
    axes = list(shots.axes.items())
    (row_name, row_values), (column_name, column_values) = axes[-2:]
    heads = "".join(f'<th scope="col">{_head(column_name, value)}</th>' for value in column_values)
    sections = []
    for number, page in enumerate(arrange(shots)):
        rows = "".join(
            f'<tr><th scope="row">{_head(row_name, value)}</th>'
            + "".join(f"<td>{_figure(shot) if shot else 'not made'}</td>" for shot in row)
            + "</tr>\n"
            for value, row in zip(row_values, page)
        )
        title = f"<h2>{_head(axes[0][0], axes[0][1][number])}</h2>\n" if len(axes) == 3 else ""
        sections.append(f"{title}<table><thead><tr><td></td>{heads}</tr></thead>\n<tbody>{rows}</tbody></table>")
    return "\n".join(sections)


def _flow(shots):
    figures = (_figure(shot, f"<figcaption>{escape(_caption(shot))}</figcaption>") for shot in shots)
    return f'<div class="flow">{"".join(figures)}</div>'


def _figure(shot: Shot, below=""):
    source = base64.b64encode(png_bytes(shot.image)).decode()
    alt = escape(_caption(shot), quote=True)
    return (
        f'<figure><img alt="{alt}" src="data:image/png;base64,{source}">{below}'
        f"<details><summary>settings</summary>{_list(_facts(shot))}</details></figure>"
    )


def _caption(shot):
    prompt = {name: shot.settings.get(name) for name in ("prompt", "seed") if name not in shot.label}
    return caption({**shot.label, **{name: value for name, value in prompt.items() if value is not None}})


def _head(name, value):
    return escape(caption({name: value}))


def _measures(shots):
    if not shots.axes:
        return ""
    table = measure_shots(shots)
    names = [*shots.axes, *MEASURES]
    heads = "".join(f'<th scope="col">{escape(MEASURES.get(name, name))}</th>' for name in names)
    rows = "".join("<tr>" + "".join(f"<td>{_number(row[name])}</td>" for name in names) + "</tr>\n" for row in table)
    noise = "".join(f"<td>{_number(table.noise[name])}</td>" for name in MEASURES)
    last = f'<tr><th colspan="{len(shots.axes)}" scope="row">noise floor: the seed alone</th>{noise}</tr>'
    return (
        "<details open><summary>Measures</summary>"
        f'<table class="measures"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody><tfoot>{last}</tfoot></table>'
        "<p>distance: to the picture with the first value of each axis and the same seed.</p></details>"
    )


def _number(value):
    if value is None:
        return "–"
    return f"{value:.3g}" if isinstance(value, float) else escape(in_words(value))
