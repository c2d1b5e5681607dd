"""Each lesson fails when its pipeline ignores the argument it teaches."""

import pytest

from tools import mutants


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
