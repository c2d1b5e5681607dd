"""The plain diffusers code that makes a picture, written from its record."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from numbers import Real
from typing import Any

from sdkit.loading.pipeline import BUILT_IN
from sdkit.shot import Shot, in_words, is_picture


def plain_code(shot: Shot, path: str = "picture.png", *, always: Collection[str] = ()) -> str:
    """Return Python code that makes the picture of a shot with diffusers alone.

    What cannot be written as code (pictures, tensors) is read from the file `path` that
    `save_picture` writes of the shot; a callback stays a name that you define, and the files of adapters
    and words are for you to fill in, since no record tells them. Only arguments that differ from diffusers'
    defaults are written, and those named in `always`; of the scheduler those that differ from its own.
    """
    import diffusers

    origin, settings = shot.origin, shot.settings
    kind = getattr(diffusers, origin.pipeline)
    scheduler = getattr(diffusers, origin.scheduler)
    written = {name: _written(name, value) for name, value in _changed(kind.__call__, settings, always).items()}
    own_state = settings.get("generator_state") is not None
    fresh = f'torch.Generator("cpu").manual_seed({settings["seed"]})'
    written["generator"] = "generator" if own_state else fresh
    stored = own_state or any(text.startswith("stored[") for text in written.values())
    ours = [name for name, needed in (("model_path", _is_built_in(origin)), ("read_settings", stored)) if needed]

    lines = ["import torch", f"from diffusers import {', '.join(sorted({kind.__name__, scheduler.__name__}))}"]
    if ours:
        lines += ["", f"from sdkit import {', '.join(ours)}"]
    lines += ["", *_loading(origin, kind, scheduler), *_adding(shot)]
    if stored:
        lines.append(f'stored = read_settings({path!r})["settings"]')
    if own_state:
        lines += [f"generator = {fresh}", 'generator.set_state(stored["generator_state"])']
    lines += ["image = pipe(", *(f"    {name}={text}," for name, text in written.items()), ").images[0]"]
    return "\n".join(lines) + "\n"


def has_plain_code(shot: Shot) -> bool:
    """Say whether the code of a shot runs as it stands, without callbacks, or anything from a file."""
    if shot.origin.adapters or _words_read(shot):
        return False
    kept = {name: value for name, value in shot.settings.items() if name not in ("seed", "generator_state")}
    return shot.settings.get("generator_state") is None and all(map(_literal, kept.values()))


def plain_call(function: Callable, values: Mapping[str, Any]) -> str:
    """Return the call of a function with these values, for what is no shot.

    A picture is read from a file, and whatever else cannot be written as code is a name; both are for you to fill
    in, and a comment says with what.
    """
    comments, written, pictures = [], [], False
    for name, value in values.items():
        if is_picture(value):
            pictures = True
            comments.append(
                f"# {name}.png: the picture for {name}, {value.width} x {value.height}; put it beside your notebook."
            )
            written.append(f'{name}=Image.open("{name}.png")')
        else:
            code = _literal(value)
            if not code:
                comments.append(f"# {name}: define it first; here it is: {_kind_in_words(value)}.")
            written.append(f"{name}={code or name}")
    imports = ["from PIL import Image", ""] if pictures else []
    call = f"{getattr(function, '__name__', 'function')}({', '.join(written)})"
    return "\n".join([*imports, *comments, call]) + "\n"


def _is_built_in(origin):
    return origin.model == BUILT_IN


def _loading(origin, kind, scheduler):
    """Yield the lines that load the pipeline and set its scheduler."""
    where = "model_path()" if _is_built_in(origin) else repr(origin.model or "the folder of your model")
    revision = f", revision={origin.revision!r}" if origin.revision else ""
    yield f"pipe = {kind.__name__}.from_pretrained({where}, dtype={origin.dtype}{revision})"
    if origin.device != "cpu":
        yield f'pipe = pipe.to("{origin.device}")'
    own = _changed(scheduler.__init__, origin.scheduler_config)
    yield f"pipe.scheduler = {scheduler.__name__}("
    yield from (f"    {name}={value!r}," for name, value in own.items())
    yield ")"


def _adding(shot):
    """Yield the lines that load adapters and words, with a place for each file."""
    adapters, words = shot.origin.adapters, _words_read(shot)
    for name, adapter in adapters.items():
        file, told = repr(f"the file of {name}"), _start(adapter.tensors)
        yield f"pipe.load_lora_weights({file}, adapter_name={name!r}){told}"
    if adapters:
        weights = ", ".join(_weight(adapter.strengths) for adapter in adapters.values())
        yield f"pipe.set_adapters({list(adapters)!r}, [{weights}])"
    if any(adapter.fused for adapter in adapters.values()):
        yield "pipe.fuse_lora()"
    for word, digest in words.items():
        file = repr(f"the file of {word}")
        yield f"pipe.load_textual_inversion({file}, token={word!r}){_start(digest)}"


def _words_read(shot) -> dict[str, str | None]:
    """Return the added words that are in the texts of a shot."""
    texts = [str(shot.settings.get(name) or "") for name in ("prompt", "negative_prompt")]
    return {word: digest for word, digest in shot.origin.words.items() if any(word in text for text in texts)}


def _start(digest):
    return f"  # its numbers: {digest[:12]}" if digest else ""


def _weight(strengths):
    """Write the strength of an adapter: one number, or one for each part; by layer there is no short form."""
    if len(set(strengths.values())) == 1:
        return f"{next(iter(strengths.values())):g}"
    return repr(strengths) if set(strengths) <= {"unet", "text_encoder"} else "... by layer"


def _changed(function, values, always=()):
    """Return the values that are arguments of a function and differ from its defaults, or are to be there `always`."""
    changed = {}
    for name, parameter in inspect.signature(function).parameters.items():
        value, default = values.get(name, parameter.default), parameter.default
        is_default = value is default or (_literal(value) and value == default)
        if not is_default or (name in always and name in values):
            changed[name] = value
    return changed


def _written(name, value):
    """Write one argument's value."""
    return _literal(value) or (name if callable(value) else f'stored["{name}"]')


def _kind_in_words(value):
    """Say what a value without a form in code is: a tensor by its shape, anything else by its class."""
    return in_words(value) if hasattr(value, "shape") else type(value).__name__


def _literal(value):
    """Return the value as Python writes it, or "" where it has no such form."""
    import numpy as np

    if isinstance(value, np.generic):
        value = value.item()
    plain = value is None or isinstance(value, (str, bool, Real))
    if isinstance(value, dict):
        plain = all(map(_literal, value.values()))
    elif isinstance(value, (list, tuple)):
        plain = all(map(_literal, value))
    return repr(value) if plain else ""
