"""The exercises of lesson 14: small on both sides, words without effect, and a copy of half the size."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sdkit.exercises.answers import called, choices_of, kind_of
from sdkit.exercises.exercise import exercise
from sdkit.exercises.finding import finding, refuse
from sdkit.exercises.own import fresh_pipe, is_the_model, own_pipe
from sdkit.inside.memory import weight_bytes
from sdkit.quiet import messages

MB = 10**6
# What an answer may hand to from_pretrained: nothing that asks the Hub, or runs code.
_WORDS = ("variant", "dtype", "torch_dtype", "revision", "use_safetensors", "local_files_only", "low_cpu_mem_usage")
_ASKED = ("dtype", "variant", "revision", "dtpye", "mirror")
_DEAD = {"revision", "dtpye", "mirror"}
_MARK = 1.0


@cache
def _place() -> TemporaryDirectory:
    """Return a place with the model's folder, its files in full and as the variant fp16; it goes with the process.

    The two differ in one number, which no prompt of the lesson reads.
    """
    place = TemporaryDirectory(ignore_cleanup_errors=True)
    half = fresh_pipe(_torch().float16)
    _mark(half).fill_(_MARK)
    with messages():
        own_pipe().save_pretrained(place.name)
        half.save_pretrained(place.name, variant="fp16")
    return place


def _folder() -> str:
    return _place().name


def _mark(pipe: Any) -> Any:
    return pipe.text_encoder.get_input_embeddings().weight.detach()[0, :1]


def _torch() -> Any:
    import torch

    return torch


def _load(folder: Any, **words: Any) -> Any:
    from diffusers import StableDiffusionPipeline

    with messages():
        return StableDiffusionPipeline.from_pretrained(folder, **words)


@exercise(points=1, puzzle=_folder)
def both_small(answer):
    """The words that load half the bytes from half the files."""
    if not isinstance(answer, dict) or not all(isinstance(name, str) for name in answer):
        raise refuse(
            "words",
            missing="The answer is of the type {kind}, not a dictionary of words.",
            hint='Write the words as in {{"revision": "main"}}, which stands for revision="main" in the call.',
            kind=kind_of(answer),
        )
    others = [name for name in answer if name not in _WORDS]
    if others:
        raise refuse(
            "words",
            missing="This is not needed here, or is no word of from_pretrained: {names}.",
            hint="Two words are enough. Are they spelt as in the lesson?",
            names=", ".join(others)[:200],
        )
    try:
        loaded = _load(_folder(), **answer)
    except Exception as error:
        raise refuse(
            "error",
            missing="With these words, loading stops: {error}",
            hint="Load the folder with them yourself, in a new cell. Which of the values does it not know?",
            error=f"{type(error).__name__}: {error}"[:300],
        ) from error
    yield finding(
        "files",
        float(_mark(loaded)) == _MARK,
        right="The half-size files are read.",
        missing="The full-size files are read.",
        hint="One word chooses which files are read. Under which name was the second set saved?",
    )
    size, whole = weight_bytes(loaded), weight_bytes(own_pipe())
    yield finding(
        "memory",
        2 * size == whole,
        right="The weights take {size:.1f} MB in memory.",
        missing="The weights take {size:.1f} MB in memory; {half:.1f} are enough.",
        hint="One word says what the numbers become. Its value is a format of torch, not a text.",
        size=size / MB,
        half=whole / 2 / MB,
    )


@exercise(points=2, puzzle=_folder)
def dead_words(answer):
    """The words that do nothing for a folder."""
    found = choices_of(answer, _ASKED)
    yield finding(
        "no effect",
        found <= _DEAD,
        right="What you list has no effect.",
        missing="Something that you list does have an effect.",
        hint="A word that leaves the pictures as they are may still decide which files are read, or how much memory it "
        "takes.",
    )
    yield finding(
        "all",
        found >= _DEAD,
        right="You list all that has no effect.",
        missing="Something without effect is not in your list.",
        hint="Load the folder with one word alone, and without: is anything different? Some words mean something on "
        "the Hub only.",
    )


@exercise(points=3)
def halve(answer):
    """A function that saves a copy of half the size, which loads without a variant."""
    torch = _torch()
    # On Windows, files that a pipeline still holds cannot be removed.
    with (
        TemporaryDirectory(ignore_cleanup_errors=True) as source,
        TemporaryDirectory(ignore_cleanup_errors=True) as target,
    ):
        with messages():
            own_pipe().save_pretrained(source)
            called(answer, source, target)
        size, whole = _bytes_in(target), _bytes_in(source)
        if not size:
            raise refuse(
                "saved",
                missing="There are no weights in the folder that your function was to write.",
                hint="save_pretrained(...) writes a pipeline into a folder; target says which one.",
            )
        yield finding(
            "size",
            size < 0.6 * whole,
            right="The copy's weights take {size:.0f} MB on disk.",
            missing="The copy's weights take {size:.0f} MB on disk, those of the source {whole:.0f}.",
            hint="A variant is a part of the files' names, no more. What decides how many bytes a number takes?",
            size=size / MB,
            whole=whole / MB,
        )
        try:
            loaded = _load(target, dtype=torch.float32)
        except OSError:
            loaded = None
        yield finding(
            "loads",
            loaded is not None,
            right="The copy loads with dtype alone.",
            missing="With dtype alone the copy does not load.",
            hint="Look at the names of the copy's files. Which ones does from_pretrained look for without a variant?",
        )
        if loaded is not None:
            yield finding(
                "same",
                is_the_model(loaded),
                right="Its numbers are the model's, but for rounding.",
                missing="Its numbers are not the model's.",
                hint="Save what you loaded from the source, unchanged.",
            )


def _bytes_in(folder: str) -> int:
    return sum(file.stat().st_size for file in Path(folder).rglob("*") if file.suffix in (".safetensors", ".bin"))
