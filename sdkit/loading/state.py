"""What a pipeline is at this moment: everything that changes its pictures, in short digests.

The files of a checkpoint say what a pipeline was when it was loaded. Adapters and their strengths, FreeU,
tiling, another padding, a changed configuration, weights edited in place: all of these change pictures and
live in attributes. They are read afresh at each call, since neither an attribute nor `tensor.data` tells
anyone when it changes.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import sha256
from types import FunctionType
from typing import Any
from weakref import WeakKeyDictionary

from sdkit.schedulers import try_steps

_DIGITS = 8  # of a digest
_SAMPLES = 64  # numbers of a large tensor that its digest reads, beside the sums over its rows
_SMALL = 2048  # up to so many numbers of a tensor are read one by one
_HOOKS = ("_forward_hooks", "_forward_pre_hooks")
_SCHEDULER_TENSORS = ("betas", "alphas_cumprod", "final_alpha_cumprod")
_TOKENIZER_STEPS = ("normalizer", "pre_tokenizer", "post_processor")
_LIBRARIES = {"torch", "diffusers", "transformers", "peft", "accelerate"}
_CODE = _LIBRARIES | {"huggingface_hub", "tokenizers"} | sys.stdlib_module_names  # what their methods may come from
# Where something was loaded from, and what diffusers and transformers note for themselves.
_NO_EFFECT = {
    "_internal_dict",
    "_name_or_path",
    "name_or_path",
    "_class_name",  # the class itself is looked at
    "_diffusers_version",
    "_use_default_values",
    "_is_hf_initialized",
    # What torch.compile leaves on what it compiles.
    "_is_torch_compile",
    "_compiled_call_impl",
    "get_compiler_config",
}
_last_digests: WeakKeyDictionary = WeakKeyDictionary()  # module -> digest of its weights
_vocabularies: WeakKeyDictionary = WeakKeyDictionary()  # tokenizer -> (number of its words, digest of them)


@dataclass(frozen=True)
class State:
    """What a pipeline is at this moment.

    `parts` maps each part to digests of its class, weights and configuration and of each attribute of its
    modules, by name: {"unet": {"class": "0f3a91c2", "weights": ..., "padding_mode": ...}, ...}. `unknown` says in
    words what changes pictures in a way that cannot be read off, such as a hook.
    """

    parts: dict[str, dict[str, str]]
    unknown: tuple[str, ...] = ()


Digests = Mapping[str, Mapping[str, str]]  # part -> what of it -> digest


def changes(then: Digests, now: Digests) -> list[str]:
    """Return in words what differs between two `State.parts`, such as "unet weights" or "safety_checker taken out"."""
    found = []
    for part in sorted({*then, *now}):
        before, after = then.get(part), now.get(part)
        if before is None or after is None:
            found.append(f"{part} {'added' if before is None else 'taken out'}")
        else:
            names = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
            found += [f"{part} {name}" for name in names]
    return found


def state_of(pipe) -> State:
    """Return what a pipeline is at this moment, all its weights read."""
    # What begins with an underscore is what a pipeline keeps of its last call.
    own = {name: _plain(value) for name, value in vars(pipe).items() if not name.startswith("_")}
    plain = {name: value for name, value in own.items() if value is not _NOT_PLAIN and name not in pipe.components}
    parts = {"pipeline": {"class": _digest(_class_name(pipe)), "attributes": _digest(sorted(plain.items()))}}
    parts["pipeline"] |= _autocast(pipe)
    unknown = [f"the pipeline has {reason}" for reason in _own_code(pipe)]
    for name, part in pipe.components.items():
        if part is None:
            continue
        unknown += [f"{name} has {reason}" for reason in _own_code(uncompiled(part))]
        if hasattr(part, "named_modules"):
            part = uncompiled(part)
            modules = _modules_of(part)
            classes = sorted({_class_name(module) for _, module in modules})
            parts[name] = {"class": _digest(classes), "weights": weights_digest(part), **_attributes_of(modules)}
            unknown += [f"{name} has {reason}" for reason in _unreadable(modules)]
        else:
            parts[name] = {"class": _digest(_class_name(part))}
        parts[name] |= _configuration(part)
    if _has_global_hooks():
        unknown.append("torch has a hook on all modules")
    return State(parts, tuple(unknown))


def uncompiled(module):
    """Return the module that `torch.compile` has wrapped, or the module itself."""
    # A module's own lookup of attributes that are not there is slow.
    return getattr(module, "__dict__", {}).get("_modules", {}).get("_orig_mod", module)


def _modules_of(part) -> list[tuple[str, Any]]:
    """Return (place, module) of a part and all in it, without the wrappers of `torch.compile`."""
    modules = [(plain_name(place), module) for place, module in part.named_modules()]
    return [(place, module) for place, module in modules if uncompiled(module) is module]


def plain_name(place: str) -> str:
    """Return where a module or tensor is, without the wrappers of `torch.compile`."""
    return place.replace("_orig_mod.", "").removesuffix("._orig_mod") if "_orig_mod" in place else place


def _is_compiled(module, name: str, value: Any) -> bool:
    """Say whether an attribute is the module's own method, such as `forward`, compiled by `torch.compile`."""
    original, method = getattr(value, "_torchdynamo_orig_callable", None), getattr(type(module), name, None)
    return original is not None and method is not None and original == method.__get__(module)


