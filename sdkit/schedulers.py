"""Schedulers by name: one table, one lookup for all spellings, and a scheduler made in the place of another.

Names are those of AUTOMATIC1111's web UI, which most programs share: a sampler ("DPM++ 2M SDE"), and behind it the
spacing of its noise levels where it can be chosen ("DPM++ 2M SDE Karras"). The classes follow the table of
samplers in diffusers' documentation (api/schedulers/overview).
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from diffusers import SchedulerMixin


class Sampler(NamedTuple):
    """A scheduler's class in diffusers, the settings that tell it from others of its class, and whether the spacing
    of its noise levels can be chosen."""

    kind: str
    config: dict[str, Any]
    is_spaced: bool


_SDE = {"algorithm_type": "sde-dpmsolver++"}
# Of several samplers with one class, those with more settings come first: a configuration is named by the first
# one that it fits.
SAMPLERS: Mapping[str, Sampler] = {
    "DPM++ 2M SDE Heun": Sampler("DPMSolverMultistepScheduler", {**_SDE, "solver_type": "heun"}, True),
    "DPM++ 3M SDE": Sampler("DPMSolverMultistepScheduler", {**_SDE, "solver_order": 3}, True),
    "DPM++ 2M SDE": Sampler("DPMSolverMultistepScheduler", _SDE, True),
    "DPM++ 3M": Sampler("DPMSolverMultistepScheduler", {"algorithm_type": "dpmsolver++", "solver_order": 3}, True),
    "DPM++ 2S": Sampler("DPMSolverSinglestepScheduler", {"algorithm_type": "dpmsolver++"}, False),
    "DPM++ 2M": Sampler("DPMSolverMultistepScheduler", {"algorithm_type": "dpmsolver++"}, True),
    # It draws its noise itself, from no generator: without a seed, no two of its pictures are the same.
    "DPM++ SDE": Sampler("DPMSolverSDEScheduler", {"noise_sampler_seed": 0}, True),
    "DPM2 a": Sampler("KDPM2AncestralDiscreteScheduler", {}, True),
    "DPM2": Sampler("KDPM2DiscreteScheduler", {}, True),
    "Euler a": Sampler("EulerAncestralDiscreteScheduler", {}, False),
    "Euler": Sampler("EulerDiscreteScheduler", {}, True),
    "Heun": Sampler("HeunDiscreteScheduler", {}, True),
    "LMS": Sampler("LMSDiscreteScheduler", {}, True),
    "UniPC": Sampler("UniPCMultistepScheduler", {}, True),
    "DEIS": Sampler("DEISMultistepScheduler", {}, True),
    "DDIM": Sampler("DDIMScheduler", {}, False),
    "DDPM": Sampler("DDPMScheduler", {}, False),
    "PLMS": Sampler("PNDMScheduler", {"skip_prk_steps": True}, False),
    "PNDM": Sampler("PNDMScheduler", {"skip_prk_steps": True}, False),
    "LCM": Sampler("LCMScheduler", {}, False),
    "TCD": Sampler("TCDScheduler", {}, False),
    "IPNDM": Sampler("IPNDMScheduler", {}, False),
}
# The spacing of noise levels, as the web UI's "schedule type" names it.
SPACINGS: Mapping[str, dict[str, Any]] = {
    "Karras": {"use_karras_sigmas": True},
    "Exponential": {"use_exponential_sigmas": True},
    "Beta": {"use_beta_sigmas": True},
    "SGM Uniform": {"timestep_spacing": "trailing"},
    "Simple": {"timestep_spacing": "trailing"},
}
# The samplers that a menu offers.
SCHEDULERS: Mapping[str, str] = {
    name: SAMPLERS[name].kind
    for name in (
        "PNDM", "DDIM", "DDPM", "Euler", "Euler a", "Heun", "LMS", "DPM++ 2M", "DPM2", "DPM2 a", "DEIS", "UniPC",
    )
}  # fmt: skip


class Name(NamedTuple):
    """A scheduler's name in its usual spelling: the sampler, and the spacing of its noise levels (None: its own)."""

    sampler: str
    spacing: str | None


