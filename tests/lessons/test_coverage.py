"""The link from diffusers' arguments to the cells that teach, move and prove them."""

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, writes

from tools import coverage
from tools.lesson import LESSONS

PATHS = sorted(LESSONS.glob("*.ipynb"))
HEADINGS = '# 7 · small\n\n## The `eta` of *two*, "quoted"\n\n```python\n# no heading\n```'


@pytest.fixture(scope="module")
def known():
    return coverage.arguments()


def lesson(folder, *cells):
    """Write a notebook of (id, source, metadata, what it prints) and return what coverage finds in it."""
    path = folder / "07_small.ipynb"
    made = [new_markdown_cell(HEADINGS, id="head")]
    for name, source, says, *printed in cells:
        outputs = [new_output("stream", text=text) for text in printed]
        made.append(new_code_cell(source, id=name, metadata={"lesson": says}, outputs=outputs))
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


def test_claims_are_listed_by_argument_with_kind_and_place(tmp_path):
    found = lesson(
        tmp_path,
        ("same", "assert a == b", {"claims": {"to.device": "it stays", "model": "one | two"}}, "eta 0\n"),
        ("far", "assert a > b", {"claims": {"eta": "it grows"}, "source": "the article", "n": 24}, "0.5 1\n"),
        ("cat", "assert a == b", {"claims": {"eta": "a cat"}, "built_in": True}, "True " * 20),
    )
    page = coverage.claims_page(found, ["eta", "to.device"])
    place = '[7 · The `eta` of *two*, "quoted"](../notebooks/{}/07_small.ipynb#The-eta-of-two,-%22quoted%22)'
    place = place.format(tmp_path.name)
    assert "- `pipe(...)`: [eta](#eta)\n- `pipe.to`: [to device](#to-device)\n- and: [the model](#the-model)\n" in page
    assert [line for line in page.splitlines() if line.startswith("## ")] == ["## eta", "## to device", "## the model"]
    assert [line for line in page.splitlines() if place in line] == [
        f"| it grows *Said by the article.* | measured, n = 24 | CPU, any model |  | {place} |",
        f"| a cat | measured | CPU, built-in model |  | {place} |",
        f"| it stays | identity | CPU, any model | `eta 0` | {place} |",
        f"| one \\| two | identity | CPU, any model | `eta 0` | {place} |",
    ]
    assert "diffusers 0." in page and page.endswith(" |\n")


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("assert torch.equal(a, b)", "identity"),
        ("assert array_equal(a, b) and a.shape == (2, 3) and isinstance(a, list)", "identity"),
        ("with TestCase().assertRaises(ValueError):\n    pipe()", "identity"),
        ("for scale in scales:\n    assert torch.equal(a, b) == (scale <= 1)", "identity"),
        ("x = a < b\nassert torch.equal(a, b)", "identity"),
        ("assert distance(a, b) > 5", "measured"),
        ("assert a[0] > 0 == a[1]", "measured"),
        ("assert all(a < b for a, b in pairs)", "measured"),
        ("assert torch.allclose(a, b, atol=1e-4)", "measured"),
        ("assert a == approx(b)", "measured"),
        ("%time assert a == b", "measured"),
    ],
)
def test_the_kind_of_a_claim_follows_from_its_asserts(tmp_path, source, kind):
    (cell,) = lesson(tmp_path, ("one", source, {}))
    assert cell.kind == kind
    other = ({"identity", "measured"} - {kind}).pop()
    (cell,) = lesson(tmp_path, ("one", source, {"kind": other}))
    assert cell.kind == other


@pytest.mark.parametrize(
    ("source", "says", "wanted"),
    [
        ("1", {"teach": ["eta"]}, "unknown key teach"),
        ("1", {"teaches": ["etta"]}, "names etta under teaches"),
        ("1", {"controls": ["eta"]}, "has no explore"),
        ("1", {"claims": {"eta": "it grows"}}, "asserts nothing"),
        ("1", {"kind": "proved"}, "has the kind proved; write identity or measured"),
    ],
)
def test_wrong_links_are_named(tmp_path, source, says, wanted):
    (problem,) = coverage.wrong(lesson(tmp_path, ("one", source, says)), ["eta"])
    assert problem.startswith("07_small.ipynb: one ") and wanted in problem


def test_marks_of_other_tools_are_known(tmp_path):
    says = {"numbers": {"measure": ["26"]}, "strip": "axis", "built_in": True, "kind": "measured", "n": "24 prompts"}
    assert list(coverage.wrong(lesson(tmp_path, ("one", "1", says)), ["eta"])) == []
    path = tmp_path / "08_prose.ipynb"
    path.write_text(writes(new_notebook(cells=[new_markdown_cell("26 of 32", metadata={"lesson": says})])))
    (cell,) = coverage.cells([path])
    assert list(coverage.wrong([cell], ["eta"])) == []


def test_the_lessons_links_are_right(known):
    assert list(coverage.wrong(list(coverage.cells(PATHS)), known)) == []


def test_every_argument_has_a_lesson_a_control_and_a_claim(known):
    left = dict(coverage.missing(list(coverage.cells(PATHS)), known))
    assert not left, f"not covered: {left}; see the docstring of tools/coverage.py"


def test_the_pages_are_up_to_date():
    for file, text in coverage.pages(PATHS).items():
        assert file.read_text(encoding="utf-8") == text, f"run python -m tools.coverage write ({file.name} is old)"
