"""What a call's arguments do to each other: combinations that fail, and those without effect."""

from __future__ import annotations

import inspect

from sdkit.parameters import known_names


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
    return step_takes(pipe, "generator") and any(
        word in type(pipe.scheduler).__name__ for word in ("Ancestral", "DDPM", "SDE", "LCM", "TCD")
    )


def picture_count(pipe, arguments) -> int:
    """Return how many pictures the call makes."""
    prompt, embeds = arguments.get("prompt"), arguments.get("prompt_embeds")
    if prompt is None and embeds is None:
        raise ValueError("neither prompt nor prompt_embeds is given; give one of them.")
    prompts = embeds.shape[0] if prompt is None else len(prompt) if isinstance(prompt, list) else 1
    return prompts * arguments.get("num_images_per_prompt", 1)


def picture_size(pipe, arguments) -> tuple[int, int]:
    """Return (height, width) in pixels of a text-to-image call."""
    if arguments.get("height") and arguments.get("width"):
        return arguments["height"], arguments["width"]
    side = pipe.unet.config.sample_size
    sides = (side, side) if isinstance(side, int) else tuple(side)
    return tuple(one * pipe.vae_scale_factor for one in sides)


def check_together(pipe, arguments) -> None:
    """Raise TypeError or ValueError for arguments that cannot be used with each other or this pipeline."""
    checks = (
        _texts, _size, _schedule, _strength, _clip_skip, _adapters, _attention, _callback, _latents, _generators,
    )  # fmt: skip
    for check in checks:
        check(pipe, arguments)


def _texts(pipe, arguments):
    for text, embeds in (("prompt", "prompt_embeds"), ("negative_prompt", "negative_prompt_embeds")):
        if arguments.get(text) is not None and arguments.get(embeds) is not None:
            raise ValueError(f"{text} and {embeds} are both given; give one of them.")
    prompt, negative = arguments.get("prompt"), arguments.get("negative_prompt")
    if negative is None or prompt is None:
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
    for name in own:
        if name not in inspect.signature(pipe.scheduler.set_timesteps).parameters:
            raise ValueError(f"{name} is given, but {type(pipe.scheduler).__name__} takes no own {name}.")
    if not own:
        _first_timestep(pipe.scheduler, arguments.get("num_inference_steps", 50))


def _first_timestep(scheduler, steps):
    """Refuse steps whose first timestep lies beyond the last one trained, an IndexError in the middle of diffusers."""
    config = scheduler.config
    if config.get("timestep_spacing") != "leading" or hasattr(scheduler, "sigmas"):
        return  # schedulers with sigmas interpolate between timesteps and do not fail
    trained = config.num_train_timesteps
    first = (steps - 1) * (trained // steps) + config.get("steps_offset", 0)
    if steps <= trained and first >= trained:
        raise ValueError(
            f"num_inference_steps is {steps}; with {type(scheduler).__name__} that starts at timestep {first}, and the "
            f"last one trained is {trained - 1}. Give at most {steps - 1}."
        )


def _strength(pipe, arguments):
    if "strength" not in known_names(pipe):
        return
    strength = arguments.get("strength", known_names(pipe)["strength"])
    steps = arguments.get("num_inference_steps", 50)
    if int(steps * strength) == 0 and _calls_beyond_steps(pipe.scheduler, steps) == 0:
        raise ValueError(
            f"strength is {strength:g}: of {steps} steps that leaves none to run, and diffusers then fails without "
            f"naming it. Give at least {1 / steps:g}, or more steps."
        )


def _calls_beyond_steps(scheduler, steps):
    """Return how many timesteps the scheduler plans beyond `steps`; they run at any strength (PNDM has one)."""
    own = type(scheduler).from_config(scheduler.config)
    own.set_timesteps(steps)
    return max(0, len(own.timesteps) - steps * own.order)


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


def _attention(pipe, arguments):
    for key in arguments.get("cross_attention_kwargs") or {}:
        for processor in set(pipe.unet.attn_processors.values()):
            if key not in inspect.signature(processor.__call__).parameters:
                raise ValueError(
                    f"cross_attention_kwargs holds {key!r}, which {type(processor).__name__} does not take; "
                    "set attention processors that do, or leave it out."
                )


def _callback(pipe, arguments):
    usable = pipe._callback_tensor_inputs
    for name in arguments.get("callback_on_step_end_tensor_inputs") or ():
        if name not in usable:
            raise ValueError(f"callback_on_step_end_tensor_inputs holds {name!r}; known are {', '.join(usable)}.")


def _latents(pipe, arguments):
    latents = arguments.get("latents")
    if latents is None or "height" not in known_names(pipe):
        return
    height, width = picture_size(pipe, arguments)
    factor = pipe.vae_scale_factor
    wanted = (picture_count(pipe, arguments), pipe.unet.config.in_channels, height // factor, width // factor)
    if tuple(latents.shape) != wanted:
        raise ValueError(
            f"latents has the shape {tuple(latents.shape)}; for this call it must be {wanted} "
            "(pictures, channels, height / factor, width / factor). diffusers would not check it."
        )
    if latents.dtype != pipe.unet.dtype:
        raise TypeError(f"latents is {latents.dtype}; this pipeline needs {pipe.unet.dtype}.")


def _generators(pipe, arguments):
    generators, count = arguments.get("generator"), picture_count(pipe, arguments)
    if isinstance(generators, list) and len(generators) != count:
        raise ValueError(f"generator has {len(generators)} generators for {count} pictures; give one, or {count}.")
    for one in generators if isinstance(generators, list) else [generators]:
        if one is not None and one.device.type not in ("cpu", pipe.device.type):
            raise ValueError(f"generator is on {one.device}, the pipeline on {pipe.device}; use a CPU generator.")


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
