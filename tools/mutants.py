"""Run lessons against pipelines that ignore an argument: a lesson that still passes proves nothing.

    python -m tools.mutants            every mutant; 1 if one survives
    python -m tools.mutants eta ...    these

A mutant is diffusers' own pipeline whose call puts one argument back to its default (or, for the
generator, takes fresh noise; `lora` and `word` ignore what was loaded before). Its lesson's claims about
the argument (tools/coverage.py says how a cell claims) run in this process, each with the setup and the
cells whose names it uses, until an assert fails; any other error is no proof and is raised, unless the
mutant names it. The same cells must pass where nothing is ignored, else the failure is not the mutant's.
"""

import argparse
import ast
import inspect
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from unittest import mock

from nbformat import NotebookNode

from tools.aside import aside
from tools.lesson import LESSONS, SETUP, Lesson, says

# Of a pipeline and the arguments of a call, in place; may return a function that puts the pipeline back.
Change = Callable[[object, dict], object]


@dataclass(frozen=True)
class Mutant:
    """The lesson that must fail, the pipeline that is changed, the change of a call, and the errors.

    `about` are what the lesson's claims are about, where that is not the argument of the mutant's name.
    """

    lesson: str
    pipeline: str
    change: Change
    errors: tuple[type[Exception], ...] = (AssertionError,)  # by which a cell may fail
    about: tuple[str, ...] = ()


def _put(name, value):
    """Return a change that sets an argument, where it was given, to a value."""

    def change(pipe, given):
        if given.get(name) is not None:
            given[name] = value

    return change


def _no_words(pipe, given):
    prompt = given.get("prompt")
    if prompt is not None:
        given["prompt"] = "" if isinstance(prompt, str) else [""] * len(prompt)


def _usual_side(name):
    def change(pipe, given):
        if given.get(name) is not None:
            given[name] = pipe.unet.config.sample_size * pipe.vae_scale_factor

    return change


def _fresh_noise(pipe, given):
    import torch

    generator = torch.Generator("cpu")
    generator.seed()
    given["generator"] = generator


def _white(pipe, given):
    from PIL import Image

    mask = given["mask_image"]
    masks = mask if isinstance(mask, list) else [mask]
    white = [Image.new("L", getattr(picture, "size", (64, 64)), 255) for picture in masks]
    given["mask_image"] = white if isinstance(mask, list) else white[0]


def _without_lora(pipe, given):
    """Switch every adapter off for one call, but for those that are fused into the weights."""
    from sdkit.loading.adapters import all_layers

    layers = [layer for layer in all_layers(pipe) if not (layer.disable_adapters or layer.merged)]

    def switch(off):
        for layer in layers:
            layer._disable_adapters = off  # `enable_adapters` would change what is trained, too

    switch(True)
    return lambda: switch(False)


def _without_added_words(pipe, given):
    """Leave out of the texts what textual inversion has added to the tokenizer."""
    from sdkit.loading.adapters import rows_of_words

    def without(text):
        for word in rows_of_words(pipe):
            text = text.replace(word, "")
        return text

    for name in ("prompt", "negative_prompt"):
        texts = given.get(name)
        if texts is not None:
            given[name] = without(texts) if isinstance(texts, str) else list(map(without, texts))


TEXT, IMAGE, INPAINT = "StableDiffusionPipeline", "StableDiffusionImg2ImgPipeline", "StableDiffusionInpaintPipeline"
# A cell that asks a list for its `shape`, or for the first of no warnings, fails as well as one that asserts it.
OF_ANOTHER_KIND = (AssertionError, AttributeError, TypeError, IndexError)
MUTANTS = {
    "prompt": Mutant("prompt", TEXT, _no_words),
    "height": Mutant("height_and_width", TEXT, _usual_side("height")),
    "width": Mutant("height_and_width", TEXT, _usual_side("width")),
    "num_inference_steps": Mutant(
        "num_inference_steps", TEXT, _put("num_inference_steps", 6)
    ),  # the default, 50, would take minutes
    "guidance_scale": Mutant("guidance_scale", TEXT, _put("guidance_scale", 7.5)),
    "guidance_rescale": Mutant("guidance_scale", TEXT, _put("guidance_rescale", 0.0)),
    "negative_prompt": Mutant("negative_prompt", TEXT, _put("negative_prompt", None)),
    "num_images_per_prompt": Mutant("num_images_per_prompt", TEXT, _put("num_images_per_prompt", 1)),
    "eta": Mutant("eta", TEXT, _put("eta", 0.0)),
    "generator": Mutant("generator", TEXT, _fresh_noise),
    "output_type": Mutant("output", TEXT, _put("output_type", "pil"), OF_ANOTHER_KIND),
    "latents": Mutant("latents", TEXT, _put("latents", None)),
    "strength": Mutant("image_to_image", IMAGE, _put("strength", 0.8)),
    "mask_image": Mutant("inpaint", INPAINT, _white),
    "lora": Mutant("lora", TEXT, _without_lora, about=("cross_attention_kwargs", "model")),
    "word": Mutant("new_word", TEXT, _without_added_words, about=("prompt",)),
}


def mutated(call: Callable, change: Change) -> Callable:
    """Return a pipeline's call that changes its arguments first; its signature stays."""

    @wraps(call)
    def ignoring(self, *args, **kwargs):
        bound = inspect.signature(call).bind(self, *args, **kwargs)
        put_back = change(self, bound.arguments)
        try:
            return call(*bound.args, **bound.kwargs)
        finally:
            if callable(put_back):
                put_back()

    return ignoring