def weights_digest(module) -> str:
    """Return 8 hex digits of a module's parameters and buffers: names, shapes, samples, and sums of the bits of rows.

    The bits are summed as whole numbers, so that no order of summing matters; small tensors are read whole. Weights
    that are offloaded layer by layer cannot be read, and so not be changed either: they keep their last digest.
    """
    import torch

    tensors = sorted(_tensors_of(module).items())
    if any(tensor.is_meta for _, tensor in tensors):
        return _last_digests.get(module, "unread")
    digest = sha256(repr([(name, tuple(tensor.shape), str(tensor.dtype)) for name, tensor in tensors]).encode())
    values = [tensor.detach() for _, tensor in tensors if tensor.numel()]
    read = [_numbers_read(value) for value in values]
    for dtype in sorted({numbers.dtype for numbers in read}, key=str):
        same = torch.cat([numbers for numbers in read if numbers.dtype == dtype])
        digest.update(same.cpu().view(torch.uint8).numpy().tobytes())
    sums = [_sums_of_rows(value) for value in values if value.numel() > _SMALL]
    if sums:
        digest.update(torch.cat(sums).cpu().numpy().tobytes())
    _last_digests[module] = digest.hexdigest()[:_DIGITS]
    return _last_digests[module]


def _tensors_of(module) -> dict[str, Any]:
    """Return a module's parameters and buffers by name, each once; torch's own two walks take twice as long."""
    found, seen = {}, set()
    for place, inner in module.named_modules():
        for name, tensor in (*inner._parameters.items(), *inner._buffers.items()):
            if tensor is not None and id(tensor) not in seen:
                seen.add(id(tensor))
                found[plain_name(f"{place}.{name}" if place else name)] = tensor
    return found


