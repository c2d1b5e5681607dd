"""Adapters and added words: told by their own numbers, in the pipeline and in files."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import sdkit
from sdkit import generate, sweep
from sdkit.loading.adapters import adapters_of, all_layers, tensors_digest, words_of
from sdkit.loading.provenance import fingerprint, origin_of
from tests.adapters import add_lora, save_lora

BOTH = ("unet", "text_encoder")
CALL = {"prompt": "a cat", "num_inference_steps": 2}
WIDTH = 128  # of the built-in model's text states


@pytest.fixture
def own():
    return sdkit.load_pipeline()


@pytest.fixture(scope="module")
def lora_file(tmp_path_factory):
    """Return the file of a LoRA, "zib", for UNet and text encoder."""
    pipe = sdkit.load_pipeline()
    add_lora(pipe, "zib", parts=BOTH)
    return save_lora(pipe, "zib", tmp_path_factory.mktemp("lora") / "zib.safetensors", BOTH)


def load(pipe, path, name="zib"):
    pipe.load_lora_weights(path.parent, weight_name=path.name, adapter_name=name)


def word(seed, vectors=1):
    return torch.randn(vectors, WIDTH, generator=torch.Generator().manual_seed(seed)) * 0.05


def test_an_adapter_is_told_by_the_numbers_of_its_file(own, lora_file):
    load(own, lora_file, name="another name")
    (adapter,) = adapters_of(own).values()
    assert adapter.tensors == tensors_digest(load_file(lora_file).values())
    assert adapter.strengths == {"unet": 1, "text_encoder": 1} and not adapter.fused
    with torch.no_grad():
        all_layers(own)[-1].lora_B["another name"].weight[0, 0] += 2**-20
    assert adapters_of(own)["another name"].tensors != adapter.tensors


def test_neither_half_precision_nor_hotswap_makes_it_another_adapter(own, lora_file):
    own.enable_lora_hotswap(target_rank=8)
    load(own, lora_file)
    assert adapters_of(own)["zib"].tensors == tensors_digest(load_file(lora_file).values())
    own.set_adapters("zib", 0.5)  # strengths are tensors here
    before = origin_of(own)
    assert before.adapters["zib"].strengths == {"unet": 0.5, "text_encoder": 0.5}
    generate(own, **CALL, lora_scale=0)
    assert origin_of(own) == before
    halves = {name: tensor.half() for name, tensor in load_file(lora_file).items()}
    assert tensors_digest(halves.values()) == tensors_digest(tensor.float() for tensor in halves.values())


def test_strengths_are_told_by_layer_where_they_differ(own, lora_file):
    load(own, lora_file)
    own.set_adapters("zib", {"unet": {"down": 0.25, "mid": 1.0, "up": 0.5}, "text_encoder": 0.75})
    strengths = adapters_of(own)["zib"].strengths
    assert strengths.pop("text_encoder") == 0.75
    assert set(strengths.values()) == {0.25, 1.0, 0.5} and all(place.startswith("unet.") for place in strengths)


def test_strength_1_is_as_trained_with_any_alpha_and_with_rslora(own):
    add_lora(own, "zib", rank=4, lora_alpha=10, use_rslora=True)
    assert adapters_of(own)["zib"].strengths == {"unet": 1.0}


def test_adapters_that_change_nothing_are_not_told(own, lora_file):
    load(own, lora_file)
    add_lora(own, "other", seed=4)
    own.set_adapters(["other"])
    assert list(adapters_of(own)) == ["other"]
    own.disable_lora()
    assert adapters_of(own) == {}
    own.unload_lora_weights()
    assert adapters_of(own) == {}


def test_a_fused_adapter_is_told_and_the_weights_are_others(own, lora_file):
    plain = fingerprint(own)
    load(own, lora_file)
    assert fingerprint(own) == plain  # of the model, whatever is loaded beside it
    own.fuse_lora()
    assert adapters_of(own)["zib"].fused and fingerprint(own) != plain


def test_words_are_told_by_their_rows(own):
    plain = fingerprint(own)
    own.load_textual_inversion({"<zib>": word(1, 3)}, token="<zib>")
    own.load_textual_inversion({"<bop>": word(2)}, token="<bop>")
    assert words_of(own) == {"<bop>": tensors_digest([word(2)]), "<zib>": tensors_digest([word(1, 3)])}
    assert fingerprint(own) == plain
    with torch.no_grad():
        own.text_encoder.get_input_embeddings().weight[-1] += 2**-20
    assert words_of(own)["<bop>"] != tensors_digest([word(2)])


def test_a_folder_never_gives_pictures_of_an_adapter_of_the_same_name(own, lora_file, tmp_path):
    load(own, lora_file)
    first = sweep(own, seed=[1], folder=tmp_path, **CALL)[0]
    own.unload_lora_weights()
    add_lora(own, "zib", seed=9, parts=BOTH)
    second = sweep(own, seed=[1], folder=tmp_path, **CALL)[0]
    assert np.array_equal(second.image, generate(own, seed=1, **CALL)[0].image)
    assert not np.array_equal(first.image, second.image) and len(list(tmp_path.iterdir())) == 2


def test_a_folder_never_gives_pictures_of_a_word_that_meant_something_else(tmp_path):
    made = []
    for seed in (1, 2, 1):
        own = sdkit.load_pipeline()
        own.load_textual_inversion({"<zib>": word(seed) * 20}, token="<zib>")
        made.append(sweep(own, "a <zib>", seed=[1], num_inference_steps=2, folder=tmp_path)[0].image)
    assert not np.array_equal(made[0], made[1]) and np.array_equal(made[0], made[2])
    assert len(list(tmp_path.iterdir())) == 2


def test_a_folder_keeps_a_sweep_over_strengths(own, lora_file, tmp_path):
    load(own, lora_file)
    shots = sweep(own, lora_scale=[0, 0.5, 1], folder=tmp_path, **CALL)
    files = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    again = sweep(own, lora_scale=[0, 0.5, 1], folder=tmp_path, **CALL)
    assert [shot.image.tobytes() for shot in again] == [shot.image.tobytes() for shot in shots]
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == files and len(files) == 3
