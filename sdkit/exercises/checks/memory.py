"""The exercises of lesson 18: three slices, four charts told apart, and slicing that leaves no trace."""

from functools import cache

from sdkit.exercises.answers import called, chosen_of, picture_of, returned, table_of, whole_of
from sdkit.exercises.exercise import exercise
from sdkit.exercises.finding import finding
from sdkit.exercises.looks import same
from sdkit.exercises.own import drawn, fresh_pipe
from sdkit.inside.memory import draw_memory, watch_tensors
from sdkit.inside.sd_v1 import HEADS, sd_v1_attention, trace_attention

PROMPT = "a big owl on a blue background, flat style"
STEPS = 6
SLICES = 3
SIDE = 256
# Which way each chart of `charts` shows, and what trace_attention calls that way.
_WAYS = {"A": "max", "B": "plain", "C": "default", "D": "auto"}


@exercise(points=1)
def three_slices(answer):
    """A slice size that makes three slices."""
    size = whole_of(answer)
    in_range = 1 <= size <= HEADS
    yield finding(
        "range",
        in_range,
        right="The layer takes this size: {size}.",
        missing="{size} is no size from 1 to {heads}.",
        hint="A layer has {heads} heads, and slice_size goes from 1 to that.",
        size=size,
        heads=HEADS,
    )
    if in_range:
        layer, places = sd_v1_attention(64)
        layer.set_attention_slice(size)
        with watch_tensors() as watch:
            layer(places)
        yield finding(
            "slices",
            watch.tables == SLICES,
            right="With {size} the layer works in {slices} slices.",
            missing="With {size} the layer works in {slices} slices.",
            hint="How many tables are there for two texts and {heads} heads? slice_size of them go into one slice, and "
            "the last slice may hold fewer.",
            size=size,
            slices=watch.tables,
            heads=HEADS,
        )


@cache
def _charts():
    return draw_memory({name: trace_attention(SIDE, _slice_size(way)) for name, way in _WAYS.items()})


def _slice_size(way):
    return None if way == "default" else way


@exercise(points=2, puzzle=_charts)
def charts(answer):
    """Which way of computing attention each chart shows."""
    for name, way in table_of(answer, tuple(_WAYS)).items():
        way = chosen_of(way, tuple(sorted(_WAYS.values())))
        yield finding(
            name,
            way == _WAYS[name],
            right="{name}: {way} is right.",
            missing="{name}: {way} is not right.",
            hint="Each tower is a group of tables. How many towers does each way build, and which way builds none?",
            name=name,
            way=way,
        )


@exercise(points=3)
def no_trace(answer):
    """A function that slices as finely as can be, draws the same owl, and leaves the pipeline as it was."""
    pipe = fresh_pipe()
    before, during = _processors(pipe.unet), []
    pipe.unet.register_forward_pre_hook(lambda unet, given: during.append(_processors(unet)))
    picture = returned(called(answer, pipe), picture_of)
    yield finding(
        "slices",
        bool(during) and all(seen == {("SlicedAttnProcessor", 1)} for seen in during),
        right="While it draws, attention is cut as finely as can be.",
        missing="While it draws, attention is not cut into as many slices as there can be.",
        hint="-1 makes no slice at all, and no error. Which word makes as many as there can be? It must hold during "
        "the call, and for the pipeline that your function got.",
    )
    yield same(
        "owl",
        picture,
        drawn(PROMPT, 3, num_inference_steps=STEPS),
        right="The owl is the usual one.",
        missing="The owl is not the usual one.",
        hint="Slicing changes the order of the work, not what comes out. If the picture changes, something else is "
        "wrong: the size of the slices, the seed, the steps?",
    )
    yield finding(
        "after",
        _processors(pipe.unet) == before,
        right="Afterwards the pipeline is as it was.",
        missing="Afterwards the pipeline is still sliced.",
        hint="Another method of the pipeline switches slicing off. It has to run before return.",
    )


def _processors(unet):
    """Return what does the arithmetic of a UNet's attention: {(class, tables in a slice)}."""
    return {
        (type(processor).__name__, getattr(processor, "slice_size", None))
        for processor in unet.attn_processors.values()
    }
