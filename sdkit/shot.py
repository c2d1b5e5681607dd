"""Pictures together with everything needed to make them again."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import ceil, isclose
from typing import Any, NamedTuple, TypeVar

from sdkit.errors import plain_errors
from sdkit.zoom import zoom

SHOWN_WIDTH = 192  # pixels of a notebook's page that a picture gets at least


@dataclass(frozen=True)
class Adapter:
    """One adapter in use, such as a LoRA, and how strongly.

    `tensors` are 64 hex digits (SHA-256) of its numbers, the same for the file that they come from (see
    `sdkit.loading.adapters`); None where they could not be read, and in records of early versions. `strengths` maps
    the parts that it changes to factors, 1.0 as trained: {"unet": 0.5, "text_encoder": 0.5}; where they differ
    within a part, layers: {"unet.mid_block.attentions.0.proj_in": 0.5, ...}. `fused` says that it was added to the
    weights themselves, as by `pipe.fuse_lora()`.
    """

    tensors: str | None
    strengths: dict[str, float]
    fused: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return it as a record in a file holds it."""
        return {"tensors": self.tensors, "strengths": self.strengths, "fused": self.fused}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any] | float) -> Adapter:
        """Return the adapter in a record; early versions wrote its strength in the UNet alone."""
        if isinstance(record, Mapping):
            return cls(record["tensors"], dict(record["strengths"]), record["fused"])
        return cls(None, {"unet": record})


