"""The strength of LoRA adapters, and texts with tokens of textual inversion."""

import numpy as np
import pytest
import torch

import sdkit
from sdkit import NoEffectWarning, generate, sweep
from sdkit.call.generate import check_call
from sdkit.loading.provenance import origin_of
from tests.adapters import add_lora

CALL = {"prompt": "a cat", "num_inference_steps": 2}


@pytest.fixture(scope="module")
def with_lora():
    """Return a pipeline with a LoRA adapter, "thing", that changes its pictures."""
    pipe = sdkit.load_pipeline()
    add_lora(pipe, "thing")
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


@pytest.mark.parametrize("scale", [0, 0.3, 0.7])
def test_a_scale_leaves_the_strength_as_it_was(with_lora, scale):
    with_lora.unet.set_adapters(["thing"], [0.3])
    before = origin_of(with_lora)
    generate(with_lora, **CALL, lora_scale=scale)
    after = origin_of(with_lora)
    assert after == before and after.adapters["thing"].strengths == {"unet": 0.3}


def test_the_bare_call_sets_the_strength_to_1_after_a_scale_of_0(with_lora):
    with_lora.unet.set_adapters(["thing"], [0.3])
    with_lora(**CALL, cross_attention_kwargs={"scale": 0})
    assert origin_of(with_lora).adapters["thing"].strengths == {"unet": 1}


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


def test_lora_scale_is_the_scale_of_the_call(with_lora):
    shot = generate(with_lora, **CALL, seed=1, lora_scale=np.float32(0.5))[0]
    same = generate(with_lora, **CALL, seed=1, cross_attention_kwargs={"scale": 0.5})[0]
    assert np.array_equal(shot.image, same.image)
    assert shot.settings == same.settings and shot.settings["cross_attention_kwargs"] == {"scale": 0.5}
    with pytest.raises(ValueError, match="lora_scale and cross_attention_kwargs=.* are both given"):
        generate(with_lora, **CALL, lora_scale=1, cross_attention_kwargs={"scale": 0.5})


def test_a_fused_adapter_is_reached_by_no_scale(with_lora):
    with_lora.fuse_lora()
    try:
        assert origin_of(with_lora).adapters["thing"].fused
        with pytest.raises(ValueError, match="does not reach thing, fused into the weights; call pipe.unfuse_lora"):
            check_call(with_lora, {**CALL, "lora_scale": 0.5})
    finally:
        with_lora.unfuse_lora()
    check_call(with_lora, {**CALL, "lora_scale": 0.5})


def test_the_scale_after_the_adapters_are_gone_is_refused():
    pipe = sdkit.load_pipeline()
    add_lora(pipe, "thing", parts=("text_encoder",))
    check_call(pipe, {**CALL, "lora_scale": 0.5})
    pipe.unload_lora_weights()
    with pytest.raises(ValueError, match=NOT_IN_USE):
        check_call(pipe, {**CALL, "lora_scale": 0.5})


@pytest.mark.parametrize("parts", [("unet",), ("text_encoder",), ("unet", "text_encoder")])
def test_a_strength_of_0_is_the_model_alone_to_the_bit(pipe, parts):
    own = sdkit.load_pipeline()
    add_lora(own, "thing", parts=parts)
    add_lora(own, "other", seed=5, parts=parts)
    own.set_adapters(["thing", "other"], [0.5, 1.0])
    shots = sweep(own, lora_scale=[0, 0.5, 1], seed=1, **CALL)
    assert np.array_equal(shots[0].image, generate(pipe, seed=1, **CALL)[0].image)
    assert np.array_equal(shots[2].image, generate(own, seed=1, **CALL)[0].image)
    assert len({shot.image.tobytes() for shot in shots}) == 3
    assert [shot.label for shot in shots] == [{"lora_scale": value} for value in (0, 0.5, 1)]


def test_a_strength_that_a_callback_sets_stays(with_lora):
    def weaker(pipe, step, timestep, tensors):
        pipe.unet.set_adapters(["thing"], [0.25])
        return {}

    shot = generate(with_lora, **CALL, lora_scale=0.5, callback_on_step_end=weaker)[0]
    assert origin_of(with_lora).adapters["thing"].strengths == {"unet": 0.25}
    assert shot.origin.unknown == ("a change on the way, of unet scaling",)
    shot = generate(with_lora, **CALL, lora_scale=0.3, callback_on_step_end=lambda *_: {})[0]
    assert shot.origin.unknown == ()
