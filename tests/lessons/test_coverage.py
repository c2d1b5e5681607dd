"""The link from diffusers' arguments to the cells that teach, move and prove them."""

import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output, writes

from tools import coverage
from tools.form import LESSONS

PATHS = sorted(LESSONS.glob("*.ipynb"))


@pytest.fixture(scope="module")
def known():
    return coverage.arguments()


def lesson(folder, *cells):
    """Write a notebook of (id, source, metadata) and return what coverage finds in it."""
    path = folder / "07_small.ipynb"
    made = [
        new_code_cell(source, id=name, metadata={"lesson": says}, outputs=[new_output("stream", text="0.5 | 1\n")])
        for name, source, says in cells
    ]
    path.write_text(writes(new_notebook(cells=made)), encoding="utf-8")
    return list(coverage.cells([path]))


def test_the_arguments_are_those_of_the_installed_diffusers(known):
    for name in (
        "prompt", "eta", "clip_skip", "img2img.strength", "inpaint.mask_image", "from_pretrained.dtype",
        "from_pretrained.revision", "to.device", "enable_attention_slicing.slice_size", "disable_attention_slicing",
    ):  # fmt: skip
        assert name in known
    assert not {"self", "kwargs", "img2img.prompt"} & set(known)
    assert len(known) == len(set(known)) > 40


def test_an_argument_is_covered_by_a_lesson_a_control_and_a_claim(tmp_path):
    found = lesson(
        tmp_path,
        ("show", "pipe(eta=1)", {"teaches": ["eta"]}),
        ("panel", "explore(make, eta=(0, 1))", {"controls": ["eta"], "no_control": {"latents": "a tensor"}}),
        ("proof", "assert a == b", {"claims": {"eta": "eta 0 repeats"}, "source": "the article"}),
    )
    assert list(coverage.wrong(found, ["eta", "latents"])) == []
    assert list(coverage.missing(found, ["eta"])) == []
    assert list(coverage.missing(found, ["latents"])) == [("latents", ["lesson", "claim"])]
    table = coverage.coverage_page(found, ["eta", "latents"])
    assert "1 of 2 arguments" in table and "| `latents` | not yet | a tensor | not yet |" in table
    assert "| `pipe(...)` | 1 of 2 | 1 |" in coverage.summary(found, ["eta", "latents"])
    page = coverage.claims_page(found)
    assert "| `eta` | eta 0 repeats | the article |" in page and "`0.5 \\| 1`" in page and "diffusers 0." in page


@pytest.mark.parametrize(
    ("source", "says", "wanted"),
    [
        ("1", {"teach": ["eta"]}, "unknown key teach"),
        ("1", {"teaches": ["etta"]}, "names etta under teaches"),
        ("1", {"controls": ["eta"]}, "has no explore"),
        ("1", {"claims": {"eta": "it grows"}}, "asserts nothing"),
    ],
)
def test_wrong_links_are_named(tmp_path, source, says, wanted):
    (problem,) = coverage.wrong(lesson(tmp_path, ("one", source, says)), ["eta"])
    assert problem.startswith("07_small.ipynb: one ") and wanted in problem


def test_the_lessons_links_are_right(known):
    assert list(coverage.wrong(list(coverage.cells(PATHS)), known)) == []


def test_every_argument_has_a_lesson_a_control_and_a_claim(known):
    left = dict(coverage.missing(list(coverage.cells(PATHS)), known))
    assert not left, f"not covered: {left}; see the docstring of tools/coverage.py"


def test_the_pages_are_up_to_date():
    for file, text in coverage.pages(PATHS).items():
        assert file.read_text(encoding="utf-8") == text, f"run python -m tools.coverage write ({file.name} is old)"
