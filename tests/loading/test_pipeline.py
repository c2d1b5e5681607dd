"""Loading: offline, quiet, and clear when something is missing."""

import logging
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from shutil import copytree

import pytest
import torch
from diffusers import StableDiffusionImg2ImgPipeline, StableDiffusionInpaintPipeline, StableDiffusionPipeline

from sdkit import load_pipeline, model_path, plan_load
from sdkit.loading.pipeline import _commit
from sdkit.loading.provenance import fingerprint


def test_built_in_model_is_stable_diffusion_in_small(pipe):
    assert type(pipe) is StableDiffusionPipeline
    kinds = {name: type(part).__name__ for name, part in pipe.components.items() if part is not None}
    assert kinds == {
        "vae": "AutoencoderKL",
        "text_encoder": "CLIPTextModel",
        "tokenizer": "CLIPTokenizer",
        "unet": "UNet2DConditionModel",
        "scheduler": "DDIMScheduler",
    }
    assert {part.dtype for part in (pipe.vae, pipe.text_encoder, pipe.unet)} == {torch.float32}
    assert pipe.device.type == "cpu"


def test_plain_diffusers_loads_the_same_weights_and_asks_for_no_other_package(pipe, caplog):
    logging.getLogger("diffusers").addHandler(caplog.handler)  # it does not pass its records on to the root's
    try:
        plain = StableDiffusionPipeline.from_pretrained(model_path(), dtype=torch.float32)
    finally:
        logging.getLogger("diffusers").removeHandler(caplog.handler)
    assert caplog.messages == []
    assert fingerprint(plain) == fingerprint(pipe)
    for kind in (StableDiffusionImg2ImgPipeline, StableDiffusionInpaintPipeline):
        assert kind(**plain.components, requires_safety_checker=False).unet is plain.unet


def test_fingerprint_sees_a_changed_weight(pipe):
    other = load_pipeline()
    before = fingerprint(other)
    assert before == fingerprint(pipe)
    with torch.no_grad():
        other.unet.conv_in.bias.add_(0.1)
    assert fingerprint(other) != before
    with torch.no_grad():
        other.unet.conv_in.bias.copy_(pipe.unet.conv_in.bias)
    assert fingerprint(other) == before


@pytest.mark.parametrize("part", ["vae", "text_encoder"])
def test_fingerprint_covers_every_part_that_draws(pipe, part):
    other = load_pipeline()
    with torch.no_grad():
        next(getattr(other, part).parameters()).add_(0.1)
    assert fingerprint(other) != fingerprint(pipe)


def test_the_commit_of_the_hub_is_the_revision():
    other = load_pipeline()
    assert _commit(other) is None
    commit = "0123456789abcdef0123456789abcdef01234567"
    other.unet.register_to_config(_name_or_path=f"/cache/models--owner--name/snapshots/{commit}/unet")
    assert _commit(other) == commit


@pytest.mark.slow
def test_nothing_on_stderr_and_no_network_needed():
    code = (
        "import sdkit; pipe = sdkit.load_pipeline();sdkit.generate(pipe, 'a cat', num_inference_steps=2); print('done')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "", "HF_HUB_OFFLINE": "1", "HOME": "/nonexistent"},
    )
    assert done.stdout == "done\n"
    assert done.stderr == ""


def test_loggers_and_bars_are_as_before():
    import diffusers.utils.logging as diffusers_logging

    level, bars = logging.getLogger("diffusers").level, diffusers_logging.is_progress_bar_enabled()
    load_pipeline()
    assert logging.getLogger("diffusers").level == level
    assert diffusers_logging.is_progress_bar_enabled() == bars


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"model": "./nope"}, FileNotFoundError, "no folder './nope'"),
        ({"model": "a/b/c"}, FileNotFoundError, "owner/name"),
        ({"model": "builtin"}, FileNotFoundError, "built-in"),
        ({"torch_dtype": torch.float32}, TypeError, "no argument 'torch_dtype'"),
        ({"revison": "x"}, TypeError, "did you mean revision"),
        ({"dtpye": "float32"}, TypeError, "did you mean dtype"),
        ({"dtype": "auto"}, TypeError, "torch dtype"),
        ({"device": "gpu"}, ValueError, "'gpu'.*did you mean.*usable here"),
    ],
)
def test_mistakes_are_told(arguments, error, words):
    with pytest.raises(error, match=words):
        load_pipeline(**arguments)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_missing_gpu_is_told():
    with pytest.raises(ValueError, match="usable here: cpu"):
        load_pipeline(device="cuda")


def test_a_folder_without_a_pipeline(tmp_path):
    with pytest.raises(FileNotFoundError, match="without model_index.json"):
        load_pipeline(tmp_path)


def test_hub_id_without_network_or_cache(monkeypatch, tmp_path):
    with pytest.raises(FileNotFoundError, match="could not load 'nobody/nothing'.*built-in"):
        load_pipeline("nobody/nothing", local_files_only=True, cache_dir=str(tmp_path))


def test_threads_may_load_at_the_same_time():
    with ThreadPoolExecutor(4) as pool:
        pipes = [future.result() for future in [pool.submit(load_pipeline) for _ in range(4)]]
    assert len({fingerprint(pipe) for pipe in pipes}) == 1


def test_the_environment_names_the_model_where_none_is_given(monkeypatch, tmp_path):
    folder = copytree(model_path(), tmp_path / "named")
    monkeypatch.setenv("SDKIT_MODEL", str(folder))
    assert load_pipeline().name_or_path == str(folder) and plan_load().model == "named"
    assert load_pipeline("built-in").name_or_path == str(model_path())
    monkeypatch.setenv("SDKIT_MODEL", "")
    assert plan_load().model == "built-in"
    monkeypatch.setenv("SDKIT_MODEL", "nonsense")
    with pytest.raises(FileNotFoundError, match="'nonsense'.*environment variable SDKIT_MODEL"):
        load_pipeline()
