"""The adapters and words of a record, put into a pipeline while its picture is made again.

A record tells hashes and no files. Files come from the caller, are read as safetensors and as nothing else, and are
used only if their numbers have a recorded hash.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdkit.loading.adapters import (
    ADAPTED,
    all_layers,
    layers_with_adapters,
    loaded_adapters,
    tensors_digest,
    words_of,
)
from sdkit.loading.parts import first_line
from sdkit.loading.state import uncompiled
from sdkit.parameters import short
from sdkit.quiet import quiet
from sdkit.record.picture_file import file_at
from sdkit.shot import Adapter, Origin

if TYPE_CHECKING:
    import torch

_SHOWN = 12  # digits of a hash in messages


@contextmanager
def as_recorded(
    pipe, origin: Origin, texts: str, adapters: Sequence[str | Path], embeddings: Sequence[str | Path], name: str
) -> Iterator[None]:
    """Let a pipeline have the adapters of a record, at their strengths, and its words, and put all back afterwards.

    `pipe` is a pipeline of our own over the parts of the caller's. What it lacks is loaded from the files in
    `adapters` and `embeddings`; of the words only those in `texts` are needed. `name` is the picture's for messages.
    Raises ValueError for what is missing, for files with other numbers, and for names that others have here;
    FileNotFoundError.
    """
    import torch

    dtype = getattr(torch, origin.dtype.removeprefix("torch."))
    lora_files = _by_digest(adapters, "adapters", lambda path: _lora_tensors(pipe, path), dtype)
    word_files = _by_digest(embeddings, "embeddings", _embedding, dtype)
    _check_recorded(lora_files, {key: entry.tensors for key, entry in origin.adapters.items()}, "adapter", name)
    _check_recorded(word_files, origin.words, "word", name)
    with ExitStack() as stack, torch.random.fork_rng(devices=[]):  # loading draws numbers for what it then replaces
        stack.enter_context(_adapters_put_back(pipe))
        _use_adapters(pipe, origin, lora_files, name)
        needed = {word: digest for word, digest in origin.words.items() if word in texts}
        if needed:
            stack.enter_context(_words_put_back(pipe))
        for word, digest in needed.items():
            _use_word(pipe, word, digest, word_files, origin.dtype, name)
        yield


Files = Mapping[str, Path]  # digest -> file


def _by_digest(paths: Sequence[str | Path], argument: str, read: Any, dtype: torch.dtype) -> dict[str, Path]:
    """Return files by the digests of their numbers, as they are and in the format of the recorded pipeline."""
    if isinstance(paths, (str, Path)) or not isinstance(paths, Sequence):
        raise TypeError(f"{argument} is {short(paths)}; give a list of files, such as [{str(paths)!r}].")
    found: dict[str, Path] = {}
    for entry in paths:
        path = file_at(entry)
        if path.suffix != ".safetensors":
            raise ValueError(f"{argument} holds {path.name!r}; give .safetensors: other files may hold code.")
        try:
            tensors = read(path)
        except Exception as error:  # safetensors, diffusers and torch each have kinds of their own
            raise ValueError(f"{argument} holds {path.name!r}, which cannot be read: {first_line(error)}") from error
        for digest in (tensors_digest(tensors), tensors_digest(tensor.to(dtype) for tensor in tensors)):
            found[digest] = path
    return found


def _lora_tensors(pipe, path: Path) -> list[torch.Tensor]:
    with quiet():
        read = pipe.lora_state_dict(path.parent, weight_name=path.name, use_safetensors=True, local_files_only=True)
    tensors = read[0]  # without the alphas
    if not tensors or not all("lora" in name for name in tensors):
        raise ValueError("it is no LoRA.")
    return list(tensors.values())


def _embedding(path: Path) -> list[torch.Tensor]:
    """Return the rows of one word, shape (vectors, width), in a list."""
    from safetensors.torch import load_file

    tensors = load_file(path)
    if len(tensors) != 1:
        raise ValueError(f"it holds {len(tensors)} tensors; the file of a word holds one.")
    (rows,) = tensors.values()
    return [rows.reshape(-1, rows.shape[-1])]


def _check_recorded(files: Files, recorded: Mapping[str, str | None], kind: str, name: str) -> None:
    """Raise ValueError for a file whose numbers no entry of the record has."""
    known = {path for digest, path in files.items() if digest in recorded.values()}
    for digest, path in files.items():
        if path not in known:
            told = ", ".join(f"{entry} ({_start(recorded[entry])})" for entry in recorded) or "none"
            raise ValueError(
                f"{path.name} ({_start(digest)}) is no {kind} of {name}, whose record tells: {told}. The numbers in "
                "brackets are those of the tensors; names do not count."
            )


def _start(digest: str | None) -> str:
    return "not told" if digest is None else digest[:_SHOWN]


def _use_adapters(pipe, origin: Origin, files: Files, name: str) -> None:
    """Load what is missing, then let the recorded adapters alone be in use, at their strengths."""
    if any(layer.merged for layer in all_layers(pipe)):  # the weights were compared; there is nothing to set
        return
    names: dict[str, Adapter] = {}
    loaded = loaded_adapters(pipe)
    for recorded, adapter in origin.adapters.items():
        same = [other for other, digest in loaded.items() if digest is not None and digest == adapter.tensors]
        if same:
            names[same[0]] = adapter
        elif recorded in loaded and _cannot_compare(adapter.tensors, loaded[recorded], origin.dtype, pipe):
            names[recorded] = adapter
        elif adapter.tensors is None or adapter.tensors not in files:
            raise ValueError(
                f"{name} was made with the adapter {short(recorded)} (tensors {_start(adapter.tensors)}), which is not "
                'loaded; give its file, adapters=["....safetensors"], or call pipe.load_lora_weights(...) before and '
                "give pipe=."
            )
        else:
            _check_free(recorded, loaded, "adapter", f"pipe.delete_adapters({recorded!r})")
            _load_lora(pipe, files[adapter.tensors], recorded)
            names[recorded] = adapter
    _set_strengths(pipe, names)


def _use_word(pipe, word: str, digest: str | None, files: Files, dtype: str, name: str) -> None:
    known = words_of(pipe)
    if word in known and (known[word] == digest or _cannot_compare(digest, known[word], dtype, pipe)):
        return
    if digest is None or digest not in files:
        raise ValueError(
            f"{name} was made with the word {short(word)} (rows {_start(digest)}), which "
            f"{'has other rows here' if word in known else 'the tokenizer does not know'}; give its file, "
            'embeddings=["....safetensors"], or call pipe.load_textual_inversion(...) before and give pipe=.'
        )
    _check_free(word, pipe.tokenizer.get_vocab(), "word", f"pipe.unload_textual_inversion({word!r})")
    _load_word(pipe, word, _embedding(files[digest])[0])


def _cannot_compare(then: str | None, now: str | None, dtype: str, pipe) -> bool:
    """Say whether digests tell nothing: one is not known, or the same numbers are in another format here."""
    return then is None or now is None or str(pipe.unet.dtype) != dtype


def _check_free(name: str, taken: Iterable[str], kind: str, remedy: str) -> None:
    if name in taken:
        raise ValueError(f"this pipeline has another {kind} called {short(name)}; call {remedy} before.")


def _load_lora(pipe, path: Path, name: str) -> None:
    try:
        with quiet():
            pipe.load_lora_weights(
                path.parent, weight_name=path.name, adapter_name=name, use_safetensors=True, local_files_only=True
            )
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        raise ValueError(f"{path.name} cannot be loaded as the adapter {short(name)}: {first_line(error)}") from error


def _load_word(pipe, word: str, rows: torch.Tensor) -> None:
    try:
        with quiet():
            pipe.load_textual_inversion({word: rows}, token=word)
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        raise ValueError(f"the word {short(word)} cannot be loaded: {first_line(error)}") from error


def _set_strengths(pipe, adapters: Mapping[str, Adapter]) -> None:
    """Let these adapters be in use, and no other ones."""
    recorded = {name: adapter.strengths for name, adapter in adapters.items()}
    for part in ADAPTED:
        for place, layer in layers_with_adapters(getattr(pipe, part)):
            strengths = {
                name: table[key]
                for name, table in recorded.items()
                for key in (f"{part}.{place}", part)
                if name in layer.scaling and key in table
            }
            layer.enable_adapters(bool(strengths))
            if strengths:
                layer.set_adapter(list(strengths))
            for name, strength in strengths.items():
                layer.set_scale(name, strength)


@contextmanager
def _adapters_put_back(pipe) -> Iterator[None]:
    """Take out what was loaded meanwhile, and let the others be in use and trained as they were."""
    layers = [(layer, layer.active_adapters, layer.disable_adapters, dict(layer.scaling)) for layer in all_layers(pipe)]
    modules = [module for part in ADAPTED for module in uncompiled(getattr(pipe, part)).modules()]
    modes = [(module, module.training) for module in modules]
    trained = [(tensor, tensor.requires_grad) for layer, *_ in layers for tensor in layer.parameters()]
    names = set(loaded_adapters(pipe))
    try:
        yield
    finally:
        added = [name for name in loaded_adapters(pipe) if name not in names]
        with quiet():
            if added and not names:
                pipe.unload_lora_weights()
            elif added:
                pipe.delete_adapters(added)
        for layer, active, is_off, scaling in layers:
            layer.set_adapter(active)
            layer.enable_adapters(not is_off)
            layer.scaling.update(scaling)
        for tensor, is_trained in trained:
            tensor.requires_grad_(is_trained)
        for module, mode in modes:
            module.training = mode


@contextmanager
def _words_put_back(pipe) -> Iterator[None]:
    """Let words be added to copies of the tokenizer and of the text encoder's table of rows, and put those back."""
    encoder, tokenizer = pipe.text_encoder, pipe.tokenizer
    table, config, size = encoder.get_input_embeddings(), encoder.config, vars(encoder).get("vocab_size")
    count = config.vocab_size
    try:
        pipe.tokenizer = deepcopy(tokenizer)
        encoder.set_input_embeddings(deepcopy(table))
        yield
    finally:
        pipe.tokenizer = tokenizer
        encoder.set_input_embeddings(table)
        config.vocab_size = count
        vars(encoder).pop("vocab_size", None)  # where transformers notes it of a larger table
        if size is not None:
            encoder.vocab_size = size
