"""What a call's arguments do to each other: combinations that fail, and those without effect."""

from __future__ import annotations

import inspect
import math

from sdkit.loading.pipeline import device_of
from sdkit.parameters import known_names, short


def guidance_is_on(pipe, arguments) -> bool:
    """Say whether the call uses guidance: above 1, and not with a guidance-distilled UNet.

    Source: `do_classifier_free_guidance` in pipeline_stable_diffusion.py of diffusers.
    """
    return arguments.get("guidance_scale", 7.5) > 1 and pipe.unet.config.get("time_cond_proj_dim") is None


def step_takes(pipe, name) -> bool:
    """Say whether the scheduler's `step` has an argument of this name."""
    return name in inspect.signature(pipe.scheduler.step).parameters


def is_random_on_the_way(pipe, arguments) -> bool:
    """Say whether the scheduler draws noise after the first step."""
    if step_takes(pipe, "eta"):
        return arguments.get("eta", 0.0) > 0
    kind = type(pipe.scheduler).__name__ + str(pipe.scheduler.config.get("algorithm_type"))  # sde-dpmsolver++
    return step_takes(pipe, "generator") and any(
        word in kind for word in ("Ancestral", "DDPM", "SDE", "sde", "LCM", "TCD")
    )


def picture_count(pipe, arguments, per_prompt=None) -> int:
    """Return how many pictures the call makes, or would make with `per_prompt` for each prompt."""
    prompt, embeds = arguments.get("prompt"), arguments.get("prompt_embeds")
    if prompt is None and embeds is None:
        raise ValueError("neither prompt nor prompt_embeds is given; give one of them.")
    prompts = embeds.shape[0] if prompt is None else len(prompt) if isinstance(prompt, list) else 1
    return prompts * (arguments.get("num_images_per_prompt", 1) if per_prompt is None else per_prompt)


def picture_size(pipe, arguments) -> tuple[int, int]:
    """Return (height, width) in pixels of a text-to-image call."""
    if arguments.get("height") and arguments.get("width"):
        return arguments["height"], arguments["width"]
    side = pipe.unet.config.sample_size
    sides = (side, side) if isinstance(side, int) else tuple(side)
    return tuple(one * pipe.vae_scale_factor for one in sides)


def check_together(pipe, arguments) -> None:
    """Raise TypeError or ValueError for arguments that cannot be used with each other or this pipeline."""
    for check in (_texts, _size, _schedule, _clip_skip, _adapters, _attention, _callback, _generators):
        check(pipe, arguments)


def _texts(pipe, arguments):
    for text, embeds in (("prompt", "prompt_embeds"), ("negative_prompt", "negative_prompt_embeds")):
        if arguments.get(text) is not None and arguments.get(embeds) is not None:
            raise ValueError(f"{text} and {embeds} are both given; give one of them.")
    prompt, negative = arguments.get("prompt"), arguments.get("negative_prompt")
    if negative is None:
        return
    if prompt is None:
        texts, prompts = len(negative) if isinstance(negative, list) else 1, picture_count(pipe, arguments, 1)
        if texts != prompts:
            raise ValueError(f"negative_prompt has {texts} texts and prompt_embeds {prompts} entries; give as many.")
        return
    if isinstance(prompt, list) != isinstance(negative, list):
        raise TypeError(
            f"negative_prompt is a {type(negative).__name__} but prompt is a {type(prompt).__name__}; "
            "give both as texts, or both as lists of the same length."
        )
    if isinstance(prompt, list) and len(prompt) != len(negative):
        raise ValueError(f"negative_prompt has {len(negative)} texts and prompt {len(prompt)}; give as many.")


def _size(pipe, arguments):
    if (arguments.get("height") is None) != (arguments.get("width") is None):
        given = "height" if arguments.get("height") is not None else "width"
        raise ValueError(f"only {given} is given, and diffusers would ignore it; give height and width.")


