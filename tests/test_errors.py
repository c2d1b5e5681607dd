"""Errors of sdkit in a notebook show the user's line and the sentence; elsewhere they are what they were."""

import copyreg
import inspect
import pickle
import re
import traceback
import warnings

import pytest
from IPython.core.interactiveshell import InteractiveShell
from PIL import Image

import sdkit
from sdkit import NoEffectWarning, draw_grid, generate, sweep
from sdkit.errors import plain_errors
from sdkit.shot import Shot
from sdkit.shots import Shots
from sdkit.sweeping.job import Job


@pytest.fixture
def shown(capsys):
    """Return a function that runs code as a cell of a notebook and returns the lines of its error."""
    shell = InteractiveShell.instance()
    shell.run_line_magic("colors", "nocolor")

    def run(code, **names):
        shell.user_ns.update(names, sdkit=sdkit)
        shell.run_cell(code)
        return re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out).splitlines()

    yield run
    InteractiveShell.clear_instance()


def test_what_is_refused_shows_the_line_and_the_sentence(shown, pipe):
    lines = shown("size = 100\nsdkit.generate(pipe, 'a cat', steps=size)", pipe=pipe)
    assert "----> 2 sdkit.generate(pipe, 'a cat', steps=size)" in lines
    assert lines[-1].endswith("takes no argument 'steps'; did you mean num_inference_steps?")
    assert len(lines) < 10 and not any(".py" in line for line in lines)


def test_the_users_functions_are_shown_up_to_the_call(shown):
    lines = shown("def mine(shots):\n    return sdkit.draw_grid(shots)\nmine([])")
    assert [line for line in lines if line.startswith("---->")] == [
        "----> 3 mine([])",
        "----> 2     return sdkit.draw_grid(shots)",
    ]
    assert not any("grid.py" in line for line in lines)


def test_methods_say_it_as_plainly(shown):
    lines = shown("shots.at(eta=1)", shots=Shots([Shot(Image.new("RGB", (8, 8)), {}, {})]))
    assert lines[-1] == "ValueError: eta was not varied; the axes are none." and len(lines) < 8


def test_causes_that_the_sentence_repeats_are_left_out(shown, tmp_path):
    (tmp_path / "model_index.json").write_text("{")
    lines = shown("sdkit.load_pipeline(folder)", folder=tmp_path)
    assert "JSONDecodeError" not in " ".join(line for line in lines[:-1]) and len(lines) < 9, "\n".join(lines)


def test_causes_are_left_out_where_copies_keep_them(shown, tmp_path):
    pickling_support = pytest.importorskip("tblib.pickling_support")
    before = copyreg.dispatch_table.copy()
    pickling_support.install()  # as Dask does
    try:
        test_causes_that_the_sentence_repeats_are_left_out(shown, tmp_path)
    finally:
        copyreg.dispatch_table.clear()
        copyreg.dispatch_table.update(before)


def through(function):
    """Call a function from one of sdkit's."""
    namespace = {"function": function}
    exec(compile("def call():\n    function()", f"{sdkit.__path__[0]}/made_up.py", "exec"), namespace)
    return plain_errors(namespace["call"])


def test_errors_of_the_users_functions_and_mistakes_of_sdkit_are_shown_whole():
    def refuse():
        raise ValueError("mine")

    for function in (refuse, lambda: int("x")):
        with pytest.raises(ValueError) as caught:
            through(function)()
        assert not hasattr(caught.value, "_render_traceback_")


def test_a_mistake_inside_sdkit_is_shown_whole():
    namespace = {}
    exec(compile("def call():\n    return int('x')", f"{sdkit.__path__[0]}/made_up.py", "exec"), namespace)
    with pytest.raises(ValueError) as caught:
        plain_errors(namespace["call"])()
    assert not hasattr(caught.value, "_render_traceback_")


def test_outside_of_notebooks_errors_are_what_they_were():
    with pytest.raises(ValueError) as caught:
        draw_grid([])
    error = caught.value
    assert type(error) is ValueError and str(error).startswith("there are no pictures")
    frames = traceback.format_exception(error)
    assert any("grid.py" in frame for frame in frames)
    assert pickle.loads(pickle.dumps(error)).args == error.args


def test_warnings_are_said_of_the_users_line(pipe):
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        generate(pipe, "a cat", num_inference_steps=1, guidance_scale=1, negative_prompt="red")
    assert [(one.category, one.filename) for one in heard] == [(NoEffectWarning, __file__)]


def test_a_warning_of_a_sweep_is_said_of_the_users_line(pipe, monkeypatch):
    def interrupt(job, executor, advance=Job.advance):
        if job.finished:
            raise KeyboardInterrupt
        return advance(job, executor)

    monkeypatch.setattr("sdkit.sweeping.job.Job.advance", interrupt)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        sweep(pipe, "a cat", seed=[1, 2], num_inference_steps=1)
    assert [one.filename for one in heard] == [__file__] and "interrupted" in str(heard[0].message)


@pytest.mark.parametrize("name", sdkit.__all__)
def test_every_public_function_that_refuses_something_says_it_plainly(name):
    if inspect.isfunction(getattr(sdkit, name)) and name not in ("check_setup", "known_words", "model_path"):
        assert hasattr(getattr(sdkit, name), "__wrapped__")


def test_a_warning_of_what_a_sweep_plans_is_said_of_the_users_line(pipe):
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        sweep(pipe, "a cat", scheduler=["DDIM", "Euler a"], eta=[0, 1], num_inference_steps=1)
    assert {one.filename for one in heard if issubclass(one.category, NoEffectWarning)} == {__file__}


def test_what_a_function_says_of_itself_stays():
    assert "Make one picture for each combination" in sweep.__doc__ and sweep.__name__ == "sweep"
