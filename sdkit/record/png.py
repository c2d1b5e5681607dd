"""Settings inside the PNG: written whole, read back, and the picture made again from them.

Two text chunks are written: `sdkit`, our complete JSON, and `parameters`, the text that
AUTOMATIC1111's web UI writes and other tools read (sdkit/record/a1111.py). What is read may come from a
stranger: sdkit/record/schema.py checks it, and docs/security.md says what is promised.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdkit.call.generate import generate
from sdkit.call.resolve import resolve, uses_seed
from sdkit.errors import plain_errors, warn_user
from sdkit.files import expanded, write_whole
from sdkit.loading.components import pipeline_from
from sdkit.loading.device import device_of
from sdkit.loading.locate import BUILT_IN
from sdkit.loading.pipeline import load_pipeline
from sdkit.loading.present import check_present
from sdkit.loading.provenance import origin_of
from sdkit.loading.state import changes
from sdkit.parameters import PARAMETERS, SIZE, TEXT, check_value, short
from sdkit.quiet import quiet
from sdkit.record.a1111 import NAME, read_parameters, write_parameters
from sdkit.record.adapter_files import as_recorded
from sdkit.record.encoding import LOST, decode, encode, is_lost  # noqa: F401
from sdkit.record.foreign import COMFYUI, program_of, read_foreign
from sdkit.record.picture_file import MAX_PIXELS, file_at, read_file
from sdkit.record.schema import FAMILY, MAX_LETTERS, MAX_STEPS, parse_record, settings_of_record
from sdkit.schedulers import scheduler_from
from sdkit.shot import Origin, Shot, is_picture, png_bytes

if TYPE_CHECKING:
    from PIL import Image

CHUNK, FOREIGN_CHUNK = "sdkit", "parameters"
# Less than half the time of zlib's usual 6 for a sixth more bytes: one process packs what many workers make.
_COMPRESS_LEVEL = 3
_CHECKED_LETTERS = 1_000_000  # of a record that is read once more before it is written; larger ones hold pictures


@plain_errors
def save_picture(shot: Shot, path: str | Path, *, leave_out: Sequence[str] = ()) -> Path:
    """Write a shot as PNG with its settings inside; the file appears whole or not at all.

    Missing folders are made; a file of that name is replaced. `leave_out` names settings that shall not be in
    the file, such as ["image"] for a start picture that is too large or not to be passed on; `rebuild` then
    asks for them. A warning names other settings that a file cannot keep, such as a callback. Raises ValueError
    unless the path ends in .png, or if the record is too large to be read again, TypeError unless the shot holds
    a PIL picture.
    """
    if not isinstance(path, (str, Path)):
        raise TypeError(f"path is {short(path)}; give a text or a Path.")
    path = Path(path)
    if path.suffix.lower() != ".png" or "\0" in str(path):
        raise ValueError(f"path is {str(path)!r}; give a name that ends in .png: it keeps pixels and settings.")
    if expanded(path).is_dir():
        raise ValueError(f"path is {str(path)!r}, a folder; give the name of a file.")
    data, lost = _png_and_lost(_without(shot, leave_out), {})
    written = write_whole(path, data)
    lost = [name for name in lost if name not in leave_out]
    if lost:
        warn_user(
            f"{path.name} alone is not enough to make its picture again: no file can keep {', '.join(lost)}, and "
            f"rebuild will ask for that. With leave_out={[*leave_out, *lost]!r} nothing is said."
        )
    return written


def _without(shot, leave_out):
    """Return a shot without some of its settings, with a note that they were left out."""
    if not leave_out:
        return shot
    if isinstance(leave_out, str):
        raise TypeError(f"leave_out is {leave_out!r}; give a list of names, such as [{leave_out!r}].")
    unknown = [name for name in leave_out if name not in shot.settings]
    if unknown:
        raise ValueError(f"leave_out has {unknown[0]!r}; the shot's settings are {', '.join(shot.settings)}.")
    return replace(shot, settings={**shot.settings, **{name: {LOST: "left out"} for name in leave_out}})


def png_of(shot: Shot, **more: Any) -> bytes:
    """Return a shot as the bytes of a PNG with its settings inside, and what else its record shall hold.

    Raises TypeError unless the shot holds a PIL picture, ValueError if it is too large to be read again.
    """
    return _png_and_lost(shot, more)[0]


def _png_and_lost(shot: Shot, more: dict[str, Any]) -> tuple[bytes, list[str]]:
    """Return what `png_of` does, and the names of the settings that the file does not keep."""
    from PIL.PngImagePlugin import PngInfo

    if not isinstance(shot, Shot) or not is_picture(shot.image):
        raise TypeError(f'can only save a shot with a PIL picture, not {shot!r}; use output_type="pil" and one shot.')
    if shot.image.width * shot.image.height > MAX_PIXELS:
        raise ValueError(f"the picture has {shot.image.width}x{shot.image.height} pixels; at most {MAX_PIXELS:,} fit.")
    info = PngInfo()
    settings, foreign = encode(shot.settings), write_parameters(shot)
    _check_readable(settings, len(foreign))
    record = {"settings": settings, "origin": encode(shot.origin.to_dict()), "seconds": shot.seconds, **encode(more)}
    if shot.problem is not None:
        record["problem"] = shot.problem
    text = json.dumps(record, ensure_ascii=False)
    if len(text) < _CHECKED_LETTERS:
        _check_own(text)
    info.add_text(FOREIGN_CHUNK, foreign)
    info.add_text(CHUNK, text)
    return png_bytes(shot.image, info, _COMPRESS_LEVEL), [name for name, value in settings.items() if is_lost(value)]


def _check_own(text):
    """Raise ValueError if a record would be refused when it is read: what is saved can be read."""
    try:
        parse_record(text)
    except ValueError as error:
        raise ValueError(
            f"no record that can be read again holds this call: {error} Keep the picture alone, with "
            "shot.image.save(path), or leave out folder."
        ) from error


def _check_readable(settings, besides=0):
    """Raise ValueError if encoded settings are more than can be read again from a PNG.

    `besides` counts the letters of the other text in it.
    """
    from PIL.PngImagePlugin import MAX_TEXT_MEMORY

    for name in ("prompt", "negative_prompt"):
        if isinstance(settings.get(name), str) and len(settings[name]) > MAX_LETTERS:
            raise ValueError(f"{name} has {len(settings[name]):,} letters; a record holds at most {MAX_LETTERS:,}.")
    for name in ("timesteps", "sigmas"):
        if len(settings.get(name) or ()) > MAX_STEPS:
            raise ValueError(f"{name} has {len(settings[name]):,} entries; a record holds at most {MAX_STEPS:,}.")
    sizes = {name: len(json.dumps(value, ensure_ascii=False).encode()) for name, value in settings.items()}
    total = sum(sizes.values()) + besides + _ROOM_FOR_ORIGIN
    if total > MAX_TEXT_MEMORY:
        largest = max(sizes, key=lambda name: sizes[name])
        raise ValueError(
            f"the record would take {total / 2**20:.0f} MB, of which {largest} {sizes[largest] / 2**20:.0f} MB, and "
            f"Pillow reads at most {MAX_TEXT_MEMORY / 2**20:.0f} MB of text from a PNG. Use a smaller {largest}, or "
            f"store it beside: save_picture(shot, path, leave_out=[{largest!r}]), then rebuild(path, {largest}=...); "
            "a sweep keeps such pictures without folder=."
        )


@plain_errors
def read_settings(path: str | Path) -> dict[str, Any]:
    """Return {"settings", "origin", "made_by", "not_mapped"} of a picture of `save_picture` or of another program.

    A PNG is read, or a JPEG or WebP of another program whose name says so. `settings` are arguments of diffusers
    for this one picture, `origin` tells what else made it. `made_by` is "sdkit", "AUTOMATIC1111" or the name of
    the program; of another program's settings `not_mapped` says which have no counterpart here, and why.
    ComfyUI's, InvokeAI's, NovelAI's and Fooocus' are read where sd-parsers is installed. Of a broken picture
    "problem" says what is wrong with it.

    Nothing in the file chooses code, paths or downloads. Raises FileNotFoundError, or ValueError if the file is
    no picture or holds no such settings.
    """
    return _read(file_at(path))[1]


def _read(path: Path) -> tuple[Image.Image, dict[str, Any]]:
    """Return the picture in a file, and what `read_settings` does."""
    picture, texts = read_file(path)
    if CHUNK in texts:
        with _damage_named(path):
            record = parse_record(texts[CHUNK])
            settings = settings_of_record(record["settings"])
        problem = {"problem": record["problem"]} if "problem" in record else {}
        return picture, {
            "settings": settings, "origin": record["origin"], "made_by": CHUNK, "not_mapped": {}, **problem,
        }  # fmt: skip
    program = program_of(texts)
    if "Steps: " in texts.get(FOREIGN_CHUNK, "") and program in (None, COMFYUI):  # whose savers write both
        with _damage_named(path):
            return picture, {**read_parameters(texts[FOREIGN_CHUNK]), "made_by": NAME}
    if program is None:
        raise ValueError(
            f"{path.name} holds no settings of ours; read are pictures of save_picture, of {NAME}, and of "
            "programs that sd-parsers reads."
        )
    try:
        return picture, {**read_foreign(texts, program), "made_by": program}
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from error


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise ValueError(f"the settings in {path.name} are damaged: {error}") from error


def read_record(path: Path) -> tuple[Image.Image, dict[str, Any]]:
    """Return the picture of a PNG that `png_of` made, all its pixels read, and its record, settings still encoded.

    Raises FileNotFoundError, or ValueError if the file is no picture or holds no record of ours.
    """
    picture, texts = read_file(file_at(path))
    try:
        return picture, parse_record(texts[CHUNK])
    except (KeyError, ValueError) as error:
        raise ValueError(f"the record in {path.name} is damaged or missing: {error}") from error


@dataclass(frozen=True, eq=False)
class Rebuilt:
    """A picture made again, and how it differs from the stored one.

    `max_difference` and `mean_difference` are grey levels (0 to 255), `changed` the share of
    values that differ. `versions` holds the libraries that differ as {name: (then, now)},
    `machine` what else does (device, dtype, threads, ...). `state` says what of the pipeline is not
    as it was, such as "unet weights" or "unet scaling" (a LoRA's strength), and what no record can
    hold, such as a hook, where it was there only then or only now. `not_mapped` says which of another
    program's settings were left out, and why.
    """

    shot: Shot
    max_difference: int
    mean_difference: float
    changed: float
    versions: dict
    machine: dict = field(default_factory=dict)
    state: tuple[str, ...] = ()
    not_mapped: dict = field(default_factory=dict)

    def __repr__(self):
        text = (
            f"<Rebuilt: at most {self.max_difference} grey levels off, {self.mean_difference:.3f} on average, "
            f"{self.changed:.2%} of values differ; libraries {_changes(self.versions) or 'the same'}"
        )
        if self.machine:
            text += f"; {_changes(self.machine)}"
        if self.state:
            text += f"; not as it was: {', '.join(self.state)}"
        return text + (f"; not mapped: {', '.join(self.not_mapped)}>" if self.not_mapped else ">")


_LARGEST_PART = 2048**2  # pixels of a part made for a smaller picture
_ROOM_FOR_ORIGIN = 2**20  # bytes; an origin takes some thousand


def _changes(pairs):
    return ", ".join(f"{name} {then} -> {now}" for name, (then, now) in pairs.items())


@plain_errors
def rebuild(
    path: str | Path,
    pipe=None,
    *,
    model: str | Path | None = None,
    adapters: Sequence[str | Path] = (),
    embeddings: Sequence[str | Path] = (),
    **instead: Any,
) -> Rebuilt:
    """Make the picture of a file again from its settings alone and compare the two.

    With `pipe` its parts are used, as a picture of another program always needs; with `model` the model of that
    name is loaded, a folder, file or Hub id as `load_pipeline` takes it. Without both only the built-in model
    is: a file does not choose what is loaded. The adapters (LoRA) and words (textual inversion) of the
    record are taken from the pipeline, whatever it has in use at the moment, or from your files of them,
    `adapters` and `embeddings`: only if their numbers are the recorded ones, and only for this picture.
    `instead` gives arguments that the file does not hold, such as a callback or AUTOMATIC1111's start
    picture, or takes the place of recorded ones (None leaves one out).

    Raises ValueError if the weights of the model or of an adapter are not the recorded ones, if the call held
    something that a file cannot keep, if the settings cannot be used or make several pictures or one of another
    size, FileNotFoundError for files that are not there.
    """
    import numpy as np

    path = file_at(path)
    if pipe is not None:
        check_present(pipe)
    picture, record = _read(path)
    name = path.name
    settings = {**record["settings"], **instead}
    _check_complete(settings, record["origin"]["pipeline"], name)
    if settings.get("output_type", "pil") != "pil":
        raise ValueError(f"output_type is {settings['output_type']!r}, and pictures are compared; leave it out.")
    before = _pixels(picture, name)
    versions: dict = {}
    machine: dict = {}
    state: list[str] = []
    with ExitStack() as stack:
        if record["made_by"] == CHUNK:
            origin = Origin.from_dict(record["origin"])
            pipe = _pipeline_for(origin, pipe, model, name)
            texts = " ".join(str(settings.get(text) or "") for text in ("prompt", "negative_prompt"))
            stack.enter_context(as_recorded(pipe, origin, texts, adapters, embeddings, name))
            now = origin_of(pipe)
            versions = _differences(origin.versions, now.versions)
            machine = _differences(_surroundings(origin), _surroundings(now))
            state = _state_changes(origin, now, versions)
        else:
            if adapters or embeddings:
                raise ValueError(
                    f"{name} was made by {record['made_by']} and does not tell the numbers of its adapters, with which "
                    "files could be compared; load them into pipe= before."
                )
            pipe = _pipeline_of_foreign(record, pipe, model, name)
        stack.enter_context(_from_a_file(name, settings, instead))
        call = _call_of(settings, pipe)
        _check_makes_one(pipe, call, name)
        _check_size(pipe, call, before, name)
        shot = generate(pipe, **call)[0]
    after = np.asarray(shot.image.convert("RGB"), dtype=int)
    if after.shape != before.shape:
        raise ValueError(f"{name} has {before.shape[:2]} pixels (height, width), made again {after.shape[:2]}.")
    off = abs(before - after)
    return Rebuilt(
        shot=shot,
        max_difference=int(off.max()),
        mean_difference=float(off.mean()),
        changed=float((off > 0).mean()),
        versions=versions,
        machine=machine,
        state=tuple(state),
        not_mapped=record["not_mapped"],
    )


def _pixels(picture, name):
    import numpy as np

    try:
        return np.asarray(picture.convert("RGB"), dtype=int)
    except ValueError as error:
        raise ValueError(f"{name} has pixels of mode {picture.mode}, which no pipeline makes: {error}") from error


@contextmanager
def _from_a_file(name: str, settings: dict[str, Any], instead: dict[str, Any]) -> Iterator[None]:
    """Name the file in whatever its settings raise; what was given instead of them may be at fault itself."""
    try:
        yield
    except _ODD_VALUES as error:
        if instead:
            raise
        argument = next((key for key in settings if str(error).startswith(f"{key} ")), None)
        parameter = PARAMETERS.get(argument or "")
        is_spare = parameter is not None and parameter.optional and parameter.kind not in (SIZE, TEXT)
        remedy = f" To leave it out, give {argument}=None." if is_spare else ""
        raise ValueError(f"{name} cannot be made again: {error}{remedy}") from error


def pipeline_of(origin: Origin, pipe):
    """Return a pipeline of an origin's class, with its scheduler, over the parts of `pipe`.

    Raises ValueError if the pipeline is none of Stable Diffusion's three, or for a scheduler that diffusers
    does not have or that cannot be made of the origin's configuration.
    """
    import diffusers

    if origin.pipeline not in FAMILY:
        raise ValueError(f"the pipeline is {origin.pipeline!r}; it must be one of {', '.join(FAMILY)}.")
    scheduler = _recorded_scheduler(origin.scheduler, origin.scheduler_config)
    return pipeline_from(getattr(diffusers, origin.pipeline), pipe, scheduler=scheduler)


def _recorded_scheduler(name: str, config: dict[str, Any]) -> Any:
    """Return a scheduler of diffusers by the name of its class, with the whole configuration that it had."""
    import diffusers

    kind: Any = getattr(diffusers, name, None) if name.isidentifier() and name.endswith("Scheduler") else None
    packages = [package for package in getattr(kind, "_backends", ()) if package != "torch"]
    if packages:  # a stand-in for a class whose packages are missing
        raise ValueError(f"{name} needs {packages[0]}, which is not installed; install it: pip install {packages[0]}.")
    is_scheduler = isinstance(kind, type) and issubclass(kind, diffusers.SchedulerMixin)
    if not is_scheduler:
        raise ValueError(f"diffusers has no scheduler {name!r}.")
    try:
        return kind.from_config(config)
    except _ODD_VALUES as error:
        raise ValueError(f"no {name} can be made of the recorded configuration: {error}") from error


# What diffusers and torch raise for values that they were not made for.
_ODD_VALUES = (
    TypeError, ValueError, ArithmeticError, AssertionError, AttributeError, ImportError, LookupError, RuntimeError,
)  # fmt: skip


def _check_complete(settings, pipeline, name):
    """Raise ValueError if the settings of a record lack something that no file keeps."""
    lost = [key for key, value in settings.items() if is_lost(value)]
    if lost:
        raise ValueError(f"{name} was made with {', '.join(lost)}, which a file cannot keep; give {lost[0]}=.")
    if pipeline == "StableDiffusionImg2ImgPipeline" and settings.get("image") is None:
        raise ValueError(f"{name} was made from a start picture, which is not in the file; give image=.")


def _check_makes_one(pipe, call, name):
    """Raise ValueError, before anything is made, if a call makes several pictures: only one can be compared."""
    check_value("num_images_per_prompt", call.get("num_images_per_prompt", 1))
    count = _without_seed(pipe, call).count
    if count > 1:
        raise ValueError(
            f"the call makes {count} pictures, and {name} is one; give one prompt, and leave out num_images_per_prompt."
        )


def _check_size(pipe, call, stored, name):
    """Raise ValueError, before anything is made, if a call makes another size than that of the stored pixels."""
    made = resolve(pipe, {key: value for key, value in call.items() if key != "seed"})
    if made.height is None or made.width is None:
        return
    if call.get("padding_mask_crop") is not None:  # a part of the picture was made at a size of its own
        if made.height * made.width > max(stored.shape[0] * stored.shape[1], _LARGEST_PART):
            raise ValueError(f"height and width are {made.height} and {made.width}, far more than {name} has.")
        return
    if (made.height, made.width) != stored.shape[:2]:
        raise ValueError(
            f"{name} has {stored.shape[1]}x{stored.shape[0]} pixels, but its settings make {made.width}x{made.height}: "
            "it was enlarged or cut afterwards, which diffusers does not do. For the picture before that call "
            "generate with these settings."
        )


def _pipeline_for(origin, pipe, model, name):
    """Return the pipeline of an origin, over parts that are given, asked for or built in.

    Raises ValueError if its weights are not the recorded ones.
    """
    parts = _load_model(origin, model, name) if pipe is None else _only(pipe, model)
    with _from_a_file(name, {}, {}):
        pipe = pipeline_of(origin, parts)
    now = origin_of(pipe)
    fused = [adapter for adapter, entry in origin.adapters.items() if entry.fused]
    if fused and origin.fingerprint != now.fingerprint:
        raise ValueError(
            f"{name} was made with {', '.join(map(short, fused))} fused into the weights, which differ here; call "
            "pipe.load_lora_weights(...) and pipe.fuse_lora(...) as then, and give pipe=."
        )
    if origin.fingerprint != now.fingerprint and origin.dtype != now.dtype and origin.model == now.model:
        raise ValueError(
            f"the picture was made in {origin.dtype} and this pipeline is in {now.dtype}, which rounds the weights. "
            f"Load the model with dtype={origin.dtype} and give it as pipe=."
        )
    if origin.fingerprint != now.fingerprint:
        raise ValueError(
            f"the weights differ: the picture was made with {origin.model} ({origin.fingerprint}), this pipeline "
            f"has {now.fingerprint}. Give that model as pipe=."
        )
    return pipe


def _only(pipe, model):
    """Return the pipeline if no model is given beside it."""
    if model is not None:
        raise ValueError("pipe and model are both given; give one of them.")
    return pipe


def _load_model(origin, model, name):
    """Load the model that the caller names, else the built-in one, in the recorded dtype if its device is used here."""
    import torch

    if model is None and origin.model is None:
        raise ValueError(f"{name} names no model (it was not loaded by load_pipeline); give pipe=.")
    if model is None and origin.model != BUILT_IN:
        raise ValueError(
            f"{name} was made with {short(origin.model)}, and a file does not choose what is loaded here. If you "
            f"trust that model, give its name or place as model=, or the loaded one as pipe=."
        )
    try:
        pipe = load_pipeline(BUILT_IN if model is None else model)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{error} Or load it yourself and give it as pipe=.") from error
    dtype = getattr(torch, origin.dtype.removeprefix("torch."))
    if origin.device == device_of(pipe).type and dtype != pipe.unet.dtype:
        with quiet():
            pipe.to(dtype)
    return pipe


def _pipeline_of_foreign(record, pipe, model, name):
    """Return the pipeline for another program's picture, whose file tells only how its scheduler differs from others.

    A file of another program has no fingerprint, so its model is never loaded by its name.
    """
    import diffusers

    origin = record["origin"]
    if pipe is None and model is None:
        named = short(origin["model"]["name"]).strip("'")
        raise ValueError(
            f"{name} was made by {record['made_by']} with the model {named}; load it and give it as pipe=."
        )
    pipe = load_pipeline(model) if pipe is None else _only(pipe, model)
    kind, scheduler = getattr(diffusers, origin["pipeline"]), origin["scheduler"]
    if scheduler is None:
        return pipeline_from(kind, pipe)
    with _from_a_file(name, {}, {}):
        made = scheduler_from(scheduler["class"], scheduler["config"], pipe.scheduler)
    return pipeline_from(kind, pipe, scheduler=made)


def _differences(then, now):
    return {name: (then.get(name), value) for name, value in now.items() if then.get(name) != value}


def _surroundings(origin):
    """Return what made a picture besides arguments, weights and libraries."""
    return {"attention": list(origin.attention), "device": origin.device, "dtype": origin.dtype, **origin.machine}


def _state_changes(then, now, versions):
    """Return in words what of the pipeline is not as it was; attributes are compared under the same libraries only."""
    found = changes(then.state, now.state) if then.state and not versions else []
    if then.dtype != now.dtype:  # the same weights in another format
        found = [change for change in found if not change.endswith(" weights")]
    before, after = _strengths_by_tensors(then), _strengths_by_tensors(now)
    for key in sorted({*before, *after}):
        name, then_strengths = before.get(key, ("", {}))
        now_name, now_strengths = after.get(key, (name, {}))
        if then_strengths != now_strengths:
            change = f"{_in_few_words(then_strengths)} -> {_in_few_words(now_strengths)}"
            found.insert(0, f"adapter {name or now_name} {change}")
    # What stands in both is no change that anyone could name.
    found += [f"then: {reason}" for reason in then.unknown if reason not in now.unknown]
    return found + [f"now: {reason}" for reason in now.unknown if reason not in then.unknown]


def _strengths_by_tensors(origin):
    """Return {tensors: (name, strengths)} of the adapters in use."""
    return {entry.tensors or name: (name, entry.strengths) for name, entry in origin.adapters.items()}


def _in_few_words(strengths):
    """Return the strength of an adapter: one number, one for each part, or that layers differ."""
    if not strengths:
        return "not in use"
    values = sorted(set(strengths.values()))
    if len(values) == 1:
        return f"{values[0]:g}"
    if len(strengths) > 2:
        return f"from {values[0]:g} to {values[-1]:g}, by layer"
    return " and ".join(f"{value:g} ({part})" for part, value in strengths.items())


def _call_of(settings, pipe):
    """Turn a record's settings back into arguments of `generate`."""
    call = {name: value for name, value in settings.items() if value is not None}
    state, device = call.pop("generator_state", None), call.pop("generator_device", "cpu")
    if "generator" in call:
        call.pop("seed", None)
    elif state is not None or device != "cpu":
        call["generator"] = _generator(call.pop("seed"), state, device)
    if call.get("callback_on_step_end") is None:
        call.pop("callback_on_step_end_tensor_inputs", None)
    if call.get("latents") is not None:
        call["latents"] = call["latents"].to(device_of(pipe))
        if "seed" in call and not uses_seed(_without_seed(pipe, call)):
            del call["seed"]  # recorded, but without effect
    return call


def _without_seed(pipe, call):
    return resolve(pipe, {name: value for name, value in call.items() if name != "seed"})


def _generator(seed, state, device):
    import torch

    try:
        generator = torch.Generator(device).manual_seed(seed)
        if state is not None:
            generator.set_state(state)
    except RuntimeError as error:
        if device == "cpu":
            raise ValueError(f"the recorded state of its generator is none: {error}") from error
        raise ValueError(
            f"the noise was drawn by a generator on {device!r}, which this machine's torch does not have; "
            "another device draws other numbers."
        ) from error
    return generator


def digest(settings: dict[str, Any], origin: Origin) -> str:
    """Return 32 hexadecimal digits for encoded settings and an origin, the same whatever machine makes the picture.

    Settings that mean the same have the same digits: 5 and 5.0, a negative prompt that is empty and none. Raises
    ValueError for settings that are too large to be read again from a PNG.
    """
    _check_readable(settings)
    told = {name: value for name, value in origin.to_dict().items() if name != "machine"}
    text = json.dumps({"settings": _in_one_form(settings), "origin": encode(told)}, sort_keys=True, ensure_ascii=False)
    return sha256(text.encode()).hexdigest()[:32]


def _in_one_form(settings):
    """Return encoded settings with one spelling for values that diffusers does not tell apart."""
    same = {name: _whole(value) for name, value in settings.items()}
    if same.get("negative_prompt") is None and same.get("negative_prompt_embeds") is None:
        same["negative_prompt"] = ""
    return same


def _whole(value):
    """Return numbers without a fraction as int, in lists and dictionaries too."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_whole(entry) for entry in value]
    return {name: _whole(entry) for name, entry in value.items()} if isinstance(value, dict) else value
