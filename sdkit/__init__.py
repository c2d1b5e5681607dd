"""Small tools that compare, record and measure what `diffusers.StableDiffusionPipeline` does.

The names in `__all__` are all there is to learn. Nothing heavy is imported until one of them is used.

Where things live, each folder built on those above it:

    errors   what is refused shows itself in a notebook by the user's line and the sentence
    parameters, schedulers   the table of arguments, and the one of schedulers' names
    shot, measure, files, quiet   one picture, numbers for pictures, small helpers
    loading     pipelines from the built-in model, folders, files and the Hub, with where they came from
    judge, words    what the built-in model's pictures show, and the words that it knows
    show        pictures laid out: grids, contact sheets, tables, plots, pages
    shots       several pictures, with all the ways to show them
    call        the strict call: arguments checked alone and together, nothing ignored in silence
    record      what made a picture: in its PNG, as plain code, made again
    sweeping    values varied: planned, made in batches, resumed from a folder, on one machine or several
    panel       live controls in a notebook
    check       is everything installed, and is it the right sdkit
    lessons     the lessons, and a reader's own copies of them: python -m sdkit.lessons
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sdkit.call.generate import generate, generator
    from sdkit.check import check_setup
    from sdkit.loading.pipeline import load_pipeline, model_path, plan_load
    from sdkit.panel.grid_panel import explore_grid
    from sdkit.panel.panel import explore
    from sdkit.parameters import PARAMETERS, NoEffectWarning
    from sdkit.record.png import read_settings, rebuild, save_picture
    from sdkit.record.reproducibility import reproducibility
    from sdkit.show.grid import draw_grid
    from sdkit.sweeping.sweep import plan_sweep, sweep
    from sdkit.words import known_words, unknown_words

_HOME = {
    "load_pipeline": "loading.pipeline", "plan_load": "loading.pipeline", "model_path": "loading.pipeline",
    "generate": "call.generate", "generator": "call.generate",
    "sweep": "sweeping.sweep", "plan_sweep": "sweeping.sweep", "draw_grid": "show.grid",
    "save_picture": "record.png", "read_settings": "record.png", "rebuild": "record.png",
    "reproducibility": "record.reproducibility",
    "explore": "panel.panel", "explore_grid": "panel.grid_panel", "check_setup": "check",
    "known_words": "words", "unknown_words": "words",
    "PARAMETERS": "parameters", "NoEffectWarning": "parameters",
}  # fmt: skip
__all__ = [
    "PARAMETERS", "NoEffectWarning", "check_setup", "draw_grid", "explore", "explore_grid", "generate", "generator",
    "known_words", "load_pipeline", "model_path", "plan_load", "plan_sweep", "read_settings", "rebuild",
    "reproducibility", "save_picture", "sweep", "unknown_words",
]  # fmt: skip


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module 'sdkit' has no attribute {name!r}; it has {', '.join(__all__)}")
    value = getattr(import_module(f"sdkit.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__():
    return [*globals(), *__all__]