@dataclass(frozen=True)
class Origin:
    """What made a picture besides the arguments of its call.

    `pipeline` and `scheduler` are names of diffusers' classes. `model` is the name it was loaded by (None
    if `load_pipeline` did not), `revision` a Hub commit or branch, `fingerprint` 16 hex digits of its
    weights. `attention` holds the classes of the UNet's attention processors, `device` "cpu", "cuda" or
    "mps", `dtype` such as "torch.float32". `machine` tells processor instructions, graphics card and
    threads, without names of people or folders. `state` holds digests of each part's class, weights,
    configuration and attributes, `adapters` the adapters in use by name, `words` the tokens that were added to the
    tokenizer, such as those of textual inversion, each with the SHA-256 of its rows in the text encoder; `unknown`
    says in words what changes pictures and cannot be described, such as a hook (see `sdkit.loading.state`).
    """

    pipeline: str
    model: str | None
    revision: str | None
    fingerprint: str
    scheduler: str
    scheduler_config: dict[str, Any]
    attention: tuple[str, ...]
    device: str
    dtype: str
    versions: dict[str, str]
    machine: dict[str, Any]
    state: dict[str, dict[str, str]] = field(default_factory=dict)
    adapters: dict[str, Adapter] = field(default_factory=dict)
    words: dict[str, str | None] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return it as a record in a file holds it."""
        return {
            "pipeline": self.pipeline,
            "model": {"name": self.model, "revision": self.revision, "fingerprint": self.fingerprint},
            "scheduler": {"class": self.scheduler, "config": self.scheduler_config},
            "attention": list(self.attention),
            "device": self.device,
            "dtype": self.dtype,
            "versions": self.versions,
            "machine": self.machine,
            "state": self.state,
            "adapters": {name: adapter.to_dict() for name, adapter in self.adapters.items()},
            "unknown": list(self.unknown),
            # Without an entry for none, the names of pictures in sweeps' folders stay what they were before.
            **({"words": self.words} if self.words else {}),
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Origin:
        """Return the origin in a record; what early versions left out may be missing.

        Raises KeyError or TypeError if it is not one that `to_dict` wrote.
        """
        model, scheduler = record["model"], record["scheduler"]
        return cls(
            pipeline=record["pipeline"],
            model=model["name"],
            revision=model["revision"],
            fingerprint=model["fingerprint"],
            scheduler=scheduler["class"],
            scheduler_config=scheduler["config"],
            attention=tuple(record.get("attention", ())),
            device=record["device"],
            dtype=record["dtype"],
            versions=record["versions"],
            machine=record.get("machine", {}),
            state=record.get("state", {}),
            adapters={name: Adapter.from_dict(entry) for name, entry in record.get("adapters", {}).items()},
            words=record.get("words", {}),
            unknown=tuple(record.get("unknown", ())),
        )


@dataclass(frozen=True, eq=False)
class Shot:
    """One picture and its record.

    `image` is a PIL picture (or an array or tensor slice for other output types). `settings` are
    the call's arguments for this one picture, the seed among them; `origin` is what else made it;
    `label` holds what a sweep varied; `seconds` is the share of the call's time. `problem` says what is
    wrong with the picture, such as NaN among its numbers, None if nothing is.
    """

    image: Any
    settings: dict
    origin: Origin
    label: dict = field(default_factory=dict)
    seconds: float = 0.0
    problem: str | None = None

    def __repr__(self):
        sides = self.image.size if is_picture(self.image) else getattr(self.image, "shape", ())
        size = "x".join(map(str, sides))
        broken = ", broken" if self.problem else ""
        start = "own latents" if self.settings.get("latents") is not None else f"seed {self.settings.get('seed')}"
        return f"<Shot {size}, {start}{broken}>"

    @property
    def alt(self) -> str:
        """The text for those who cannot see the picture: what was varied, prompt, seed, and what is wrong."""
        usual = {name: self.settings.get(name) for name in ("prompt", "seed") if name not in self.label}
        said = caption({**self.label, **{name: value for name, value in usual.items() if value is not None}})
        return f"{said}; {self.problem}" if self.problem else said

    def _repr_png_(self):
        return self._shown()[0] if is_picture(self.image) else None

    def _repr_mimebundle_(self, include=None, exclude=None):
        return shown_as_png(self, *self._shown()) if is_picture(self.image) else {}

    def _shown(self) -> tuple[bytes, str, int]:
        """Return the picture as PNG, its text, and its width on the page.

        Small ones are enlarged here, each pixel to a square, for browsers would blur them.
        """
        picture, width = self.image, self.image.width
        if width < SHOWN_WIDTH:
            times = ceil(2 * SHOWN_WIDTH / width)  # two pixels for each one of the page, as sharp screens have them
            picture, width = picture.resize((width * times, picture.height * times), resample=0), SHOWN_WIDTH
        return png_bytes(picture), self.alt, width


class SkippedCell(NamedTuple):
    """A place of a sweep that has no picture, by its `label`, and the `reason`: what `generate` says of its call."""

    label: dict[str, Any]
    reason: str


Labelled = TypeVar("Labelled", Shot, SkippedCell, "Shot | SkippedCell")


List = TypeVar("List", bound="ShotList")


class ShotList(list[Shot]):
    """A list of `Shot`; `axes` maps what was varied to its values (empty for a plain call).

    Shots are in the order of the axes, the last running fastest. An interrupted sweep lacks some, and one that was
    to skip what is impossible lacks those in `skipped`.
    """

    def __init__(
        self,
        shots: Iterable[Shot] = (),
        axes: Mapping[str, list] | None = None,
        skipped: Iterable[SkippedCell] = (),
    ):
        super().__init__(shots)
        self.axes = dict(axes or {})
        self.skipped = list(skipped)

    @property
    def images(self) -> list:
        """Return the pictures alone, as a diffusers result's `images` does."""
        return [shot.image for shot in self]

    @plain_errors
    def at(self, **values) -> Shot:
        """Return the one shot with these values on the axes, as in `shots.at(guidance_scale=4, seed=1)`.

        Axes that are not named must not leave a choice. Raises ValueError if none or several match.
        """
        for name in values:
            if name not in self.axes:
                raise ValueError(f"{name} was not varied; the axes are {', '.join(self.axes) or 'none'}.")
        found = matching(self, values)
        if len(found) != 1:
            raise ValueError(f"{len(found)} shots have {caption(values)}; the axes are {caption(self.axes)}.")
        return found[0]

    def by(self: List, *names: str) -> List:
        """Return the same pictures with the axes in this order, as in `shots.by("seed", "guidance_scale")`.

        Of two axes the first makes the rows of a grid, the second its columns; of three the first makes pages.
        Raises ValueError unless these are all the axes, each once, and all shots are labelled with them.
        """
        if sorted(names) != sorted(self.axes):
            raise ValueError(f"{names} are not the axes, each once; they are {', '.join(self.axes) or 'none'}.")
        if not all(set(names) <= set(shot.label) for shot in self):
            raise ValueError("some shots are not labelled with the axes; give those of one sweep.")
        axes = {name: self.axes[name] for name in names}

        def place(cell: Shot | SkippedCell) -> list[int]:
            return [_index(axes[name], cell.label[name]) for name in names]

        def renamed(label: dict) -> dict:
            return {**{name: label[name] for name in names}, **label}

        shots = [replace(shot, label=renamed(shot.label)) for shot in sorted(self, key=place)]
        skipped = [cell._replace(label=renamed(cell.label)) for cell in sorted(self.skipped, key=place)]
        return type(self)(shots, axes, skipped)


