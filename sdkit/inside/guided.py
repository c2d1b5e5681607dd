"""diffusers' guiders in a Stable Diffusion pipeline: what they make of the two guesses of each step.

Guiders (`diffusers.guiders`, marked experimental upstream) are made for diffusers' modular pipelines; a
`StableDiffusionPipeline` has guidance built in. A hook on the UNet lets one of them guide all the same: it replaces
both guesses, without and with the prompt, by the one that the guider makes of them. The pipeline's own guidance then
finds nothing between the two to exaggerate, and hands the guider's guess on as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sdkit.errors import plain_errors
from sdkit.loading.present import check_present
from sdkit.parameters import short
from sdkit.quiet import quiet
from sdkit.show.figure import new_figure

if TYPE_CHECKING:
    from sdkit.show.figure import ShownFigure

TWO = ["pred_cond", "pred_uncond"]  # the guesses that a StableDiffusionPipeline makes


@plain_errors
def guider(name: str = "ClassifierFreeGuidance", **settings: Any) -> Any:
    """Return one of diffusers' guiders by the name of its class, without the warning that they are experimental.

    `settings` are those of the class, such as guidance_scale, guidance_rescale, start and stop (shares of the steps, 0
    to 1). Raises ValueError for a name that diffusers does not have, and what the class raises for its settings.
    """
    import diffusers.guiders

    known = [other for other in dir(diffusers.guiders) if other.endswith("Guidance") and other != "BaseGuidance"]
    if name not in known:
        raise ValueError(f"name is {name!r}; give one of {', '.join(known)}.")
    with quiet():
        return getattr(diffusers.guiders, name)(**settings)


@dataclass(eq=False)
class Guided:
    """What the guider saw in the last call: for each step its timestep, whether it guided, and how much there was.

    `apart` is how far the guess with the prompt lies from the one without, in relation to the length of the guess
    itself: 0 says that the prompt makes no difference.
    """

    timesteps: list[float] = field(default_factory=list)
    apart: list[float] = field(default_factory=list)
    guided: list[bool] = field(default_factory=list)

    @plain_errors
    def draw(self) -> ShownFigure:
        """Return a chart of `apart` by step; steps that were not guided are pale. Raises ValueError before a call."""
        if not self.timesteps:
            raise ValueError("nothing was guided yet; call the pipeline inside the with block first.")
        figure = new_figure((8.5, 2.6), f"How far the prompt moves the guess, in {len(self.timesteps)} steps")
        axes = figure.subplots()
        colours = ["#346cd6" if guided else "#c5cede" for guided in self.guided]
        axes.bar(range(len(self.apart)), self.apart, color=colours)
        axes.set_xticks(range(len(self.apart)), [f"{moment:.0f}" for moment in self.timesteps])
        axes.set_xlabel("timestep of the step")
        axes.set_ylabel("the prompt's push")
        axes.spines[["top", "right"]].set_visible(False)
        return figure


@contextmanager
def guided(pipe, guider: Any) -> Iterator[Guided]:
    """Let a guider of diffusers guide all calls of a text-to-image pipeline inside the `with` block.

    It must make do with the two guesses of classifier-free guidance, and the calls must ask for guidance: a
    guidance_scale above 1, whose value then has no effect, nor has guidance_rescale. Gives a `Guided` that tells about
    the last call.

    A picture's record cannot hold a guider. So `rebuild` makes such a picture without it, which is another one, and
    says so, and `sweep` refuses `folder=` inside the block. Raises TypeError for what is no pipeline or no guider and
    for a guider that needs another guess, ValueError for a call without guidance.
    """
    import torch

    check_present(pipe, ["unet", "scheduler"])
    if not hasattr(guider, "_input_predictions"):
        raise TypeError(f"guider is {short(guider)}; give one of diffusers' guiders, such as sdkit.guider() returns.")
    if guider._input_predictions != TWO:
        more = ", ".join(name for name in guider._input_predictions or () if name not in TWO)
        raise TypeError(f"{type(guider).__name__} needs {more or 'nothing'}; give one that needs {' and '.join(TWO)}.")
    told = Guided()

    def guide(unet, args, kwargs, output):
        moment = args[1] if len(args) > 1 else kwargs["timestep"]
        moments = pipe.scheduler.timesteps
        if moment == moments[0]:  # the first step, whether the call before went to its end or not
            _begin(guider)
            told.timesteps, told.apart, told.guided = [], [], []
        step = len(told.timesteps)
        answer = output[0] if isinstance(output, tuple) else output.sample
        if not pipe.do_classifier_free_guidance:
            raise ValueError("the call makes no guess without the prompt; give a guidance_scale above 1.")
        without, with_prompt = answer.chunk(2)
        guider.set_state(step, len(moments), moment)
        count = guider.num_conditions
        told.timesteps.append(float(moment))
        told.apart.append(float((with_prompt - without).norm() / with_prompt.norm()))
        told.guided.append(count == 2)
        guess = guider.forward(pred_cond=with_prompt, pred_uncond=without if count == 2 else None).pred
        both = torch.cat([guess, guess])
        return (both, *output[1:]) if isinstance(output, tuple) else type(output)(both)

    hook = pipe.unet.register_forward_hook(guide, with_kwargs=True)
    try:
        yield told
    finally:
        hook.remove()


def _begin(guider: Any) -> None:
    """Give a guider that averages over steps an empty memory, as its `prepare_inputs` does at the first step."""
    momentum = getattr(guider, "adaptive_projected_guidance_momentum", None)
    if momentum is not None:
        from diffusers.guiders.adaptive_projected_guidance import MomentumBuffer

        guider.momentum_buffer = MomentumBuffer(momentum)
