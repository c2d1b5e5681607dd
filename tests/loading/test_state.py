"""Whatever changes a pipeline's pictures changes its state, or is said to be unknown."""

import copy
from contextlib import ExitStack

import pytest
import tokenizers
import torch
from diffusers.models.attention_processor import AttnProcessor2_0

from sdkit import generate, load_pipeline, sweep
from sdkit.loading.provenance import origin_of
from sdkit.loading.state import changes, state_of
from sdkit.record.png import digest
from sdkit.schedulers import scheduler_named


@pytest.fixture(scope="module")
def own():
    """Load a pipeline that may be changed."""
    return load_pipeline()


MISSING = object()


def restore(thing, name, value):
    if value is MISSING:
        delattr(thing, name)
    else:
        setattr(thing, name, value)


def set_attribute(thing, name, value):
    def switch(undo):
        undo.callback(restore, thing, name, getattr(thing, name, MISSING))
        setattr(thing, name, value)

    return switch


def set_config(part, **changed):
    def switch(undo):
        undo.callback(part.register_to_config, **{name: part.config[name] for name in changed})
        part.register_to_config(**changed)

    return switch


def edit(tensor, change):
    def switch(undo):
        undo.callback(tensor.copy_, tensor.clone())
        change(tensor)

    return switch


def double_in_numpy(tensor):
    view = tensor.numpy()
    view *= 2


def nudge(tensor):
    tensor.view(-1)[1] += 1e-4  # a number that no sample reads


def nudge_every_second(tensor):
    tensor[..., 1::2] += 0.01


def freeu(pipe):
    def switch(undo):
        undo.callback(pipe.disable_freeu)
        pipe.enable_freeu(s1=0.9, s2=0.2, b1=1.2, b2=1.4)

    return switch


def hook(module):
    return lambda undo: undo.callback(module.register_forward_hook(lambda *given: None).remove)


def own_forward(module):
    def switch(undo):
        undo.callback(delattr, module, "forward")
        module.forward = lambda sample: sample

    return switch


def own_processor(unet):
    kind = type(next(iter(unet.attn_processors.values())))

    def switch(undo):
        undo.callback(unet.set_attn_processor, unet.attn_processors)
        unet.set_attn_processor(type(kind.__name__, (kind,), {})())

    return switch


def safety_checker(pipe):
    def switch(undo):
        undo.callback(pipe.register_modules, safety_checker=None)
        pipe.register_modules(safety_checker=pipe.vae)  # any module will do: it is only looked at

    return switch


def own_method(thing, name):
    """Give a part a method of its own, as somebody who tries something would."""

    def switch(undo):
        method = getattr(thing, name)
        undo.callback(delattr, thing, name)
        setattr(thing, name, lambda *given, **named: method(*given, **named))

    return switch


def patched_class(kind, name):
    def switch(undo):
        method = getattr(kind, name)
        undo.callback(setattr, kind, name, method)
        setattr(kind, name, lambda *given, **named: method(*given, **named))

    return switch


def hook_on_everything(undo):
    undo.callback(torch.nn.modules.module.register_module_forward_hook(lambda *given: None).remove)


def normalizer(pipe):
    backend = pipe.tokenizer.backend_tokenizer
    return set_attribute(backend, "normalizer", tokenizers.normalizers.Lowercase())


def autocast(undo):
    undo.enter_context(torch.autocast("cpu", torch.bfloat16))


def swap_rows(weight):
    weight[[300, 301]] = weight[[301, 300]]


def own_class(thing):
    """Let an object be of a class that a cell defines, and so may define anew."""

    def switch(undo):
        kind = type(thing)
        undo.callback(setattr, thing, "__class__", kind)
        thing.__class__ = type(kind.__name__, (kind,), {"__module__": "__main__"})

    return switch