def lesson_of(mutant: Mutant) -> Path:
    """Return the path of a mutant's lesson."""
    return next(LESSONS.glob(f"??_{mutant.lesson}.ipynb"))


def names_in(statement: ast.AST) -> tuple[set[str], set[str], set[str]]:
    """Return three sets of names: those that a statement binds, those it changes in place, and those it uses.

    Changed in place is the name at the root of a stored attribute or item (`pipe.scheduler = ...`) and of a
    method called for its effect (`rows.append(...)`). Names of loops, parameters and other names that live
    only inside the statement are not used from outside.
    """
    bound: set[str] = set()
    changed: set[str] = set()
    used: set[str] = set()
    inner: set[str] = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            bound.add(node.name)
        elif isinstance(node, ast.alias):
            bound.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, ast.arg):
            inner.add(node.arg)
        elif isinstance(node, (ast.For, ast.comprehension)):
            inner |= names_in(node.target)[0]
        elif isinstance(node, ast.AugAssign):
            used |= names_in(node.target)[0]
        elif isinstance(node, (ast.Attribute, ast.Subscript)) and not isinstance(node.ctx, ast.Load):
            changed.add(_root(node))
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            changed.add(_root(node.value.func))
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):  # nothing of its inside is left, or has happened yet
        return {statement.name}, set(), used - inner - bound
    left = names_in(statement.target)[0] if isinstance(statement, ast.For) else set()  # a loop leaves its variables
    return bound - inner | left, changed - {""}, used - inner


def _root(node):
    """Return the name at the root of `a.b` or `a.b[c].d`, "" for other code, `a` alone included."""
    root = node
    while isinstance(root, (ast.Attribute, ast.Subscript)):
        root = root.value
    return root.id if isinstance(root, ast.Name) and root is not node else ""


def _imported(cell):
    """Return the names that a cell imports."""
    statements = [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, (ast.Import, ast.ImportFrom))]
    return set().union(*(names_in(statement)[0] for statement in statements))


def claiming(lesson: Lesson, *names: str) -> list[NotebookNode]:
    """Return the cells that claim something about one of these arguments or topics."""
    claims = [(cell, {name.split(".")[-1] for name in says(cell).get("claims", {})}) for cell in lesson.code]
    return [cell for cell, about in claims if about & set(names)]


def cells_for(lesson: Lesson, claim: NotebookNode) -> list[NotebookNode]:
    """Return the cells that a claiming cell needs, in order: the setup, those whose names it uses, and itself."""
    cells = lesson.code[: lesson.code.index(claim) + 1]
    modules = {name for cell in cells for name in _imported(cell)}  # calling a function of theirs changes none of them
    kept: list[NotebookNode] = []
    wanted: set[str] = set()
    for cell in reversed(cells):
        statements = [names_in(statement) for statement in ast.parse(cell.source).body]
        done = set().union(*(bound | changed - modules for bound, changed, _ in statements))
        if cell is claim or cell.id == SETUP or wanted & done:
            kept.append(cell)
            for bound, _, used in reversed(statements):
                wanted = (wanted - bound) | used
    return kept[::-1]


def first_failing(
    cells: list[NotebookNode], pipeline: type, change: Change, errors: tuple = (AssertionError,)
) -> NotebookNode | None:
    """Run cells with a class of pipelines changed; return the first that raises one of the errors, or None."""
    space = {"__name__": "lesson"}
    patch = mock.patch.object(pipeline, "__call__", mutated(pipeline.__call__, change))
    with patch, aside():
        for cell in cells:
            try:
                exec(compile(cell.source, f"the cell {cell.id}", "exec"), space)
            except errors:
                return cell
    return None


def killing_cell(
    lesson: Lesson, names: Iterable[str], pipeline: type, change: Change, errors: tuple = (AssertionError,)
) -> NotebookNode | None:
    """Return the cell that fails, by one of the errors, because a class of pipelines is changed, or None.

    The claim that needs the fewest cells comes first. Raise ValueError if its cells fail without the change, too.
    """
    for cells in sorted((cells_for(lesson, claim) for claim in claiming(lesson, *names)), key=len):
        failing = first_failing(cells, pipeline, change, errors)
        if failing is None:
            continue
        needed = cells[: cells.index(failing) + 1]
        if first_failing(needed, pipeline, lambda pipe, given: None) is not None:
            raise ValueError(f"{failing.id} fails where nothing is ignored, too")
        return failing
    return None


def killed_by(name: str) -> str | None:
    """Run a mutant's lesson and return the id of the cell whose assert fails, or None if it survives."""
    import diffusers

    mutant = MUTANTS[name]
    pipeline = getattr(diffusers, mutant.pipeline)
    about = mutant.about or (name,)
    failing = killing_cell(Lesson.read(lesson_of(mutant)), about, pipeline, mutant.change, mutant.errors)
    return failing.id if failing else None


def main(given: list[str] | None = None) -> int:
    """Print for each mutant the cell that kills it."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutants", description="Run lessons against mutants.")
    parser.add_argument("names", nargs="*", choices=[*MUTANTS, []], help="what to ignore; all if none is given")
    survivors = 0
    for name in parser.parse_args(given).names or MUTANTS:
        began = time.perf_counter()
        cell = killed_by(name)
        survivors += cell is None
        end = "SURVIVES" if cell is None else f"is killed by {cell}"
        print(f"{name} ignored: {end} ({time.perf_counter() - began:.0f} s)", flush=True)
    return int(survivors > 0)


if __name__ == "__main__":
    sys.exit(main())
