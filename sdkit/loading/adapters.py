"""Adapters (LoRA) and added words (textual inversion) of a pipeline: which are there, how strong, and from which file.

Neither diffusers nor peft keeps the path of a file. So adapters and words are told by a hash of their own numbers,
which is worked out from the modules and from a file alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from hashlib import sha256
from math import isclose, sqrt
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from sdkit.loading.state import plain_name, uncompiled, weights_digest
from sdkit.shot import Adapter

if TYPE_CHECKING:
    import torch

ADAPTED = ("unet", "text_encoder")  # the parts to which diffusers loads LoRA files
_digests: WeakKeyDictionary = WeakKeyDictionary()  # unet -> (digests of weights, {what: digest of its tensors})


def layers_with_adapters(part) -> list[tuple[str, Any]]:
    """Return (place, layer) of all layers of a part that peft has wrapped, whatever kind of adapter they hold."""
    modules = uncompiled(part).named_modules() if part is not None else ()
    return [(plain_name(place), layer) for place, layer in modules if hasattr(type(layer), "adapter_layer_names")]


def adapters_of(pipe, weights: Sequence[str] | None = None) -> dict[str, Adapter]:
    """Return the adapters in use, in the order in which they are added, each with strengths and a hash of its tensors.

    Left out are those that are loaded but not active or switched off: they change no picture. `weights` are digests
    of the weights as they are now, where these are known already.
    """
    strengths: dict[str, dict[str, float]] = {}
    fused: set[str] = set()
    for part in ADAPTED:
        places = layers_with_adapters(getattr(pipe, part))
        for place, layer in places:
            for name in in_use(layer):
                strengths.setdefault(name, {})[f"{part}.{place}"] = _strength(layer, name)
        fused |= {name for _, layer in places if layer.merged for name in layer.merged_adapters}
    if not strengths:
        return {}
    known = _known_digests(pipe, weights)
    return {
        name: Adapter(_adapter_digest(pipe, name, known), _shortest(by_place), name in fused)
        for name, by_place in strengths.items()
    }


def loaded_adapters(pipe) -> dict[str, str | None]:
    """Return the names of all adapters that are loaded, in use or not, each with the hash of its tensors."""
    names = {name: None for layer in all_layers(pipe) for name in layer.scaling}
    known = _known_digests(pipe, None) if names else {}
    return {name: _adapter_digest(pipe, name, known) for name in names}


def words_of(pipe, weights: Sequence[str] | None = None) -> dict[str, str | None]:
    """Return the words that were added to the tokenizer, each with the SHA-256 of its rows in the text encoder.

    A word of several vectors is one: diffusers calls the tokens of "<cat>" `<cat>`, `<cat>_1`, `<cat>_2`. Words for
    which the text encoder has no rows are left out, for no call can use them. None stands for rows that cannot be
    read. `weights` are as in `adapters_of`.
    """
    rows = rows_of_words(pipe)
    if not rows:
        return {}
    table, known = pipe.text_encoder.get_input_embeddings().weight, _known_digests(pipe, weights)
    usable = sorted(word for word, own in rows.items() if max(own) < len(table))
    for word in usable:
        if ("word", word) not in known:
            known["word", word] = _digest_of([table[rows[word]]])
    return {word: known["word", word] for word in usable}


def model_tensors(pipe, part: str) -> dict[str, torch.Tensor]:
    """Return a part's tensors by name without those of adapters and added words: what its checkpoint gave it."""
    module = uncompiled(getattr(pipe, part))
    places = [place for place, _ in layers_with_adapters(module)]
    own = "base_layer."  # where peft keeps the layer that it wraps
    tensors = {}
    for name, tensor in module.state_dict().items():
        name = plain_name(name)
        inside = next((f"{place}." for place in places if name.startswith(f"{place}.")), None)
        if inside is None or name.startswith(f"{inside}{own}"):
            tensors[name if inside is None else name.replace(own, "")] = tensor
    if part == "text_encoder" and rows_of_words(pipe):
        table, rows = module.get_input_embeddings().weight, pipe.tokenizer.vocab_size
        names = [plain_name(name) for name, tensor in module.named_parameters() if tensor is table]
        tensors |= {name: tensors[name][:rows] for name in names}
    return tensors


def tensors_digest(tensors: Iterable[torch.Tensor]) -> str:
    """Return 64 hex digits (SHA-256) of the numbers in tensors, whatever these are called and in which order.

    Programs name the tensors of a LoRA in their own ways. The format does not matter as long as the numbers are the
    same, nor do the zeros at the end with which `enable_lora_hotswap` fills tensors up.
    """
    each = sorted(_numbers(tensor) for tensor in tensors)
    return sha256(b"".join(each)).hexdigest()