def another_vocabulary(pipe):
    def switch(undo):
        undo.callback(setattr, pipe, "tokenizer", pipe.tokenizer)
        pipe.tokenizer = copy.deepcopy(pipe.tokenizer)
        words = {**pipe.tokenizer.get_vocab()}
        cat, dog = (next(word for word in words if word.startswith(part)) for part in ("cat", "dog"))
        words[cat], words[dog] = words[dog], words[cat]
        model = pipe.tokenizer.backend_tokenizer.model
        pipe.tokenizer.backend_tokenizer.model = tokenizers.models.WordLevel(words, unk_token=model.unk_token or cat)

    return switch


SWITCHES = {
    "FreeU": freeu,
    "tiling": lambda pipe: set_attribute(pipe.vae, "use_tiling", True),
    "slicing": lambda pipe: set_attribute(pipe.vae, "use_slicing", True),
    "seamless UNet": lambda pipe: set_attribute(pipe.unet.conv_in, "padding_mode", "circular"),
    "seamless VAE": lambda pipe: set_attribute(pipe.vae.decoder.conv_out, "padding_mode", "circular"),
    "dilation": lambda pipe: set_attribute(pipe.unet.conv_out, "dilation", (2, 2)),
    "epsilon": lambda pipe: set_attribute(pipe.unet.conv_norm_out, "eps", 1e-2),
    "dropout on": lambda pipe: set_attribute(pipe.text_encoder, "training", True),
    "scaling factor": lambda pipe: set_config(pipe.vae, scaling_factor=0.5),
    "sample size": lambda pipe: set_config(pipe.unet, sample_size=8),
    "steps offset": lambda pipe: set_config(pipe.scheduler, steps_offset=0),
    "tables": lambda pipe: set_attribute(pipe.scheduler, "alphas_cumprod", pipe.scheduler.alphas_cumprod * 0.9),
    "one number": lambda pipe: edit(pipe.unet.conv_in.weight.data, nudge),
    "data": lambda pipe: edit(pipe.vae.decoder.conv_in.weight.data, lambda weight: weight.mul_(1.0001)),
    "numpy": lambda pipe: edit(pipe.vae.decoder.conv_in.weight.data, double_in_numpy),
    "every second": lambda pipe: edit(pipe.text_encoder.get_input_embeddings().weight.data, nudge_every_second),
    "tokens": lambda pipe: set_attribute(pipe.tokenizer, "model_max_length", 16),
    "padding side": lambda pipe: set_attribute(pipe.tokenizer, "padding_side", "left"),
    "autocast": lambda pipe: autocast,
    "swapped rows": lambda pipe: edit(pipe.text_encoder.get_input_embeddings().weight.data, swap_rows),
    "vocabulary": another_vocabulary,
    "attribute of the scheduler": lambda pipe: set_attribute(pipe.scheduler, "init_noise_sigma", 0.7),
    "dictionary": lambda pipe: set_attribute(pipe.unet.conv_in, "_kept", {"ratio": 1.0, "generator": object()}),
    "padding token": lambda pipe: set_attribute(pipe.tokenizer, "pad_token", "!"),
    "normalizer": normalizer,
    "factor": lambda pipe: set_attribute(pipe, "vae_scale_factor", 4),
    "safety checker": safety_checker,
    "hook": lambda pipe: hook(pipe.unet),
    "hook inside": lambda pipe: hook(pipe.vae.decoder.conv_in),
    "own forward": lambda pipe: own_forward(pipe.unet.conv_in),
    "own processor": lambda pipe: own_processor(pipe.unet),
    "own method": lambda pipe: own_method(pipe.scheduler, "scale_model_input"),
    "own step": lambda pipe: own_method(pipe.scheduler, "step"),
    "own decode": lambda pipe: own_method(pipe.vae, "decode"),
    "own encode_prompt": lambda pipe: own_method(pipe, "encode_prompt"),
    "patched decode": lambda pipe: patched_class(type(pipe.vae), "decode"),
    "own pipeline class": lambda pipe: own_class(pipe),
    "own scheduler class": lambda pipe: own_class(pipe.scheduler),
    "own UNet class": lambda pipe: own_class(pipe.unet),
    "checker that is a function": lambda pipe: set_attribute(pipe, "safety_checker", lambda images, **given: images),
    "patched layer": lambda pipe: patched_class(torch.nn.GroupNorm, "forward"),
    "patched processor": lambda pipe: patched_class(AttnProcessor2_0, "__call__"),
    "hook on everything": lambda pipe: hook_on_everything,
}
UNKNOWN = (
    "hook", "hook inside", "own forward", "own processor", "own method", "own step", "patched layer",
    "patched processor", "hook on everything", "own decode", "own encode_prompt", "patched decode",
    "own pipeline class", "own scheduler class", "own UNet class", "checker that is a function",
)  # fmt: skip


