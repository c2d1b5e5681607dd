"""Combinations of a call's arguments that fail: with each other, or with this pipeline."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from typing import Any

from sdkit.call.resolve import Call, schedule_argument
from sdkit.loading.adapters import all_layers, in_use
from sdkit.parameters import short
from sdkit.schedulers import fresh_copy, misfit, takes, try_steps

# Schedulers that take own timesteps, or own sigmas, in words.
_TAKERS = {
    "timesteps": "EulerDiscreteScheduler, HeunDiscreteScheduler or DPMSolverMultistepScheduler",
    "sigmas": "EulerDiscreteScheduler",
}


def check_own_steps(pipe, arguments: Mapping[str, Any]) -> None:
    """Raise ValueError for own timesteps or sigmas that the pipeline's scheduler takes none of, and for both at once.

    To be called before the numbers are checked: where none are taken, other numbers are no help.
    """
    given = [name for name in _TAKERS if arguments.get(name) is not None]
    if len(given) > 1:
        raise ValueError("timesteps and sigmas are both given; give one of them.")
    set_timesteps = getattr(pipe.scheduler, "set_timesteps", None)  # a scheduler without it is refused later
    for name in given:
        if set_timesteps and name not in inspect.signature(set_timesteps).parameters:
            raise ValueError(
                f"{name} is given, but {type(pipe.scheduler).__name__} takes no own {name}; leave it out, or set a "
                f"scheduler that does as pipe.scheduler, such as {_TAKERS[name]}."
            )


def check_together(call: Call) -> None:
    """Raise TypeError or ValueError for arguments that cannot be used with each other or this pipeline."""
    for check in (
        _scheduler,
        _scheduler_noise,
        _texts,
        _size,
        _schedule,
        _clip_skip,
        _adapters,
        _attention,
        _callback,
        _generators,
    ):
        check(call)


def _texts(call):
    for text, embeds in (("prompt", "prompt_embeds"), ("negative_prompt", "negative_prompt_embeds")):
        if call.arguments.get(text) is not None and call.arguments.get(embeds) is not None:
            raise ValueError(f"{text} and {embeds} are both given; give one of them.")
    prompt, negative = call.arguments.get("prompt"), call.arguments.get("negative_prompt")
    if negative is None:
        return
    if prompt is None:
        texts = len(negative) if isinstance(negative, list) else 1
        if texts != call.prompts:
            raise ValueError(
                f"negative_prompt has {texts} texts and prompt_embeds {call.prompts} entries; give as many."
            )
        return
    if isinstance(prompt, list) != isinstance(negative, list):
        raise TypeError(
            f"negative_prompt is a {type(negative).__name__} but prompt is a {type(prompt).__name__}; "
            "give both as texts, or both as lists of the same length."
        )
    if isinstance(prompt, list) and len(prompt) != len(negative):
        raise ValueError(f"negative_prompt has {len(negative)} texts and prompt {len(prompt)}; give as many.")


def _size(call):
    if (call.arguments.get("height") is None) != (call.arguments.get("width") is None):
        given = "height" if call.arguments.get("height") is not None else "width"
        raise ValueError(f"only {given} is given, and diffusers would ignore it; give height and width.")


def _scheduler(call):
    """Refuse a scheduler that was made for other kinds of pipelines."""
    reason = misfit(call.pipe.scheduler, from_picture="image" in call.defaults)
    if reason:
        raise _misfit(call, reason)


def _misfit(call, reason):
    return ValueError(
        f"{call.scheduler} does not fit {type(call.pipe).__name__}: {reason}. Set another one as pipe.scheduler."
    )


def _scheduler_noise(call):
    """Refuse noise that a scheduler draws by itself, not by a generator, where no picture could be made again."""
    if not takes(call.pipe.scheduler, "noise_sampler_seed"):
        return
    if call.pipe.scheduler.config.noise_sampler_seed is None:
        raise ValueError(
            f"{call.scheduler} draws noise that no seed fixes. Set it as pipe.scheduler with noise_sampler_seed=0."
        )
    if call.count > 1:
        raise ValueError(f"{call.scheduler} draws one noise for all {call.count} pictures; make one in each call.")


def _schedule(call):
    """Refuse steps, timesteps and sigmas that the scheduler cannot plan, or that make no picture."""
    name = schedule_argument(call)
    value, trained = call.get(name), call.pipe.scheduler.config.num_train_timesteps
    if name == "timesteps" and value[0] >= trained:
        raise ValueError(f"timesteps begins with {value[0]}; the last one trained is {trained - 1}.")
    planned = fresh_copy(call.pipe.scheduler)
    try:
        planned.set_timesteps(**{name: value})
    except Exception as error:  # each scheduler has its own reasons and its own kind of error
        raise ValueError(f"{name} is {short(value)}, which {call.scheduler} refuses: {error}") from error
    if not len(planned.timesteps):
        raise ValueError(f"{name} is {short(value)}, which leaves no step to run; give more.")
    # Schedulers with sigmas interpolate between timesteps; for the others this is an IndexError on the way.
    if not hasattr(planned, "sigmas") and planned.timesteps.max() >= trained:
        raise ValueError(
            f"{name} is {short(value)}; with {call.scheduler} that starts at timestep {int(planned.timesteps.max())}, "
            f"and the last one trained is {trained - 1}. Give at most {value - 1}."
        )
    # Solvers of higher order divide by the distance of two steps; the last noise level may be there twice.
    if takes(planned, "solver_order") and len(set(planned.sigmas[:-1].tolist())) < len(planned.sigmas) - 1:
        raise ValueError(
            f"{name} is {short(value)}; with {call.scheduler} and its timestep_spacing some of these steps are one and "
            "the same, and the picture would be black. Give fewer."
        )
    steps = value if name == "num_inference_steps" else len(planned.timesteps)
    _check_strength(call, planned.timesteps, steps, planned.order)
    try:
        try_steps(planned, planned.timesteps[:1])
    except Exception as error:
        raise _misfit(call, f"its first step fails ({error})") from error


def _check_strength(call, timesteps, steps, order):
    """Refuse strengths that leave none of the planned timesteps (`get_timesteps` of the pipelines)."""
    if "strength" not in call.defaults:
        return
    strength = call.get("strength")
    skipped = steps - min(int(steps * strength), steps)
    # PNDM plans one step more, which image to image runs even so; inpainting counts the steps alone.
    if len(timesteps[skipped * order :]) == 0 or (skipped == steps and "mask_image" in call.defaults):
        least = f"Give at least {math.ceil(1e4 / steps) / 1e4:g}"
        # A share of 0 is no step, of however many.
        advice = f"{least}, or more steps." if strength else f"The picture would stay the start picture. {least}."
        raise ValueError(
            f"strength is {strength:g}: of {steps} steps that leaves none to run, and diffusers then fails without "
            f"naming it. {advice}"
        )


def takes_clip_skip(pipe) -> bool:
    """Say whether diffusers' `encode_prompt` finds what it asks for with `clip_skip`: transformers 5 dropped it."""
    return hasattr(pipe.text_encoder, "text_model")