def find_name(text: str) -> Name | None:
    """Return the name that a text spells, in the spelling of any program; None if it is no name in the tables.

    "DPM++ 2M Karras", "dpmpp_2m_karras", "k_euler_a", "Euler Ancestral", "uni_pc" and "dpmpp_2m_k" are such
    spellings; case, blanks and joining marks do not count, and a class of diffusers stands for its usual sampler.
    The sampler may be one whose spacing cannot be chosen.
    """
    if text in _BY_CLASS:
        return Name(_BY_CLASS[text], None)
    text = re.sub(r"^(k|sample)[ _-]|[ _-]gpu$", "", text.strip().lower()).replace("++", "pp")
    text = re.sub(r"[ _-]k$", "karras", text.replace("ancestral", "a"))  # as InvokeAI writes it
    letters = re.sub(r"[^a-z0-9]", "", text).removeprefix("k")
    for spacing in (None, *SPACINGS):
        ending = "" if spacing is None else spacing.lower().replace(" ", "")
        sampler = _SPELLINGS.get(letters.removesuffix(ending)) if letters.endswith(ending) else None
        if sampler is not None:
            return Name(sampler, spacing)
    return None


def _spelling(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower().replace("++", "pp"))


_SPELLINGS = {_spelling(name): name for name in SAMPLERS} | {"dpmsolverpp": "DPM++ 2M", "unipcbh2": "UniPC"}
# A class stands for the last of its samplers, the one with the fewest settings.
_BY_CLASS = {sampler.kind: name for name, sampler in SAMPLERS.items()}


# What a scheduler's configuration says of the model. All else says how the scheduler solves, and stays behind.
_NOISE_LEVELS = (
    "num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "trained_betas", "rescale_betas_zero_snr",
    "prediction_type",
)  # fmt: skip
# What it says of the model only if it was given: each class has a default of its own.
_IF_GIVEN = (
    "timestep_spacing", "steps_offset", "clip_sample", "clip_sample_range", "set_alpha_to_one",
    "original_inference_steps", "timestep_scaling",
)  # fmt: skip
_TINY = (1, 4, 2, 2)  # the shape of latents on which a step is tried: (pictures, channels, height, width)


def usual_name(name: str) -> str:
    """Return a scheduler's name in its usual spelling; a class of diffusers that has none keeps its own name.

    Raises TypeError unless it is a text, ValueError if there is no such scheduler, or none with this spacing of noise
    levels, and ImportError if diffusers needs another library for it.
    """
    if not isinstance(name, str):
        raise TypeError(
            f"scheduler is a {type(name).__name__}, and the pipeline's call takes none; give names, such as "
            'scheduler=["DDIM", "Euler"], or set pipe.scheduler.'
        )
    found = find_name(name)
    if found is None:
        _class_of(name)
        return name
    kind, _, is_spaced = SAMPLERS[found.sampler]
    if found.spacing is not None and not is_spaced:
        raise ValueError(
            f"scheduler is {name!r}, but {kind} is taken with its own noise levels; give {found.sampler!r}."
        )
    _class_of(kind)
    return found.sampler if found.spacing is None else f"{found.sampler} {found.spacing}"


def scheduler_named(name: str, present: SchedulerMixin) -> SchedulerMixin:
    """Return the scheduler of a name for the model that `present` was made for.

    Only what the configuration of `present` says of the model is taken over. Raises what `usual_name` raises, and
    ValueError if the scheduler cannot be made.
    """
    found = find_name(usual_name(name))
    if found is None:
        return scheduler_from(name, {}, present)
    kind, config, _ = SAMPLERS[found.sampler]
    spacing = SPACINGS[found.spacing] if found.spacing else {}
    return scheduler_from(kind, {**config, **spacing}, present)


def scheduler_from(kind: str, settings: Mapping[str, Any], present: SchedulerMixin) -> SchedulerMixin:
    """Return a scheduler of a class of diffusers, with settings, for the model that `present` was made for.

    Raises what `scheduler_named` raises.
    """
    made = _class_of(kind)
    accepted = inspect.signature(made.__init__).parameters
    config = {**_of_the_model(present.config), **settings}
    try:
        return made(**{name: value for name, value in config.items() if name in accepted})
    except Exception as error:  # each class has its own reasons and its own kind of error
        raise ValueError(f"{kind} does not fit this pipeline: {error}") from error


