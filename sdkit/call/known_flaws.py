"""Calls that run, but whose pictures are known to be spoilt by a fault of diffusers."""

from __future__ import annotations

from sdkit.call.resolve import Call

_ENOUGH_FOR_LMS = 50  # measured with the built-in model: 40 steps are still up to 17 grey levels worse than Euler


def known_flaws(call: Call) -> list[str]:
    """Return in words what is known to spoil the pictures of this call, with what to do."""
    return _lms_from_a_picture(call)


def _lms_from_a_picture(call):
    """LMS takes steps that a start picture leaves out for done, and misses what they would have given it.

    Source: `order = min(self.step_index + 1, order)` in diffusers' scheduling_lms_discrete.py.
    """
    planned = call.get("num_inference_steps")
    if call.scheduler != "LMSDiscreteScheduler" or call.get("strength") is None or planned >= _ENOUGH_FOR_LMS:
        return []
    if call.steps >= planned:
        return []
    return [
        f"LMSDiscreteScheduler burns pictures made from a picture in few steps: give num_inference_steps="
        f"{_ENOUGH_FOR_LMS} or more instead of {planned}, or set another scheduler, such as Euler."
    ]
