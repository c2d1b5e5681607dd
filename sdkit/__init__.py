"""Small tools that compare, record and measure what `diffusers.StableDiffusionPipeline` does.

The names below are all there is to learn. Nothing heavy is imported until one of them is used.
"""

from importlib import import_module

_HOME = {
    "load_pipeline": "loading", "plan_load": "loading", "model_path": "loading",
    "generate": "generation", "generator": "seeding",
    "sweep": "sweeping", "plan_sweep": "sweeping", "draw_grid": "grid",
    "save_picture": "record", "read_settings": "record", "rebuild": "record", "reproducibility": "card",
    "explore": "panel", "check_setup": "check",
    "known_words": "words", "unknown_words": "words",
    "PARAMETERS": "parameters", "NoEffectWarning": "parameters",
}
__all__ = sorted(_HOME)


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module 'sdkit' has no attribute {name!r}; it has {', '.join(__all__)}")
    value = getattr(import_module(f"sdkit.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__():
    return [*globals(), *__all__]
