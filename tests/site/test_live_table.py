"""The table of live panels: which controls each lesson shows, with names that the lab knows."""

import json
import re

import pytest

from tools.lesson import LESSONS, Lesson
from tools.notebooks import WIDGET
from tools.site.live import CONTROLS, STARTS, TABLE, Live, download_megabytes, read_table
from tools.site.pages import LANGUAGES, ROOT

LAB = ROOT / "browser" / "src" / "lab"
SHOWS = re.compile(r" It shows (.*)\.$")


def test_every_lesson_has_a_row():
    assert list(read_table()) == [path.stem for path in sorted(LESSONS.glob("*.ipynb"))]


def test_names_are_those_of_the_lab():
    text = (LAB / "settings.js").read_text(encoding="utf-8")
    assert tuple(re.findall(r"^  (\w+): \{ kind: ", text, re.MULTILINE)) == CONTROLS
    samples = (LAB / "sample_pictures.js").read_text(encoding="utf-8")
    assert tuple(re.findall(r"^  (\w+): \[$", samples, re.MULTILINE)) == STARTS
    schedulers = set(re.findall(r"\b\w+Scheduler(?=: )", text))
    chosen = {row["settings"].get("scheduler") for row in read_table().values()} - {None}
    assert chosen and chosen <= schedulers


def test_the_part_with_the_start_picture_has_the_name_by_which_a_page_opens_it():
    assert 'class: "sd-start"' in (LAB / "start_picture.js").read_text(encoding="utf-8")
    assert "details:has(.sd-start)" in (ROOT / "site" / "static" / "live.js").read_text(encoding="utf-8")


def test_the_lab_takes_what_a_block_gives_it():
    options = re.search(r'data-options="([^"]*)"', Live(read_table(), 28).block("06_guidance_scale", "en", "../lab"))[1]
    given = json.loads(options.replace("&quot;", '"'))
    taken = re.search(
        r"export function mountLab\(\s*place,\s*\{(.*?)\},?\s*\) \{", (LAB / "lab.js").read_text("utf-8"), re.DOTALL
    )
    assert set(given) <= set(re.findall(r"(\w+)(?=[,:]| = )", taken[1]))


@pytest.mark.parametrize("lesson", read_table())
def test_a_panel_starts_as_the_stored_one_or_says_what_is_different(lesson):
    row = read_table()[lesson]
    assert set(row.get("note", LANGUAGES)) == set(LANGUAGES)
    outputs = [
        output
        for cell in Lesson.read(LESSONS / f"{lesson}.ipynb").core
        if cell.cell_type == "code"
        for output in cell.outputs
    ]
    alts = [output.metadata["image/png"]["alt"] for output in outputs if WIDGET in output.get("data", {})]
    shown = dict(one.split(" = ", 1) for one in re.split(r", (?=\w+ = )", SHOWS.search(alts[-1])[1]))
    both = set(shown) & set(row["settings"])
    if "note" not in row:
        assert both
    for name in both - ({"scheduler"} if "note" in row else set()):
        told = row["settings"][name]
        same = shown[name].strip('"') == told if isinstance(told, str) else float(shown[name]) == told
        assert same or "note" in row, (name, shown[name], told)


def test_what_the_lab_does_not_know_is_refused(tmp_path):
    rows = {"controls": ["cfg"]}, {"controls": []}, {"controls": ["seed"], "settings": {"start": "tree"}}
    for row in rows:
        (tmp_path / "live.json").write_text(json.dumps({"01_start": row}))
        with pytest.raises(ValueError, match="live.json, 01_start"):
            read_table(tmp_path / "live.json")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_block_says_what_is_different_and_how_much_is_downloaded(language):
    block = Live(read_table(), 28).block("16_inpaint", language, "../../lab")
    assert read_table()["16_inpaint"]["note"][language] in block and "28 MB" in block
    assert f'href="../../lab/{"index" if language == "en" else "ja"}.html"' in block
    heading, html = block.split("\n\n")  # a second blank line would end the HTML in Markdown
    assert heading.startswith("## ") and "<noscript>" in html


def test_a_note_says_what_the_lab_calls_the_button_pin():
    texts = (LAB / "texts.js").read_text(encoding="utf-8")
    lessons = [name for name in read_table() if "**pin**" in (LESSONS / f"{name}.ipynb").read_text(encoding="utf-8")]
    assert lessons
    for name in lessons:
        note = read_table()[name]["note"]
        assert all("<b>pin</b>" in note[language] for language in LANGUAGES) and "“pin as A”" in note["en"]
    assert 'pin: "pin as A"' in texts


def test_only_one_runtime_is_downloaded(tmp_path):
    for name, size in {"models/unet.onnx": 20, "runtime/a.wasm": 4, "runtime/b.wasm": 7}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(bytes(size * 1_000_000))
    assert download_megabytes(tmp_path) == 27


def test_the_table_is_written_as_it_is_read():
    assert json.loads(TABLE.read_text(encoding="utf-8")) == read_table()