@pytest.mark.parametrize("name", SWITCHES)
def test_each_switch_changes_the_name_of_pictures_or_is_unknown(own, name, tmp_path):
    before = origin_of(own)
    with ExitStack() as undo:
        SWITCHES[name](own)(undo)
        after = origin_of(own)
        assert digest({}, after) != digest({}, before)
        assert bool(after.unknown) == (name in UNKNOWN)
        if after.unknown:
            with pytest.raises(ValueError, match="cannot be described whole: .*leave out folder"):
                sweep(own, "a cat", seed=[1, 2], num_inference_steps=1, folder=tmp_path)
        else:
            assert changes(before.state, after.state)
    assert origin_of(own) == before


def test_calls_and_panels_leave_the_state_as_it_is(own):
    before = state_of(own)
    generate(own, "a cat", num_inference_steps=2)
    sweep(own, "a cat", scheduler=["DDIM", "Euler a"], num_inference_steps=1)
    own("a cat", num_inference_steps=1)
    assert state_of(own) == before


@pytest.mark.parametrize("name", ["DDPM", "LCM", "TCD"])
def test_a_call_with_own_timesteps_leaves_the_state_as_it_is(own, name):
    with ExitStack() as undo:
        set_attribute(own, "scheduler", scheduler_named(name, own.scheduler))(undo)
        before = state_of(own)
        own("a cat", timesteps=[999, 499])
        assert state_of(own) == before


def test_a_callback_that_changes_the_pipeline_is_told(own):
    def edit_weights(pipe, index, timestep, tensors):
        if index == 1:
            edit(pipe.vae.decoder.conv_in.weight.data, double_in_numpy)(undo)
        return tensors

    with ExitStack() as undo:
        shot = generate(own, "a cat", num_inference_steps=3, callback_on_step_end=edit_weights)[0]
    assert shot.origin.unknown == ("a change on the way, of vae weights",)
    shot = generate(own, "a cat", num_inference_steps=3, callback_on_step_end=lambda pipe, i, t, tensors: tensors)[0]
    assert not shot.origin.unknown


def test_changes_are_told_by_part_and_name(own):
    before = state_of(own).parts
    with ExitStack() as undo:
        set_attribute(own.unet.conv_in, "padding_mode", "circular")(undo)
        edit(own.vae.decoder.conv_in.weight.data, double_in_numpy)(undo)
        assert changes(before, state_of(own).parts) == ["unet padding_mode", "vae weights"]
    without = {name: part for name, part in before.items() if name != "tokenizer"}
    assert changes(before, without) == ["tokenizer taken out"] and changes(without, before) == ["tokenizer added"]


def test_a_part_without_a_dictionary_is_told_as_one_of_a_class_of_its_own(own, monkeypatch):
    class Bare:
        __slots__ = ()

    components = {**own.components, "feature_extractor": Bare()}
    monkeypatch.setattr(type(own), "components", property(lambda pipe: components))
    assert state_of(own).unknown == ("feature_extractor has a class of its own, Bare",)
