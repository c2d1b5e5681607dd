"""Schedulers by name: one table, one lookup for all spellings, and a scheduler made in the place of another.

Names are those of AUTOMATIC1111's web UI, which most programs share: a sampler ("DPM++ 2M SDE"), and behind it the
spacing of its noise levels where it can be chosen ("DPM++ 2M SDE Karras"). The classes follow the table of
samplers in diffusers' documentation (api/schedulers/overview).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple


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
    "DPM++ 2M": Sampler("DPMSolverMultistepScheduler", {"algorithm_type": "dpmsolver++"}, True),
    "DPM++ SDE": Sampler("DPMSolverSDEScheduler", {}, True),
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
    spellings; case, blanks and joining marks do not count. The sampler may be one whose spacing cannot be chosen.
    """
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


_SPELLINGS = {_spelling(name): name for name in SAMPLERS}
