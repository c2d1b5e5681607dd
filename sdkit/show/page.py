"""A sweep as one HTML page that needs no kernel, no network and no other file."""

from __future__ import annotations

from pathlib import Path

from sdkit.files import write_whole
from sdkit.shot import Shot, ShotList, SkippedCell, caption, check_pictures, in_words, png_bytes
from sdkit.show.grid import Place, arrange, is_table
from sdkit.show.html import Html, document, element, figure, image, join, table, unordered_list
from sdkit.show.table import MEASURES, USUAL, measure_shots

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


def save_page(shots: ShotList, path: str | Path) -> Path:
    """Write a sweep's pictures, labels, settings and measures as one self-contained HTML page.

    See `page_of`. The file appears whole or not at all. Raises ValueError for no shots or another ending.
    """
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"path is {str(path)!r}; give a name that ends in .html.")
    return write_whole(path, page_of(shots).encode("utf-8"))


def page_of(shots: ShotList) -> str:
    """Return an HTML document with what is the same for all pictures of a sweep, the pictures, the measures.

    Rows and columns are a table, a third axis makes one section for each value; each picture has
    a text that stands for it and its settings to fold out. Nothing is fetched and no script runs.
    Raises ValueError for no shots, TypeError for shots without PIL pictures.
    """
    check_pictures(shots, "page")
    title = " × ".join(f"{name} ({len(values)})" for name, values in shots.axes.items()) or "pictures"
    pictures = _tables(shots) if len(shots.axes) > 1 and is_table(shots) else _flow(shots)
    body = join([element("h1", title), _held(shots), pictures, _measures(shots)], "\n")
    return document(title, body, style=_STYLE)


def _held(shots: ShotList) -> Html:
    """Say what is the same for all pictures."""
    first, *rest = (_facts(shot) for shot in shots)
    same = {name: text for name, text in first.items() if all(other.get(name) == text for other in rest)}
    return _details(f"The same for all {len(shots)} pictures", _list(same))


def _facts(shot: Shot) -> dict[str, str]:
    """Return what made a picture, each in words, numbers in full; what is None is left out."""
    origin = shot.origin
    made_by = {
        "pipeline": origin.pipeline, "model": origin.model, "weights": origin.fingerprint,
        "scheduler": origin.scheduler, "device": origin.device, "dtype": origin.dtype,
        **origin.versions,
    }  # fmt: skip
    return {
        name: str(value) if isinstance(value, float) else in_words(value)
        for name, value in {**shot.settings, **made_by}.items()
        if value is not None
    }


def _tables(shots: ShotList) -> Html:
    """Return rows and columns of pictures, once for each value of a third axis."""
    axes = list(shots.axes.items())
    (row_name, row_values), (column_name, column_values) = axes[-2:]
    head = ["", *(caption({column_name: value}) for value in column_values)]
    sections = []
    for number, page in enumerate(arrange(shots)):
        if len(axes) == 3:
            name, values = axes[0]
            sections.append(element("h2", caption({name: values[number]})))
        cells = [[_cell(cell) for cell in row] for row in page]
        rows = [[caption({row_name: value}), *row] for value, row in zip(row_values, cells)]
        sections.append(table(head, rows))
    return join(sections, "\n")


def _cell(cell: Place) -> Html | str:
    if isinstance(cell, SkippedCell):
        return f"not made: {cell.reason}"
    return "not made" if cell is None else _figure(cell)


def _flow(shots: ShotList) -> Html:
    pictures = element("div", *(_figure(shot, shot.alt) for shot in shots), class_="flow")
    skipped = [f"{caption(cell.label)}: {cell.reason}" for cell in shots.skipped]
    return join([pictures, element("p", "Not made:"), unordered_list(skipped)]) if skipped else pictures


def _figure(shot: Shot, below: str = "") -> Html:
    return figure(image(png_bytes(shot.image), shot.alt), below, _details("settings", _list(_facts(shot))))


def _measures(shots: ShotList) -> Html:
    """Return the measures as a table that is open at first; nothing where nothing was varied."""
    if not shots.axes:
        return Html()
    measured = measure_shots(shots)
    head = [*shots.axes, *(MEASURES[name] for name in USUAL)]
    note = (
        "distance: to the picture with the first value of each axis and the same seed. "
        "noise floor: what the seed alone does."
    )
    rows = table(head, measured.texts(), row_heads=len(shots.axes), class_="measures")
    return _details("Measures", rows, element("p", note), open="")


def _details(summary: str, *content: str, **attributes: str) -> Html:
    return element("details", element("summary", summary), *content, **attributes)


def _list(facts: dict[str, str]) -> Html:
    return unordered_list(f"{name} = {text}" for name, text in facts.items())
