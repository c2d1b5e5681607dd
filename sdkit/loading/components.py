"""A pipeline made from the parts of another one: nothing is loaded again, and weights are shared."""

from __future__ import annotations


def pipeline_from(kind: type, pipe, **parts):
    """Return a pipeline of the class `kind` over the parts of `pipe`, those in `parts` taking the place of its own.

    As diffusers' `from_pipe`, but with other parts, such as `scheduler=`, in the same breath, and the scheduler
    stays as it is. The progress bar of each call is off.
    """
    parts = {**pipe.components, **parts}
    # A pipeline rewrites the configuration of a scheduler that it is made with, for everyone who has it.
    scheduler = parts.pop("scheduler")
    made = kind(**parts, scheduler=None, requires_safety_checker=pipe.config.requires_safety_checker)
    made.register_modules(scheduler=scheduler)
    made.set_progress_bar_config(disable=True)
    return made