def _schedule(pipe, arguments):
    own = [name for name in ("timesteps", "sigmas") if arguments.get(name) is not None]
    if len(own) == 2:
        raise ValueError("timesteps and sigmas are both given; give one of them.")
    name = own[0] if own else "num_inference_steps"
    value = arguments.get(name, 50)
    kind, trained = type(pipe.scheduler).__name__, pipe.scheduler.config.num_train_timesteps
    if own and name not in inspect.signature(pipe.scheduler.set_timesteps).parameters:
        raise ValueError(f"{name} is given, but {kind} takes no own {name}.")
    if name == "timesteps" and value[0] >= trained:
        raise ValueError(f"timesteps begins with {value[0]}; the last one trained is {trained - 1}.")
    scheduler = type(pipe.scheduler).from_config(pipe.scheduler.config)
    try:
        scheduler.set_timesteps(**{name: value})
    except Exception as error:  # each scheduler has its own reasons and its own kind of error
        raise ValueError(f"{name} is {short(value)}, which {kind} refuses: {error}") from error
    planned = scheduler.timesteps
    if not len(planned):
        raise ValueError(f"{name} is {short(value)}, which leaves no step to run; give more.")
    # Schedulers with sigmas interpolate between timesteps; for the others this is an IndexError on the way.
    if not hasattr(scheduler, "sigmas") and planned.max() >= trained:
        raise ValueError(
            f"{name} is {short(value)}; with {kind} that starts at timestep {int(planned.max())}, and the "
            f"last one trained is {trained - 1}. Give at most {value - 1}."
        )
    # Solvers of higher order divide by the distance of two steps.
    if "solver_order" in scheduler.config and len(set(scheduler.sigmas.tolist())) < len(scheduler.sigmas):
        raise ValueError(
            f"{name} is {short(value)}; with {kind} and its timestep_spacing some of these steps are one and the same, "
            "and the picture would be black. Give fewer."
        )
    _strength(pipe, arguments, planned, len(planned) if own else value, scheduler.order)


def _strength(pipe, arguments, planned, steps, order):
    """Refuse strengths that leave none of the planned timesteps (`get_timesteps` of the pipelines)."""
    if "strength" not in known_names(pipe):
        return
    strength = arguments.get("strength", known_names(pipe)["strength"])
    skipped = steps - min(int(steps * strength), steps)
    # PNDM plans one step more, which image to image runs even so; inpainting counts the steps alone.
    if len(planned[skipped * order :]) == 0 or (skipped == steps and "mask_image" in known_names(pipe)):
        raise ValueError(
            f"strength is {strength:g}: of {steps} steps that leaves none to run, and diffusers then fails without "
            f"naming it. Give at least {math.ceil(1e4 / steps) / 1e4:g}, or more steps."
        )


def _clip_skip(pipe, arguments):
    skip = arguments.get("clip_skip")
    if skip is None:
        return
    layers = pipe.text_encoder.config.num_hidden_layers
    if skip >= layers:
        raise ValueError(f"clip_skip is {skip}; this text encoder has {layers} layers, so give at most {layers - 1}.")
    if not hasattr(pipe.text_encoder, "text_model"):
        raise ValueError(
            f"clip_skip is {skip}, but this diffusers fails on it with this transformers (diffusers issue 14124). "
            "Pass prompt_embeds made from hidden_states[-(clip_skip + 1)] and final_layer_norm instead."
        )


def _adapters(pipe, arguments):
    for name in ("ip_adapter_image", "ip_adapter_image_embeds"):
        if arguments.get(name) is not None and getattr(pipe.unet, "encoder_hid_proj", None) is None:
            raise ValueError(f"{name} is given, but no IP-Adapter is loaded; call pipe.load_ip_adapter(...) first.")


# What a model itself passes to its attention processors.
_ATTENTION_OWN = {"attn", "hidden_states", "encoder_hidden_states", "attention_mask", "temb", "args", "kwargs"}


