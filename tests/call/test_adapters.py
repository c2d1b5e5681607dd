"""The strength of LoRA adapters, and texts with tokens of textual inversion."""

import numpy as np
import pytest
import torch

import sdkit
from sdkit import NoEffectWarning, generate, sweep
from sdkit.call.generate import check_call

CALL = {"prompt": "a cat", "num_inference_steps": 2}


@pytest.fixture(scope="module")
def with_lora():
    """Return a pipeline with a LoRA adapter, "thing", that changes its pictures."""
    peft = pytest.importorskip("peft")
    pipe = sdkit.load_pipeline()
    layers = ["to_q", "to_k", "to_v", "to_out.0"]
    pipe.unet.add_adapter(
        peft.LoraConfig(r=2, lora_alpha=2, init_lora_weights="gaussian", target_modules=layers), "thing"
    )
    noise = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, weight in pipe.unet.named_parameters():
            if "lora_B" in name:
                weight.copy_(torch.randn(weight.shape, generator=noise) * 0.3)
    return pipe


@pytest.fixture(autouse=True)
def as_before(request):
    """Put the adapter back to what it was."""
    yield
    if "with_lora" in request.fixturenames:
        pipe = request.getfixturevalue("with_lora")
        pipe.unet.enable_adapters()
        pipe.unet.set_adapters(["thing"], [1.0])


@pytest.mark.parametrize("scale", [0.0, 0.5, 1])
def test_the_scale_of_an_adapter_is_that_of_the_bare_call(with_lora, scale):
    bare = with_lora(**CALL, generator=sdkit.generator(1), cross_attention_kwargs={"scale": scale}).images[0]
    shot = generate(with_lora, **CALL, seed=1, cross_attention_kwargs={"scale": scale})[0]
    assert np.array_equal(shot.image, bare)
    assert shot.settings["cross_attention_kwargs"] == {"scale": scale}
    plain = generate(with_lora, **CALL, seed=1)[0].image
    assert np.array_equal(shot.image, plain) == (scale == 1)


NOT_IN_USE = 'cross_attention_kwargs holds "scale", the strength of a LoRA, and none is in use; call'


def test_the_scale_without_an_adapter_is_refused(pipe):
    with pytest.raises(ValueError, match=NOT_IN_USE):
        check_call(pipe, {**CALL, "cross_attention_kwargs": {"scale": 0.5}})


def test_the_scale_of_an_adapter_that_is_off_is_refused(with_lora):
    with_lora.unet.disable_adapters()
    with pytest.raises(ValueError, match=NOT_IN_USE):
        check_call(with_lora, {**CALL, "cross_attention_kwargs": {"scale": 0.5}})


def test_a_folder_tells_strengths_apart(with_lora, tmp_path):
    first = sweep(with_lora, seed=[1], folder=tmp_path, **CALL)[0]
    with_lora.unet.set_adapters(["thing"], [0.3])
    second = sweep(with_lora, seed=[1], folder=tmp_path, **CALL)[0]
    fresh = generate(with_lora, seed=1, **CALL)[0]
    assert np.array_equal(second.image, fresh.image) and not np.array_equal(first.image, second.image)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("scale", ["0.5", None, True, float("nan"), float("inf")])
def test_a_scale_that_is_no_number_is_refused(with_lora, scale):
    with pytest.raises(ValueError, match='cross_attention_kwargs holds "scale": .*; give a number'):
        check_call(with_lora, {**CALL, "cross_attention_kwargs": {"scale": scale}})


def test_other_names_are_refused_beside_an_adapter_too(with_lora):
    with pytest.raises(ValueError, match="cross_attention_kwargs holds 'strength'"):
        check_call(with_lora, {**CALL, "cross_attention_kwargs": {"scale": 0.5, "strength": 0.5}})


def test_a_scale_of_zero_is_refused_where_it_would_change_the_strength_for_good(with_lora):
    with_lora.unet.set_adapters(["thing"], [0.3])
    with pytest.raises(ValueError, match="would leave all adapters at strength 1"):
        check_call(with_lora, {**CALL, "cross_attention_kwargs": {"scale": 0}})
    check_call(with_lora, {**CALL, "cross_attention_kwargs": {"scale": 0.5}})


def test_tokens_of_textual_inversion_count_as_many_as_they_stand_for():
    pipe = sdkit.load_pipeline()
    width = pipe.text_encoder.config.hidden_size
    pipe.load_textual_inversion({"<blob>": torch.randn(3, width) * 0.02}, token="<blob>")
    check_call(pipe, {**CALL, "prompt": "<blob> " * 25}, ineffective="raise")  # 75 tokens
    with pytest.warns(NoEffectWarning, match="the end of prompt has no effect: beyond 75 tokens, .*red"):
        check_call(pipe, {**CALL, "prompt": "<blob> " * 25 + "red"})


def test_a_token_of_textual_inversion_may_look_like_a_mark_of_other_programs():
    pipe = sdkit.load_pipeline()
    pipe.load_textual_inversion({"[V]": torch.zeros(1, pipe.text_encoder.config.hidden_size)}, token="[V]")
    check_call(pipe, {**CALL, "prompt": "a [V] dog"}, ineffective="raise")
