"""What check_answer says: right, missing, a hint; for every kind of answer, and without touching anything."""

import numpy as np
import pytest
import torch
from PIL import Image

import sdkit as sd
from sdkit.exercises import answers, session
from sdkit.exercises.course import exercises_of, lessons
from sdkit.exercises.exercise import exercise
from sdkit.exercises.finding import Refused, finding
from sdkit.exercises.looks import apart, centre, covered, is_same, shows

RED = Image.new("RGB", (32, 32), (214, 48, 49))


def right_formula(without, prompted, scale):
    return without + scale * (prompted - without)


def half_right(without, prompted, scale):
    return without if scale == 0 else prompted


def raising(without, prompted, scale):
    return without / {}["scale"]


def checked(answer, name="formula"):
    return sd.check_answer("guidance_scale", name, answer)


def test_a_right_answer_passes_and_gets_its_points():
    found = checked(right_formula)
    assert found.passed and found.answered and found.points == found.worth == 2 and found.missing == []
    assert repr(found).splitlines()[0] == "formula: all is right. Points: 2 of 2."
    assert "Hint" not in repr(found) and repr(found).count("✓") == 3


def test_a_wrong_answer_is_told_in_words_with_one_hint():
    found = checked(half_right)
    assert not found.passed and found.points == 0 and found.missing == ["scale 7.5"]
    lines = repr(found).splitlines()
    assert lines[0] == "formula: not yet. Points: 0 of 2." and lines[3] == "  ✗ A scale of 7.5 is not right."
    assert lines[4].startswith("    Hint: Where does the way begin")
    twice = checked(lambda without, prompted, scale: without * 0)
    assert repr(twice).count("✗") == 3 and repr(twice).count("Hint") == 1  # the same hint is not given again


@pytest.mark.parametrize("answer", [None, [None, None], {"unet": None}])
def test_an_open_answer_is_no_wrong_one(answer):
    found = checked(answer)
    assert not found.answered and not found.passed and found.findings == () and found.points == 0
    assert repr(found) == "formula: not answered yet." and "<ul>" not in found._repr_html_()
    assert session.entries() == []


def test_an_error_of_the_readers_function_is_a_finding():
    found = checked(raising)
    assert found.missing == ["error"]
    line = raising.__code__.co_firstlineno + 1
    assert f"Your function raised KeyError: 'scale' in its line {line}." in repr(found)


def test_pages_show_words_and_escape_what_readers_wrote():
    def named(without, prompted, scale):
        raise ValueError("<b>")

    page = checked(named)._repr_html_()
    assert "&lt;b&gt;" in page and "<b>&" not in page and "✗" in page and 'role="status"' in page


@pytest.mark.parametrize(
    ("read", "answer", "name"),
    [
        (answers.picture_of, "a cat", "picture"),
        (answers.picture_of, [RED, RED], "alone"),
        (answers.shot_of, [RED, RED], "alone"),
        (answers.picture_of, ["a", "b"], "picture"),
        (answers.shot_of, RED, "shot"),
        (answers.number_of, "7", "number"),
        (answers.number_of, True, "number"),
        (answers.number_of, float("nan"), "number"),
        (answers.number_of, 10**400, "number"),
        (answers.whole_of, 1.5, "number"),
        (answers.text_of, 3, "text"),
        (lambda answer: answers.chosen_of(answer, ("red", "blue")), "green", "choice"),
        (lambda answer: answers.chosen_of(answer, ("red", "blue")), 7, "choice"),
        (lambda answer: answers.table_of(answer, ("a", "b")), {"a": 1}, "keys"),
        (lambda answer: answers.pictures_of(answer, 2), [RED], "pictures"),
        (lambda answer: answers.pictures_of(answer, 1), ["a"], "picture"),
        (answers.called, 3, "function"),
        (answers.called, int, "function"),
        (lambda answer: answers.returned(answer, answers.number_of), None, "return"),
    ],
)
def test_an_answer_of_another_kind_is_told_in_a_sentence(read, answer, name):
    with pytest.raises(Refused) as refused:
        read(answer)
    found = refused.value.finding
    assert found.name == name and not found.passed and found.text.endswith(".") and found.help.endswith(".")


def test_answers_of_the_right_kind_are_read(pipe):
    shot = sd.generate(pipe, "a cat", num_inference_steps=1)
    assert answers.shot_of(shot) is shot[0] and answers.picture_of(shot) is shot[0].image
    assert answers.number_of(np.float32(1.5)) == 1.5 and answers.number_of(torch.tensor(2)) == 2
    assert answers.whole_of(7.0) == 7 and answers.chosen_of(" Red ", ("red",)) == "red"
    assert answers.pictures_of((RED, RED), 2) == [RED, RED]
    assert answers.kind_of([1, 2]) == "list (2)" and answers.kind_of(RED) == "PIL.Image"


def test_a_check_ends_where_it_is_refused():
    @exercise(points=1)
    def cell(answer):
        yield finding("first", True, right="r", missing="m", hint="h")
        answers.text_of(answer)
        raise AssertionError("not reached")

    assert [found.name for found in cell.findings(3)] == ["first", "text"]


def test_what_looks_like_what():
    assert shows(RED, "background", "red").passed and not shows(RED, "background", "blue").passed
    picture = RED.copy()
    picture.paste((245, 245, 245), (0, 24, 8, 32))
    assert centre(picture) == (0.125, 0.875) and covered(picture) == pytest.approx(1 / 16)
    assert centre(RED) == (0.5, 0.5) and covered(RED) == 0
    assert apart(RED, RED) == 0 and 0 < apart(RED, picture) < 255 == apart(RED, RED.resize((8, 8)))
    assert is_same(RED, RED) and not is_same(RED, picture) and not is_same(RED, RED.resize((8, 8)))


def test_checks_leave_the_readers_random_numbers_and_pipeline_alone(pipe):
    before, scheduler = torch.get_rng_state(), pipe.scheduler
    checked(lambda *given: torch.rand(3))
    assert torch.equal(torch.get_rng_state(), before) and pipe.scheduler is scheduler


def test_the_last_answer_to_each_exercise_is_remembered():
    checked(half_right)
    checked(right_formula)
    checked(None)
    (entry,) = session.entries()
    assert entry.answer is right_formula and entry.checked.passed


def test_unknown_names_are_told():
    with pytest.raises(ValueError, match="lesson is 'guidance_scales'; did you mean 'guidance_scale'?"):
        sd.check_answer("guidance_scales", "formula", None)
    with pytest.raises(ValueError, match="lesson is '../own'; give one of .*guidance_scale"):
        sd.check_answer("../own", "formula", None)
    with pytest.raises(ValueError, match="exercise is 'x'; give one of green_owl, mystery, formula"):
        sd.check_answer("guidance_scale", "x", None)
    with pytest.raises(ValueError, match="formula of guidance_scale has no puzzle"):
        sd.puzzle("guidance_scale", "formula")


def test_a_puzzle_is_the_same_picture_each_time_and_does_not_tell(pipe):
    first, second = (sd.puzzle("guidance_scale", "mystery") for _ in range(2))
    assert first is not second and sd.distance(first, second) == 0 and first.info == {}
    first.paste((0, 0, 0), (0, 0, 64, 64))
    assert sd.distance(sd.puzzle("guidance_scale", "mystery"), second) == 0


@pytest.mark.parametrize("lesson", lessons())
def test_every_lesson_has_exercises_that_are_worth_something(lesson):
    found = exercises_of(lesson)
    assert len(found) >= 2 and all(1 <= one.points <= 5 and one.check.__doc__ for one in found.values())
