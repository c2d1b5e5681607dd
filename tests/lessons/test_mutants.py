"""Each lesson fails when its pipeline ignores the argument it teaches."""

import ast
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from nbformat.v4 import new_code_cell, new_notebook

from sdkit import generator, load_pipeline
from sdkit.loading.provenance import origin_of
from tests.adapters import add_lora
from tools import mutants
from tools.lesson import Lesson


@pytest.mark.slow
@pytest.mark.parametrize("name", mutants.MUTANTS)
def test_a_lesson_fails_when_its_argument_is_ignored(name):
    assert mutants.killed_by(name), f"the lesson {mutants.MUTANTS[name].lesson} passes although {name} is ignored"


def test_a_pipeline_that_ignores_nothing_keeps_its_signature_and_result():
    def call(self, prompt, eta=0.0, **kwargs):
        """Draw."""
        return prompt, eta, kwargs

    same = mutants.mutated(call, lambda pipe, given: None)
    assert same(None, "a cat", eta=0.5, typo=1) == ("a cat", 0.5, {"typo": 1})
    assert same.__wrapped__ is call and same.__doc__ == "Draw."
    without = mutants.mutated(call, mutants.MUTANTS["eta"].change)
    assert without(None, "a cat", eta=0.5) == ("a cat", 0.0, {})


def test_a_lora_that_is_ignored_is_there_again_after_the_call(pipe):
    own = load_pipeline()
    add_lora(own, "zib", parts=("unet", "text_encoder"))
    own.load_textual_inversion(torch.ones(2, 128), "<zib>")
    own.set_adapters("zib", 0.5)

    def drawn(one, prompt, mutant=None):
        function = type(one).__call__
        if mutant:
            function = mutants.mutated(function, mutants.MUTANTS[mutant].change)
        return np.asarray(function(one, prompt, num_inference_steps=2, generator=generator(1)).images[0])

    before = origin_of(own)
    assert np.array_equal(drawn(own, "a cat", "lora"), drawn(pipe, "a cat")) and origin_of(own) == before
    assert np.array_equal(drawn(own, "a <zib> cat", "word"), drawn(own, "a  cat"))
    assert not np.array_equal(drawn(own, "a <zib> cat"), drawn(own, "a  cat"))


@pytest.mark.parametrize(
    ("code", "bound", "changed", "used"),
    [
        ("import a.b, c as d", "a d", "", ""),
        ("x = y + z", "x", "", "y z"),
        ("x += 1", "x", "", "x"),
        ("x.y[0].z = w", "", "x", "x w"),
        ("rows.append(x)", "", "rows", "rows x"),
        ("show(x)", "", "", "show x"),
        ("for n in many: total = n", "n total", "", "many"),
        ("x = [n for n in many]", "x", "", "many"),
        ("def f(a):\n    b = a\n    return b + c", "f", "", "c"),
    ],
)
def test_the_names_of_a_statement(code, bound, changed, used):
    (statement,) = ast.parse(code).body
    assert mutants.names_in(statement) == (set(bound.split()), set(changed.split()), set(used.split()))


def lesson(*cells):
    """Return a lesson of (id, source, arguments claimed)."""
    made = [
        new_code_cell(source, id=name, metadata={"lesson": {"claims": dict.fromkeys(claims, "so it is")}})
        for name, source, *claims in cells
    ]
    return Lesson(None, new_notebook(cells=made))


def test_a_claim_runs_with_the_setup_and_the_cells_whose_names_it_uses():
    small = lesson(
        ("setup", "import math"), ("rows", "rows = []"), ("old", "x = 1"), ("other", "y = 2"),
        ("add", "rows.append(1)"), ("shown", "math.floor(1)"), ("new", "x = len(rows)"),
        ("proof", "assert x == math.ceil(1)", "eta"),
        ("later", "assert x == 1", "inpaint.strength"),
    )  # fmt: skip
    (claim,) = mutants.claiming(small, "eta")
    assert [cell.id for cell in mutants.cells_for(small, claim)] == ["setup", "rows", "add", "new", "proof"]
    assert [cell.id for cell in mutants.claiming(small, "strength")] == ["later"]


class Doubler:
    """A pipeline that doubles a number."""

    def __call__(self, x=0):
        return 2 * x


@pytest.fixture
def killer(monkeypatch):
    """Return a function that says which cell of a lesson whose last cell is `proof` notices that x is ignored."""
    monkeypatch.setitem(sys.modules, "doubling", SimpleNamespace(Doubler=Doubler))

    def killing(proof, *errors):
        small = lesson(("setup", "from doubling import Doubler\npipe = Doubler()"), ("proof", proof, "x"))
        failing = mutants.killing_cell(
            small, ["x"], Doubler, lambda pipe, given: given.pop("x"), (AssertionError, *errors)
        )
        return failing and failing.id

    return killing


def test_a_mutant_is_killed_by_a_claim_that_notices(killer):
    assert killer("assert pipe(x=3) == 6") == "proof"
    assert killer("assert pipe(x=3) >= 0") is None


def test_another_error_kills_only_where_the_mutant_names_it(killer):
    with pytest.raises(ZeroDivisionError):
        killer("1 / pipe(x=3)")
    assert killer("1 / pipe(x=3)", ZeroDivisionError) == "proof"
    with pytest.raises(ZeroDivisionError):
        killer("1 / 0", ZeroDivisionError)  # without the change, too


def test_a_claim_that_fails_anyway_kills_nothing(killer):
    with pytest.raises(ValueError, match="proof fails where nothing is ignored, too"):
        killer("assert pipe(x=3) == 7")
