"""Arguments that are given but cannot change the picture in a call: a table of small rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sdkit.call.resolve import Call, draws_noise_on_the_way, step_takes


def without_effect(call: Call, seed_given: bool) -> list[str]:
    """List, in words, the given arguments that cannot change the picture in this call."""
    return [message for rule in _RULES for message in rule(call, seed_given)]


def _unguided(call, seed_given) -> Iterator[str]:
    if call.guided:
        return
    scale = call.get("guidance_scale")
    for name in ("negative_prompt", "negative_prompt_embeds", "guidance_rescale"):
        value = call.arguments.get(name)
        if value is not None and not (isinstance(value, (str, float, int)) and not value):
            yield f"{name} has no effect at guidance_scale={scale:g}: guidance is on only above 1."
    if 0 <= scale < 1 and "guidance_scale" in call.arguments:
        yield f"guidance_scale={scale:g} acts exactly like 1: guidance is on only above 1."


def _eta(call, seed_given) -> Iterator[str]:
    if call.arguments.get("eta") and not step_takes(call.pipe, "eta"):
        yield f"eta has no effect with {call.scheduler}: only DDIM-like schedulers take it."


def _seed(call, seed_given) -> Iterator[str]:
    if seed_given and call.arguments.get("latents") is not None and not draws_noise_on_the_way(call):
        yield f"seed has no effect: latents is given, and {call.scheduler} draws no further noise here."


def _steps(call, seed_given) -> Iterator[str]:
    if "num_inference_steps" in call.arguments:
        for name in ("timesteps", "sigmas"):
            if call.arguments.get(name) is not None:
                yield f"num_inference_steps has no effect: {name} is given."


def _tensors_of_no_callback(call, seed_given) -> Iterator[str]:
    names = "callback_on_step_end_tensor_inputs"
    if names in call.arguments and call.arguments.get("callback_on_step_end") is None:
        yield f"{names} has no effect without callback_on_step_end."


def _masked_latents(call, seed_given) -> Iterator[str]:
    if call.arguments.get("masked_image_latents") is not None and call.pipe.unet.config.in_channels != 9:
        yield "masked_image_latents has no effect: only a UNet with 9 input channels reads them."


def _return_dict(call, seed_given) -> Iterator[str]:
    if call.arguments.get("return_dict") is False:
        yield "return_dict has no effect here: generate returns shots either way."


def _ends_of_texts(call, seed_given) -> Iterator[str]:
    for name in ("prompt", "negative_prompt") if call.guided else ("prompt",):
        value = call.arguments.get(name)
        for text in value if isinstance(value, list) else [value] if value else []:
            cut = words_cut(call.pipe, text)
            if cut:
                limit = _longest_text(call.pipe)
                yield f"the end of {name} has no effect: beyond {limit} tokens, {cut!r} is cut off."


Rule = Callable[[Call, bool], Iterator[str]]
_RULES: tuple[Rule, ...] = (
    _unguided,
    _eta,
    _seed,
    _steps,
    _tensors_of_no_callback,
    _masked_latents,
    _return_dict,
    _ends_of_texts,
)


def words_cut(pipe, text: str) -> str:
    """Return the end of a text that lies beyond the tokenizer's limit ("" if all of it fits)."""
    ids, longest = pipe.tokenizer(text, add_special_tokens=False, verbose=False).input_ids, _longest_text(pipe)
    return pipe.tokenizer.decode(ids[longest:]).strip() if len(ids) > longest else ""


def _longest_text(pipe) -> int:
    """Return how many tokens a text may have beside the start and the end token."""
    return pipe.tokenizer.model_max_length - 2
