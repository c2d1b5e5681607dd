"""Small tools that compare, record and measure what `diffusers.StableDiffusionPipeline` does.

The names in `__all__` are all there is to learn. Nothing heavy is imported until one of them is used.

Where things live, each folder built on those above it:

    errors   what is refused shows itself in a notebook by the user's line and the sentence
    parameters, schedulers   the table of arguments, and the one of schedulers' names
    shot, measure, files, language, quiet, text_table, zoom   one picture, numbers for pictures, small helpers
    examples    small trained files that lessons load
    loading     pipelines from the built-in model, folders, files and the Hub, with where they came from
    judge, words    what the built-in model's pictures show, and the words that it knows
    asked       what a prompt asks for, and how much of it a picture shows
    show        pictures laid out: grids, contact sheets, tables, plots, pages
    shots       several pictures, with all the ways to show them
    call        the strict call: arguments checked alone and together, nothing ignored in silence
    inside      what happens inside a call, made visible: each step's noise and guesses
    record      what made a picture: in its PNG, as plain code, made again
    sweeping    values varied: planned, made in batches, resumed from a folder, on one machine or several
    panel       live controls in a notebook
    check       is everything installed, and is it the right sdkit
    lessons     the lessons, and a reader's own copies of them: python -m sdkit.lessons
    exercises   exercises that check themselves, and how they are handed in
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sdkit.asked import COLOURS, named
    from sdkit.call.generate import generate, generator
    from sdkit.check import check_setup
    from sdkit.examples import example
    from sdkit.exercises.check import check_answer, puzzle
    from sdkit.exercises.hand_in import hand_in
    from sdkit.inside.arithmetic import largest_result, unet_flops
    from sdkit.inside.attention import WordProcessor, word_maps
    from sdkit.inside.bars import draw_bars
    from sdkit.inside.between import draw_between, slerp
    from sdkit.inside.calls import draw_calls
    from sdkit.inside.dots import draw_dots
    from sdkit.inside.film import decode, film
    from sdkit.inside.flow import draw_flow
    from sdkit.inside.formats import draw_formats
    from sdkit.inside.fresh_noise import ddim_noise, draw_fresh_noise
    from sdkit.inside.guess import guess
    from sdkit.inside.guidance import draw_guidance
    from sdkit.inside.guided import guided, guider
    from sdkit.inside.loop import draw_loop
    from sdkit.inside.memory import draw_memory, draw_weights, trace_memory, watch_tensors, weight_bytes
    from sdkit.inside.noise import draw_noise
    from sdkit.inside.schedule import draw_schedule
    from sdkit.inside.start import draw_starts
    from sdkit.inside.timesteps import draw_timesteps
    from sdkit.inside.tokens import draw_tokens, tokens
    from sdkit.loading.pipeline import load_pipeline, model_path, plan_load
    from sdkit.loading.single_file import save_single_file
    from sdkit.measure import background, changed, distance, pixels, saturation, sharpness, spread
    from sdkit.panel.grid_panel import explore_grid
    from sdkit.panel.panel import explore
    from sdkit.parameters import PARAMETERS, NoEffectWarning
    from sdkit.quiet import messages
    from sdkit.record.png import read_settings, rebuild, save_picture
    from sdkit.record.reproducibility import reproducibility
    from sdkit.show.grid import draw_grid
    from sdkit.show.table import draw_table
    from sdkit.show.to_scale import draw_to_scale
    from sdkit.sweeping.sweep import plan_sweep, sweep
    from sdkit.words import known_words, unknown_words

_HOME = {
    "load_pipeline": "loading.pipeline", "plan_load": "loading.pipeline", "model_path": "loading.pipeline",
    "generate": "call.generate", "generator": "call.generate", "sweep": "sweeping.sweep",
    "plan_sweep": "sweeping.sweep", "draw_grid": "show.grid", "draw_table": "show.table", "film": "inside.film",
    "decode": "inside.film", "draw_guidance": "inside.guidance", "COLOURS": "asked", "named": "asked",
    "distance": "measure", "changed": "measure", "spread": "measure", "background": "measure", "pixels": "measure",
    "saturation": "measure", "sharpness": "measure", "slerp": "inside.between", "save_picture": "record.png",
    "read_settings": "record.png", "rebuild": "record.png", "reproducibility": "record.reproducibility",
    "explore": "panel.panel", "explore_grid": "panel.grid_panel", "check_setup": "check", "known_words": "words",
    "unknown_words": "words", "PARAMETERS": "parameters", "NoEffectWarning": "parameters",
    "draw_formats": "inside.formats", "draw_memory": "inside.memory", "draw_noise": "inside.noise",
    "trace_memory": "inside.memory",
    "watch_tensors": "inside.memory", "weight_bytes": "inside.memory", "draw_weights": "inside.memory",
    "tokens": "inside.tokens", "draw_tokens": "inside.tokens", "draw_flow": "inside.flow", "guess": "inside.guess",
    "draw_schedule": "inside.schedule", "draw_calls": "inside.calls", "unet_flops": "inside.arithmetic",
    "draw_to_scale": "show.to_scale", "ddim_noise": "inside.fresh_noise", "draw_fresh_noise": "inside.fresh_noise",
    "draw_starts": "inside.start", "messages": "quiet", "draw_loop": "inside.loop",
    "draw_timesteps": "inside.timesteps", "WordProcessor": "inside.attention", "word_maps": "inside.attention",
    "draw_between": "inside.between", "guider": "inside.guided", "guided": "inside.guided",
    "largest_result": "inside.arithmetic", "save_single_file": "loading.single_file", "draw_bars": "inside.bars",
    "draw_dots": "inside.dots", "check_answer": "exercises.check", "puzzle": "exercises.check",
    "hand_in": "exercises.hand_in", "example": "examples",
}  # fmt: skip
__all__ = [
    "COLOURS", "PARAMETERS", "NoEffectWarning", "WordProcessor", "background", "changed", "check_answer", "check_setup",
    "ddim_noise", "decode", "distance", "draw_bars", "draw_between", "draw_calls", "draw_dots", "draw_flow",
    "draw_formats", "draw_fresh_noise", "draw_grid", "draw_guidance", "draw_loop", "draw_memory", "draw_noise",
    "draw_schedule", "draw_starts", "draw_table", "draw_timesteps", "draw_to_scale", "draw_tokens", "draw_weights",
    "example", "explore", "explore_grid", "film", "generate", "generator", "guess", "guided", "guider", "hand_in",
    "known_words", "largest_result", "load_pipeline", "messages", "model_path", "named", "pixels", "plan_load",
    "plan_sweep", "puzzle", "read_settings", "rebuild", "reproducibility", "saturation", "save_picture",
    "save_single_file", "sharpness", "slerp", "spread", "sweep", "tokens", "trace_memory", "unet_flops",
    "unknown_words", "watch_tensors", "weight_bytes", "word_maps",
]  # fmt: skip


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module 'sdkit' has no attribute {name!r}; it has {', '.join(__all__)}")
    value = getattr(import_module(f"sdkit.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__():
    return [*globals(), *__all__]
