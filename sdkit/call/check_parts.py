"""Checks that the parts of a pipeline are there and fit each other: diffusers fails on the way, in words of torch."""

from __future__ import annotations

from sdkit.call.resolve import Call


def check_parts(call: Call) -> None:
    """Raise ValueError for parts in different number formats, and for tokens that the text encoder has no row for."""
    _check_formats(call)
    for name in ("prompt", "negative_prompt"):
        texts = call.arguments.get(name)
        for text in texts if isinstance(texts, list) else [texts]:
            if text:
                _check_tokens(call.pipe, name, text)


def _check_formats(call):
    """Compare the parts' dtypes; inside torch.autocast they may differ."""
    import torch

    used = ("unet", "vae") if call.arguments.get("prompt") is None else ("unet", "vae", "text_encoder")
    parts = {name: getattr(call.pipe, name) for name in used}
    first = [getattr(next(part.parameters(), None), "dtype", None) for part in parts.values()]
    if first[0] is not None and len(set(first)) == 1:
        return
    # diffusers' own property takes longer, and knows the layers that are stored in one format and computed in another
    formats = {name: part.dtype for name, part in parts.items()}
    if len(set(formats.values())) > 1 and not torch.is_autocast_enabled(call.device.type):
        found = ", ".join(f"{name} {dtype}" for name, dtype in formats.items())
        raise ValueError(f"the pipeline's parts have different number formats: {found}. Call pipe.to with one dtype.")


def _check_tokens(pipe, name, text):
    rows = pipe.text_encoder.get_input_embeddings().weight.shape[0]
    if len(pipe.tokenizer) <= rows:
        return
    for token in pipe.tokenizer(text).input_ids:
        if token >= rows:
            added = pipe.tokenizer.convert_ids_to_tokens(token)
            raise ValueError(
                f"{name} holds {added!r}, a token that was added to the tokenizer, and the text encoder has no row for "
                "it. Call pipe.text_encoder.resize_token_embeddings(len(pipe.tokenizer)), and train or load its row."
            )