def _index(values: list, value: Any) -> int:
    """Return the place of a value among those of an axis."""
    return next(place for place, other in enumerate(values) if is_same(other, value))


def check_pictures(shots: Iterable[Shot], what: str) -> None:
    """Raise ValueError for no shots, TypeError for shots that hold no PIL pictures."""
    if not shots:
        raise ValueError(f"there are no pictures for a {what}; give at least one.")
    if not all(is_picture(shot.image) for shot in shots):
        raise TypeError(f'a {what} shows PIL pictures; call with output_type="pil".')


def in_words(value) -> str:
    """Say a setting's value in a few words: numbers short, tensors and pictures by their size."""
    if isinstance(value, float):
        return f"{value:g}"
    if is_picture(value):
        return f"picture {value.width} x {value.height}"
    if getattr(value, "shape", None) == ():
        return in_words(value.item())
    if hasattr(value, "shape"):
        return f"tensor {tuple(value.shape)}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(in_words, value))}]"
    return '""' if value == "" else str(value)


def caption(label: dict) -> str:
    """Say a label in one line: "guidance_scale = 4, seed = 1"."""
    return ", ".join(f"{name} = {in_words(value)}" for name, value in label.items())


def matching(shots: Iterable[Labelled], values: dict) -> list[Labelled]:
    """Return the shots, or other cells of a sweep, whose label has these values."""
    return [shot for shot in shots if all(is_same(shot.label.get(name), value) for name, value in values.items())]


def is_picture(value) -> bool:
    """Say whether a value is a PIL picture."""
    return hasattr(value, "getbands")


def listed(name: str, pictures: Any) -> list:
    """Return pictures or shots as a list, one alone too. Raises TypeError, which says `name`, for what is neither."""
    if isinstance(pictures, Shot) or is_picture(pictures):
        return [pictures]
    if isinstance(pictures, (str, bytes)) or not isinstance(pictures, Iterable):
        raise TypeError(f"{name} is a {type(pictures).__name__}; give a PIL picture, a shot, or a list of them.")
    return list(pictures)


def is_same(a, b) -> bool:
    """Say whether two values of an axis are the same; tensors are only the same as themselves.

    Numbers are the same but for rounding: numpy.arange(1.1, 1.4, 0.1) ends in 1.3000000000000003.
    """
    if a is b:
        return True
    a, b = (value.item() if getattr(value, "shape", None) == () else value for value in (a, b))  # numpy's numbers
    if isinstance(a, float) and isinstance(b, (int, float)):
        return isclose(a, b)
    if hasattr(a, "shape") or hasattr(b, "shape"):
        return False
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(map(is_same, a, b))
    return bool(a == b)


def png_bytes(image, info=None, compress_level: int = 6) -> bytes:
    """Return a PIL picture as PNG bytes, with the text chunks of a PIL `PngInfo`; zlib packs at a level of 0 to 9."""
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", pnginfo=info, compress_level=compress_level)
    return buffer.getvalue()


def shown_as_png(shown: object, png: bytes, alt: str, width: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a notebook stores of an object that shows itself as a PNG, `width` pixels of the page wide.

    It is as many times larger as `sdkit.zoom` says. `alt` stands for the picture where it cannot be seen; it is
    stored where IPython's own pictures have theirs.
    """
    return {"image/png": png, "text/plain": repr(shown)}, {"image/png": {"width": round(width * zoom()), "alt": alt}}