def _clip_skip(call):
    skip = call.arguments.get("clip_skip")
    if skip is None:
        return
    layers = call.pipe.text_encoder.config.num_hidden_layers
    if skip >= layers:
        raise ValueError(f"clip_skip is {skip}; this text encoder has {layers} layers, so give at most {layers - 1}.")
    if not takes_clip_skip(call.pipe):
        raise ValueError(
            f"clip_skip is {skip}, but this diffusers fails on it with this transformers (diffusers issue 14124). "
            "Pass prompt_embeds made from hidden_states[-(clip_skip + 1)] and final_layer_norm instead."
        )


def _adapters(call):
    for name in ("ip_adapter_image", "ip_adapter_image_embeds"):
        if call.arguments.get(name) is not None and getattr(call.pipe.unet, "encoder_hid_proj", None) is None:
            raise ValueError(f"{name} is given, but no IP-Adapter is loaded; call pipe.load_ip_adapter(...) first.")


# What a model itself passes to its attention processors.
_ATTENTION_OWN = {"attn", "hidden_states", "encoder_hidden_states", "attention_mask", "temb", "args", "kwargs"}


def _attention(call):
    """Refuse arguments that no attention processor takes; "scale" is the strength of adapters such as LoRA."""
    given = call.arguments.get("cross_attention_kwargs") or {}
    for key in given:
        if key == "scale":
            _check_scale(given[key], call.pipe)
            continue
        for processor in set(call.pipe.unet.attn_processors.values()):
            if key in _ATTENTION_OWN or key not in inspect.signature(processor.__call__).parameters:
                raise ValueError(
                    f"cross_attention_kwargs holds {short(key)}, which {type(processor).__name__} does not take; "
                    "set attention processors that do, or leave it out."
                )


def _check_scale(scale, pipe):
    """Refuse a strength that is no number, or that reaches no adapter: none is loaded, or it is off, or fused."""
    if isinstance(scale, bool) or not isinstance(scale, (int, float)) or not math.isfinite(scale):
        raise ValueError(f'cross_attention_kwargs holds "scale": {short(scale)}; give a number, such as 0.5.')
    layers = [layer for layer in all_layers(pipe) if in_use(layer)]
    if not layers:
        raise ValueError(
            'cross_attention_kwargs holds "scale", the strength of a LoRA, and none is in use; call '
            "pipe.load_lora_weights(...) before (or pipe.enable_lora()), or leave it out. lora_scale is the same."
        )
    if all(layer.merged for layer in layers):
        names = ", ".join(sorted({name for layer in layers for name in layer.merged_adapters}))
        raise ValueError(
            f'cross_attention_kwargs holds "scale", which does not reach {names}, fused into the weights; call '
            "pipe.unfuse_lora() before, or leave it out. lora_scale is the same."
        )


def _callback(call):
    usable = call.pipe._callback_tensor_inputs
    for name in call.arguments.get("callback_on_step_end_tensor_inputs") or ():
        if name not in usable:
            raise ValueError(f"callback_on_step_end_tensor_inputs holds {name!r}; known are {', '.join(usable)}.")


def _generators(call):
    given = call.arguments.get("generator")
    if given is None:
        return
    if isinstance(given, list) and len(given) != call.count:
        raise ValueError(f"generator has {len(given)} generators for {call.count} pictures; give one, or {call.count}.")
    device = call.device
    for generator in given if isinstance(given, list) else [given]:
        if generator.device.type not in ("cpu", device.type):
            raise ValueError(f"generator is on {generator.device}, the pipeline on {device}; use a CPU generator.")