def _attention(pipe, arguments):
    for key in arguments.get("cross_attention_kwargs") or {}:
        for processor in set(pipe.unet.attn_processors.values()):
            if key in _ATTENTION_OWN or key not in inspect.signature(processor.__call__).parameters:
                raise ValueError(
                    f"cross_attention_kwargs holds {short(key)}, which {type(processor).__name__} does not take; "
                    "set attention processors that do, or leave it out."
                )


def _callback(pipe, arguments):
    usable = pipe._callback_tensor_inputs
    for name in arguments.get("callback_on_step_end_tensor_inputs") or ():
        if name not in usable:
            raise ValueError(f"callback_on_step_end_tensor_inputs holds {name!r}; known are {', '.join(usable)}.")


def _generators(pipe, arguments):
    generators, count = arguments.get("generator"), picture_count(pipe, arguments)
    if isinstance(generators, list) and len(generators) != count:
        raise ValueError(f"generator has {len(generators)} generators for {count} pictures; give one, or {count}.")
    for one in generators if isinstance(generators, list) else [generators]:
        if one is not None and one.device.type not in ("cpu", device_of(pipe).type):
            raise ValueError(f"generator is on {one.device}, the pipeline on {device_of(pipe)}; use a CPU generator.")


def without_effect(pipe, arguments, seed_given: bool) -> list[str]:
    """List, in words, the given arguments that cannot change the picture in this call."""
    found = []
    scheduler, guided = type(pipe.scheduler).__name__, guidance_is_on(pipe, arguments)
    scale = arguments.get("guidance_scale", 7.5)
    if not guided:
        for name in ("negative_prompt", "negative_prompt_embeds", "guidance_rescale"):
            value = arguments.get(name)
            if value is not None and not (isinstance(value, (str, float, int)) and not value):
                found.append(f"{name} has no effect at guidance_scale={scale:g}: guidance is on only above 1.")
        if 0 <= scale < 1 and "guidance_scale" in arguments:
            found.append(f"guidance_scale={scale:g} acts exactly like 1: guidance is on only above 1.")
    if arguments.get("eta") and not step_takes(pipe, "eta"):
        found.append(f"eta has no effect with {scheduler}: only DDIM-like schedulers take it.")
    if seed_given and arguments.get("latents") is not None and not is_random_on_the_way(pipe, arguments):
        found.append(f"seed has no effect: latents is given, and {scheduler} draws no further noise here.")
    if "num_inference_steps" in arguments:
        for name in ("timesteps", "sigmas"):
            if arguments.get(name) is not None:
                found.append(f"num_inference_steps has no effect: {name} is given.")
    if "callback_on_step_end_tensor_inputs" in arguments and arguments.get("callback_on_step_end") is None:
        found.append("callback_on_step_end_tensor_inputs has no effect without callback_on_step_end.")
    if arguments.get("masked_image_latents") is not None and pipe.unet.config.in_channels != 9:
        found.append("masked_image_latents has no effect: only a UNet with 9 input channels reads them.")
    if arguments.get("return_dict") is False:
        found.append("return_dict has no effect here: generate returns shots either way.")
    for name in ("prompt", "negative_prompt"):
        value = arguments.get(name)
        for text in value if isinstance(value, list) else [value] if value else []:
            cut = words_cut(pipe, text)
            if cut and (guided or name == "prompt"):
                found.append(f"the end of {name} has no effect: beyond {_limit(pipe)} tokens, {cut!r} is cut off.")
    return found


def _limit(pipe):
    return pipe.tokenizer.model_max_length - 2


def words_cut(pipe, text: str) -> str:
    """Return the end of a text that lies beyond the tokenizer's limit ("" if all of it fits)."""
    ids = pipe.tokenizer(text, add_special_tokens=False, verbose=False).input_ids
    return pipe.tokenizer.decode(ids[_limit(pipe) :]).strip() if len(ids) > _limit(pipe) else ""