@contextmanager
def strengths_kept(pipe, scale: float | None) -> Iterator[None]:
    """Put the strengths of adapters back after a call with this scale, except those that a callback has set meanwhile.

    diffusers multiplies them by `cross_attention_kwargs["scale"]` before each step and divides afterwards. That
    rounds; and after a scale of 0 it sets them to 1, whatever they were. Without a scale nothing is done.
    """
    layers = [] if scale is None else all_layers(pipe)
    before = [(layer, {name: deepcopy(value) for name, value in layer.scaling.items()}) for layer in layers]
    try:
        yield
    finally:
        for layer, scaling in before:
            for name in scaling.keys() & layer.scaling.keys():
                now, then = float(layer.scaling[name]), float(scaling[name])
                if isclose(now, then, rel_tol=1e-5) or (scale == 0 and isclose(now, as_trained(layer, name))):
                    layer.scaling[name] = scaling[name]


def all_layers(pipe) -> list[Any]:
    """Return the layers of UNet and text encoder that peft has wrapped."""
    return [layer for part in ADAPTED for _, layer in layers_with_adapters(getattr(pipe, part))]


def in_use(layer) -> list[str]:
    """Return the names of the adapters that change what a layer makes: once fused, only those that were fused."""
    if layer.disable_adapters:
        return []
    names = layer.merged_adapters if layer.merged else layer.active_adapters
    return [name for name in names if name in layer.scaling]


def as_trained(layer, name) -> float:
    """Return the factor that peft gives an adapter of strength 1."""
    alpha = getattr(layer, "lora_alpha", None) or layer.alpha
    has_root = getattr(layer, "use_rslora", {}).get(name, False)
    return alpha[name] / (sqrt(layer.r[name]) if has_root else layer.r[name])


def _strength(layer, name) -> float:
    """Return the strength of an adapter as it was given: without the digits that multiplying and dividing changes."""
    scaling = layer.scaling[name]  # a float32 tensor after `enable_lora_hotswap`
    return float(f"{float(scaling) / as_trained(layer, name):.{12 if isinstance(scaling, float) else 6}g}")


def _shortest(by_place: dict[str, float]) -> dict[str, float]:
    """Return strengths by part where all layers of a part have the same, else by layer."""
    found: dict[str, float] = {}
    for part in ADAPTED:
        own = {place: value for place, value in by_place.items() if place.startswith(f"{part}.")}
        found |= {part: next(iter(own.values()))} if len(set(own.values())) == 1 else own
    return found


def rows_of_words(pipe) -> dict[str, list[int]]:
    """Return the rows of added words in the text encoder's table, those of one word together."""
    if pipe.tokenizer is None or pipe.text_encoder is None:
        return {}
    known, first = pipe.tokenizer.added_tokens_encoder, pipe.tokenizer.vocab_size
    added = {word: row for word, row in known.items() if row >= first}
    rows: dict[str, list[int]] = {}
    for word, row in added.items():
        stem, _, number = word.rpartition("_")
        if not (stem in added and number.isdigit()):
            rows[word] = [row]
    for word, own in rows.items():
        while f"{word}_{len(own)}" in added:
            own.append(added[f"{word}_{len(own)}"])
    return rows


def _known_digests(pipe, weights: Sequence[str] | None) -> dict[tuple[str, str], str | None]:
    """Return the digests of adapters and words that are known of these weights, to be added to."""
    if weights is None:
        weights = [weights_digest(uncompiled(getattr(pipe, part))) for part in ADAPTED]
    unet = uncompiled(pipe.unet)
    known_weights, known = _digests.get(unet, (None, {}))
    if known_weights != list(weights):
        known = {}
        _digests[unet] = list(weights), known
    return known


def _tensors_of_adapter(pipe, name: str) -> list[torch.Tensor]:
    """Return all tensors of an adapter: those of the wrapped layers that are in a table under its name."""
    found = []
    for part in ADAPTED:
        for _, layer in layers_with_adapters(getattr(pipe, part)):
            tensors = (*layer.named_parameters(), *layer.named_buffers())
            own = [(place, tensor) for place, tensor in tensors if not place.startswith("base_layer.")]
            found += [tensor for place, tensor in own if name in place.split(".")[1:]]
    return found


def _adapter_digest(pipe, name: str, known: dict[tuple[str, str], str | None]) -> str | None:
    if ("adapter", name) not in known:
        known["adapter", name] = _digest_of(_tensors_of_adapter(pipe, name))
    return known["adapter", name]


def _digest_of(tensors: list[torch.Tensor]) -> str | None:
    return None if any(tensor.is_meta for tensor in tensors) else tensors_digest(tensors)


def _numbers(tensor: torch.Tensor) -> bytes:
    """Return a digest of a tensor's numbers and shape, without the zeros at the end of its first two dimensions."""
    values = tensor.detach().float().cpu()
    for dimension in range(min(2, values.ndim)):
        used = values.ne(0).movedim(dimension, 0).flatten(1).any(1).nonzero()
        values = values.narrow(dimension, 0, int(used.max()) + 1 if len(used) else 0)
    return sha256(repr(tuple(values.shape)).encode() + values.contiguous().numpy().tobytes()).digest()
