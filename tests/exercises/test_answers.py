"""Each exercise takes its solutions and refuses typical wrong answers; its notebook shows what its cells give."""

import pytest

import sdkit
from sdkit.exercises.course import exercises_of
from sdkit.loading.components import pipeline_from
from tools.exercises import ANSWERS, answers_of, lesson_name, namespace_of, notebooks, run, tasks_of
from tools.lesson import LESSONS, Lesson

# Everything runs in this process with one pipeline: about half a second for an answer.
pytestmark = pytest.mark.slow
NOTEBOOKS = notebooks()


@pytest.fixture(autouse=True)
def one_pipeline(monkeypatch, pipe):
    """Let each setup get a pipeline over the parts of the one that is loaded already; any other is loaded as usual.

    Its scheduler is its own, for answers may change it.
    """
    load = sdkit.load_pipeline

    def load_pipeline(**options):
        if options:
            return load(**options)
        return pipeline_from(type(pipe), pipe, scheduler=type(pipe.scheduler).from_config(pipe.scheduler.config))

    monkeypatch.setattr(sdkit, "load_pipeline", load_pipeline)


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def book(request):
    """Return an exercise notebook."""
    return Lesson.read(request.param)


def test_one_notebook_is_run_in_a_kernel_of_its_own():
    assert NOTEBOOKS[0].name == "01_start.ipynb"
    conftest = (LESSONS.parent / "conftest.py").read_text(encoding="utf-8")
    assert f'EXERCISES = "{NOTEBOOKS[0].name}"' in conftest


def test_solutions_pass_and_wrong_answers_are_refused_with_a_hint(book):
    answers = answers_of(ANSWERS / f"{book.path.stem}.py")
    tasks = {task.name: task for task in tasks_of(book)}
    wrong = dict.fromkeys(tasks, 0)
    right = dict.fromkeys(tasks, 0)
    for answer in answers:
        task, names = tasks[answer.exercise], namespace_of(book)
        if task.given is not None:
            run(task.given.source, names)
        run(answer.source, names)
        checked = run(task.check.source, names)
        if answer.missing is None:
            right[answer.exercise] += 1
            assert checked.passed and checked.points == checked.worth > 0, checked
        else:
            wrong[answer.exercise] += 1
            assert not checked.passed and checked.points == 0
            assert answer.missing in checked.missing, f"{answer.source}\n{checked}"
            assert all(finding.help and finding.text for finding in checked.findings if not finding.passed)
    assert min(right.values()) >= 1 and min(wrong.values()) >= 2, "one solution and two wrong answers for each exercise"


def test_the_notebook_shows_what_its_cells_give(book):
    names = namespace_of(book)
    assert list(exercises_of(lesson_name(book.path))) == [task.name for task in tasks_of(book)]
    for task in tasks_of(book):
        for cell in (task.given, task.answer):
            if cell is not None:
                run(cell.source, names)
        checked = run(task.check.source, names)
        assert not checked.passed, f"{task.name} is solved already"
        stored = task.check.outputs[-1].data  # a progress bar may come first
        assert stored == {"text/plain": repr(checked), "text/html": checked._repr_html_()}
