"""The ONNX files of tools.browser_models compute what the built-in model computes."""

import json
from hashlib import sha256

import numpy as np
import pytest
import torch

from sdkit.loading.provenance import fingerprint, origin_of
from tools import browser_models

pytestmark = pytest.mark.slow

CLOSE = {"rtol": 1e-4, "atol": 2e-5}
SIDES = [(16, 16), (8, 8), (9, 9), (5, 12), (1, 1), (2, 1), (24, 16)]  # of latents


@pytest.fixture(scope="module")
def network(built):
    """Return a function that runs a network of dist/browser/models on tensors."""
    onnxruntime = pytest.importorskip("onnxruntime", reason='onnxruntime is missing: pip install -e ".[site]"')
    sessions = {}

    def run(name, **inputs):
        if name not in sessions:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            path = built / "models" / f"{name}.onnx"
            sessions[name] = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        return sessions[name].run(None, {key: value.numpy() for key, value in inputs.items()})[0]

    return run


@pytest.fixture
def noise():
    """Return a function that draws tensors of the normal distribution, the same in each test."""
    generator = torch.Generator().manual_seed(0)
    return lambda *shape: torch.randn(shape, generator=generator)


def test_the_text_encoder(network, pipe):
    texts = ["", "a cat on a blue background", "青い背景のねこ", "🐱" * 90]
    tokens = pipe.tokenizer(texts, padding="max_length", truncation=True, return_tensors="pt").input_ids
    with torch.no_grad():
        wanted = pipe.text_encoder(tokens)[0]
    np.testing.assert_allclose(network("text_encoder", tokens=tokens), wanted, **CLOSE)


@pytest.mark.parametrize("prompts", [1, 2])
@pytest.mark.parametrize("sides", SIDES)
def test_the_unet(network, pipe, noise, sides, prompts):
    sample, states, timestep = noise(1, 4, *sides), noise(prompts, 77, 128), torch.tensor([481.0])
    with torch.no_grad():
        wanted = pipe.unet(sample.expand(prompts, -1, -1, -1), timestep.expand(prompts), states).sample
    np.testing.assert_allclose(network("unet", sample=sample, timestep=timestep, states=states), wanted, **CLOSE)


@pytest.mark.parametrize("sides", SIDES)
def test_the_vae(network, pipe, noise, sides):
    latents, picture = noise(1, 4, *sides), noise(1, 3, *(8 * side for side in sides)).clamp(-1, 1)
    with torch.no_grad():
        pictures, moments = pipe.vae.decode(latents).sample, pipe.vae.encode(picture).latent_dist.parameters
    np.testing.assert_allclose(network("vae_decoder", latents=latents), pictures, **CLOSE)
    np.testing.assert_allclose(network("vae_encoder", picture=picture), moments, **CLOSE)


def test_weights_are_stored_as_they_ship(built):
    onnx = pytest.importorskip("onnx")
    for file in (built / "models").glob("*.onnx"):
        kinds = {}
        for tensor in onnx.load(file).graph.initializer:
            kinds[tensor.data_type] = kinds.get(tensor.data_type, 0) + int(np.prod(tensor.dims))
        numbers = kinds.pop(onnx.TensorProto.FLOAT16)
        assert kinds.get(onnx.TensorProto.FLOAT, 0) < 1000 < numbers, file.name
        assert b"site-packages" not in file.read_bytes()


def test_what_model_json_says(built, pipe, img2img):
    model = json.loads((built / "models" / "model.json").read_text(encoding="utf-8"))
    assert (model["name"], model["fingerprint"], model["sample_size"]) == ("built-in", fingerprint(pipe), 128)
    assert list(model["schedulers"]) == list(browser_models.SCHEDULERS)
    assert model["schedulers"]["PNDMScheduler"]["skip_prk_steps"] is True
    for name, file in model["files"].items():
        data = (built / "models" / name).read_bytes()
        assert file == {"bytes": len(data), "sha256": sha256(data).hexdigest()}
    for call in (pipe, img2img):
        wanted = json.loads(json.dumps(origin_of(call).to_dict()))
        kept = model["origins"][type(call).__name__]["DDIMScheduler"]
        assert kept == {key: value for key, value in wanted.items() if key not in ("versions", "machine")}


def test_all_of_it_is_small(built):
    def size(*names):
        files = [file for name in names for file in built.glob(name) if file.is_file()]
        assert files
        return sum(file.stat().st_size for file in files) / 1e6

    assert size("**/*") <= 45
    assert size("models/*", "*.js", "runtime/ort-wasm-simd-threaded-*") <= 40


def test_a_model_of_other_files_is_stale(built, tmp_path):
    assert browser_models.is_fresh(built / "models")
    assert not browser_models.is_fresh(tmp_path)
    model = json.loads((built / "models" / "model.json").read_text(encoding="utf-8"))
    (tmp_path / "model.json").write_text(json.dumps(model))
    assert not browser_models.is_fresh(tmp_path)  # the files are missing
    for name in model["files"]:
        (tmp_path / name).touch()
    assert browser_models.is_fresh(tmp_path)
    (tmp_path / "model.json").write_text(json.dumps(model | {"made_from": "another"}))
    assert not browser_models.is_fresh(tmp_path)