def _numbers_read(values):
    """Return the numbers of a tensor that are read one by one, in one dimension."""
    flat = values.flatten()
    return flat if flat.numel() <= _SMALL else flat[:: flat.numel() // _SAMPLES]


def _sums_of_rows(values):
    """Return the sum of the bits of each row of a tensor as int64; eight bytes are read at a time where they fit."""
    import torch

    rows = values.flatten(1) if values.ndim > 1 else values[None]
    rows = rows.contiguous()
    words = rows.view(torch.int64) if rows.shape[1] * rows.element_size() % 8 == 0 else rows.view(torch.uint8)
    return words.sum(1, dtype=torch.int64)


@cache
def _own_attributes() -> frozenset[str]:
    """Return the attributes that every PyTorch module has; `training` alone of them changes pictures."""
    from torch import nn

    return frozenset(vars(nn.Module())) - {"training"} | _NO_EFFECT


def _attributes_of(modules) -> dict[str, str]:
    """Return a digest of each attribute by name, over all (place, module) in which it has a plain value."""
    found: dict[str, list] = {}
    own = _own_attributes()
    for place, module in modules:
        for name, value in vars(module).items():
            if value is None or name in own:  # switched off is as never switched on
                continue
            if type(value) not in _SCALARS:
                if callable(value) and _is_compiled(module, name, value):
                    continue
                value = _plain(value)
                if value is _NOT_PLAIN or value is None:
                    continue
            found.setdefault(name, []).append((place, value))
    return {name: _digest(values) for name, values in sorted(found.items())}


_NOT_PLAIN = object()
_SCALARS = {bool, int, float, str}


def _plain(value: Any):
    """Return a value whose repr tells it whole, such as numbers and texts, lists and dictionaries of them.

    A function stands for itself by its name, an attention processor by its class and its own plain attributes.
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        values = [_plain(entry) for entry in value]
        return _NOT_PLAIN if any(entry is _NOT_PLAIN for entry in values) else values
    if isinstance(value, Mapping):
        entries = {str(key): _plain(entry) for key, entry in value.items() if key not in _NO_EFFECT}
        return sorted((key, entry) for key, entry in entries.items() if entry is not _NOT_PLAIN)
    if type(value).__module__ == "torch":
        return str(value) if type(value).__name__ in ("dtype", "device") else _NOT_PLAIN
    if callable(value) and hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    if _is_processor(value):
        return _class_name(value), sorted(
            (name, _plain(entry)) for name, entry in vars(value).items() if _plain(entry) is not _NOT_PLAIN
        )
    return _NOT_PLAIN


def _is_processor(value):
    return hasattr(value, "__dict__") and type(value).__name__.endswith("Processor")


def _class_name(thing) -> str:
    return f"{type(thing).__module__}.{type(thing).__qualname__}"


def _digest(value: Any) -> str:
    return sha256(repr(value).encode()).hexdigest()[:_DIGITS]


def _configuration(part) -> dict[str, str]:
    """Return digests of a part's configuration, a tokenizer's length and own tokens, and a scheduler's tables."""
    found = {}
    config = getattr(part, "config", None)
    if config is not None:
        config = config.to_dict() if hasattr(config, "to_dict") else config
        found["config"] = _digest(_plain(dict(config)))
    if hasattr(part, "added_tokens_encoder"):
        tokens = len(part), part.model_max_length, part.padding_side, sorted(part.added_tokens_encoder.items())
        found["tokens"] = _digest((*tokens, part.truncation_side, sorted(part.special_tokens_map.items())))
        found |= _tokenizer_steps(part) | {"vocabulary": _vocabulary(part)}
    if hasattr(part, "set_timesteps"):
        found |= _changed_tables(part)
    return found


def _tokenizer_steps(tokenizer) -> dict[str, str]:
    """Return digests of what a fast tokenizer does besides looking up its words; {} for a slow one."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    steps = {name: getattr(backend, name, None) for name in _TOKENIZER_STEPS}
    return {name: sha256(step.__getstate__()).hexdigest()[:_DIGITS] for name, step in steps.items() if step is not None}


def _vocabulary(tokenizer) -> str:
    """Return a digest of a tokenizer's words with their numbers, worked out once for each tokenizer."""
    known = _vocabularies.get(tokenizer)
    if known is None or known[0] != len(tokenizer):
        known = len(tokenizer), _digest(sorted(tokenizer.get_vocab().items()))
        _vocabularies[tokenizer] = known
    return known[1]


@lru_cache(maxsize=32)
def _usual(kind: Any, config: str) -> dict[str, Any]:
    """Return the tables and plain attributes of a scheduler of a class with a configuration, as JSON.

    Left out are the attributes that planning and making steps changes: the next call plans them anew. Some classes
    take long to make.
    """
    try:
        scheduler = kind.from_config(json.loads(config))
        before, tables = _scheduler_attributes(scheduler), _tables(scheduler)
        scheduler.set_timesteps(2)
        if hasattr(scheduler, "set_begin_index"):  # image to image and inpainting say where they begin
            scheduler.set_begin_index(0)
        try_steps(scheduler, scheduler.timesteps)
    except Exception:  # of one that cannot work, which the checks of a call tell
        return {}
    after, tables_after = [_scheduler_attributes(scheduler)], _tables(scheduler)
    if "timesteps" in inspect.signature(scheduler.set_timesteps).parameters:
        with suppress(Exception):  # some take none with this configuration, each in its own words
            scheduler.set_timesteps(timesteps=scheduler.timesteps.tolist())
            after.append(_scheduler_attributes(scheduler))
    steady = {
        name: value for name, value in before.items() if all(later.get(name, _NOT_PLAIN) == value for later in after)
    }
    return steady | {
        name: table for name, table in tables.items() if name in tables_after and table.equal(tables_after[name])
    }


def _tables(scheduler) -> dict[str, Any]:
    found: dict[str, Any] = {name: getattr(scheduler, name, None) for name in _SCHEDULER_TENSORS}
    return {name: table.detach().clone().cpu() for name, table in found.items() if hasattr(table, "detach")}


def _scheduler_attributes(scheduler) -> dict[str, Any]:
    plain = {name: _plain(value) for name, value in vars(scheduler).items() if name not in _NO_EFFECT}
    return {name: value for name, value in plain.items() if value is not _NOT_PLAIN}


def _changed_tables(scheduler) -> dict[str, str]:
    """Return digests of a scheduler's tables and attributes that are not those that its configuration makes."""
    config = {name: value for name, value in scheduler.config.items() if not name.startswith("_")}
    kind: Any = type(scheduler)
    usual, found = _usual(kind, json.dumps(config, default=_listed)), {}
    now = _scheduler_attributes(scheduler)
    plain = {name: now.get(name) for name, value in usual.items() if name not in _SCHEDULER_TENSORS}
    changed = {name: value for name, value in plain.items() if value != usual[name]}
    if changed:
        found["attributes"] = _digest(sorted(changed.items()))
    for name, table in _tables(scheduler).items():
        if name in usual and not table.equal(usual[name]):
            found[name] = _digest(table.tolist())
    return found


def _listed(value):
    """Return an array or tensor of a configuration as JSON can hold it."""
    return value.tolist() if hasattr(value, "tolist") else list(value)


def _own_code(part) -> list[str]:
    """Return in words what code of a pipeline or one of its parts is not the libraries', and so may be changed."""
    kind = type(part)
    if not _is_of_libraries(kind):
        return [f"a class of its own, {kind.__name__}"]
    patched = [f"a replaced {kind.__name__}.{name}" for name in _patched_methods(kind)]
    return patched + [f"a {name} of its own" for name in _replaced_methods(part)]


def _replaced_methods(part) -> list[str]:
    """Return the names of methods that an object has in the place of its class's; a module's forward: `_unreadable`."""
    own = [(name, value) for name, value in vars(part).items() if callable(value) and name not in _NO_EFFECT]
    replaced = [(name, value) for name, value in own if callable(getattr(type(part), name, None))]
    if not hasattr(part, "named_modules"):
        return [name for name, _ in replaced]
    return [name for name, value in replaced if name != "forward" and not _is_compiled(part, name, value)]


def _patched_methods(kind: type) -> list[str]:
    """Return the names of methods of a class of the libraries that were replaced by functions from elsewhere."""
    bases = [base for base in kind.__mro__ if base.__module__.partition(".")[0] in ("diffusers", "transformers")]
    functions = [(name, value) for base in bases for name, value in vars(base).items() if type(value) is FunctionType]
    return [name for name, value in functions if _is_from_elsewhere(value)]


def _autocast(pipe) -> dict[str, str]:
    """Return a digest of the number format of torch.autocast where the UNet is; {} outside of it."""
    import torch

    kind = next(pipe.unet.parameters()).device.type
    return {"autocast": _digest(str(torch.get_autocast_dtype(kind)))} if torch.is_autocast_enabled(kind) else {}


def _has_global_hooks() -> bool:
    from torch.nn.modules import module

    return bool(module._global_forward_hooks or module._global_forward_pre_hooks)


def _is_of_libraries(kind: type) -> bool:
    return kind.__module__.split(".")[0] in _LIBRARIES


def _is_from_elsewhere(function: Any) -> bool:
    """Say whether a function comes from other code than the libraries', as far as it tells where it is from."""
    return (getattr(function, "__module__", None) or "builtins").partition(".")[0] not in _CODE


def _unreadable(modules) -> list[str]:
    """Return in words what changes a module's work and cannot be read: hooks, replaced functions, own processors."""
    processors = [(place, module, _processor_of(module)) for place, module in modules]
    kinds = {type(module): "forward" for _, module in modules}
    kinds |= {type(processor): "__call__" for _, _, processor in processors if processor is not None}
    known = [(kind, method) for kind, method in kinds.items() if _is_of_libraries(kind)]
    replaced = [(kind, method) for kind, method in known if _is_from_elsewhere(getattr(kind, method, None))]
    reasons = [f"a replaced {kind.__name__}.{method}" for kind, method in replaced]
    layers = {type(module) for _, module in modules}
    reasons += sorted(f"a layer of another class, {kind.__name__}" for kind in layers if not _is_of_libraries(kind))
    for place, module, processor in processors:
        where = f" at {place}" if place else ""
        own = vars(module)  # a module's own lookup of attributes that are not there is slow
        if any(own.get(hooks) for hooks in _HOOKS):
            reasons.append(f"a hook{where}")
        forward, is_offloaded = own.get("forward"), "_hf_hook" in own  # accelerate's, which move weights and no more
        if forward is not None and not is_offloaded and not _is_compiled(module, "forward", forward):
            reasons.append(f"a forward of its own{where}")
        if processor is not None and not _class_name(processor).startswith("diffusers."):
            reasons.append(f"an attention processor of its own{where}, {type(processor).__name__}")
    return reasons


def _processor_of(module):
    """Return a layer's attention processor, which may be a module itself; None where there is none."""
    return vars(module).get("processor") or module._modules.get("processor")