def _class_of(kind: str) -> Any:
    """Return a scheduler class of diffusers. Raises ValueError if there is none, ImportError if it lacks a library."""
    import diffusers

    found = getattr(diffusers, kind, None)
    missing = getattr(found, "_backends", None)  # diffusers' stand-ins for classes whose library is not installed
    if missing:
        raise ImportError(f"scheduler is {kind!r}, for which diffusers needs {missing[-1]}: pip install {missing[-1]}")
    kinds = (diffusers.SchedulerMixin, diffusers.ConfigMixin)
    if not (isinstance(found, type) and all(issubclass(found, kind) for kind in kinds)):
        near = get_close_matches(kind, SAMPLERS, n=1, cutoff=0.6)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(
            f"scheduler is {kind!r}; {hint}known are {', '.join(SAMPLERS)}, most of them with a spacing of noise "
            f"levels behind them ({', '.join(SPACINGS)}), and the class names of diffusers."
        )
    return found


def _of_the_model(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a scheduler's configuration says of its model."""
    defaults = config.get("_use_default_values", ())
    given = {name: config[name] for name in _IF_GIVEN if name in config and name not in defaults}
    always = {name: config[name] for name in _NOISE_LEVELS if name in config}
    # The classes' own defaults of these two are wrong for Stable Diffusion, whose pipelines insist on others.
    return {"clip_sample": False, "steps_offset": 1, **always, **given}


def misfit(scheduler: Any, from_picture: bool) -> str | None:
    """Say why a scheduler cannot work in a Stable Diffusion pipeline, as far as its class tells; None if it can.

    `from_picture` says whether the pipeline adds noise to a start picture.
    """
    needed = ["init_noise_sigma", "order", "set_timesteps", "scale_model_input", "step"]
    lacking = [name for name in needed + ["add_noise"] * from_picture if not hasattr(scheduler, name)]
    if lacking:
        return f"it has no {lacking[0]}"
    signature = inspect.signature(scheduler.step)
    try:
        signature.bind(None, None, None)  # as the pipelines call it: model_output, timestep, sample
    except TypeError as error:
        return f"its step does not take what the pipeline gives it ({error})"
    return None


def fresh_copy(scheduler: Any) -> Any:
    """Return a copy to try something with, whose methods are those of its class: others may belong to the original."""
    made = deepcopy(scheduler)
    for name in [name for name, value in vars(made).items() if callable(value) and hasattr(type(made), name)]:
        delattr(made, name)
    return made


def takes(scheduler: Any, name: str) -> bool:
    """Say whether a scheduler's class has a setting of this name; a configuration may hold those of other classes."""
    return name in inspect.signature(type(scheduler).__init__).parameters


@dataclass(frozen=True)
class Trial:
    """What steps did to a tiny tensor: whether it stayed finite, and whether noise was drawn by the generator."""

    is_finite: bool
    drew_noise: bool


def try_steps(scheduler: Any, timesteps: Iterable[Any], eta: float = 0.0, until_noise: bool = False) -> Trial:
    """Run steps of a scheduler on a tiny tensor, up to the first that draws noise if that is all that is asked.

    `scheduler` is a copy, used up by this, whose `set_timesteps` has been called. Torch's global generator stays
    as it is. Most classes take about 0.1 ms for a step. Raises what the scheduler's step raises.
    """
    import torch

    generator = torch.Generator().manual_seed(0)
    start = generator.get_state()
    accepted = inspect.signature(scheduler.step).parameters
    more = {name: value for name, value in (("generator", generator), ("eta", eta)) if name in accepted}
    drew_noise = False
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        sample = torch.ones(_TINY) * scheduler.init_noise_sigma
        for timestep in timesteps:
            output = torch.full_like(scheduler.scale_model_input(sample, timestep), 0.5)
            sample = scheduler.step(output, timestep, sample, **more, return_dict=False)[0]
            drew_noise = drew_noise or not torch.equal(start, generator.get_state())
            if until_noise and drew_noise:
                break
    return Trial(bool(torch.isfinite(sample).all()), drew_noise)
