"""What several test modules share."""

import pytest
import torch

import sdkit

FIRST = "test_the_build_is_made"
SLOW_S = 5  # on a quiet machine; what takes longer carries the mark slow


def pytest_addoption(parser):
    """Add the option that finds slow tests. It is for a quiet machine: on a busy one every test may be slow."""
    words = f"fail a test that takes more than {SLOW_S} s and is not marked slow"
    parser.addoption("--unmarked-slow", action="store_true", help=words)


def pytest_collection_modifyitems(items):
    """Begin with the build of the lab, for which many tests would wait; end with files of which no test is slow.

    So no worker is left with a long file at the end.
    """
    slow = {item.path for item in items if item.get_closest_marker("slow") or item.path.suffix == ".ipynb"}
    items.sort(key=lambda item: (item.name != FIRST, item.path not in slow))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Turn a test that passed, but too slowly for its marks, into a failed one, where that was asked for."""
    report = yield
    asked = item.config.getoption("--unmarked-slow")
    if asked and report.passed and call.duration > SLOW_S and not item.get_closest_marker("slow"):
        report.outcome = "failed"
        report.longrepr = f"its {call.when} took {call.duration:.1f} s: mark it slow, or make it faster"
    return report


@pytest.fixture(scope="session")
def pipe():
    """Load the built-in model once for all tests."""
    return sdkit.load_pipeline()


@pytest.fixture(scope="session")
def img2img(pipe):
    """Return an image-to-image pipeline over the built-in model's parts."""
    return over_the_parts_of(pipe, "StableDiffusionImg2ImgPipeline")


@pytest.fixture(scope="session")
def inpaint(pipe):
    """Return an inpainting pipeline over the built-in model's parts."""
    return over_the_parts_of(pipe, "StableDiffusionInpaintPipeline")


def over_the_parts_of(pipe, name):
    """Return a pipeline of the diffusers class `name` that shares another's parts."""
    import diffusers

    made = getattr(diffusers, name)(**pipe.components, requires_safety_checker=False)
    made.set_progress_bar_config(disable=True)
    return made


@pytest.fixture(scope="session")
def narrow(pipe, tmp_path_factory):
    """Load a model of random weights with the built-in one's text encoder, quick enough for thousands of calls.

    It is for what does not depend on what the pictures show; none of them is black.
    """
    unet = {"block_out_channels": (16, 32), "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D")}
    unet |= {"up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"), "norm_num_groups": 8}
    vae = {"block_out_channels": (8,) * 4, "norm_num_groups": 4, "layers_per_block": 1}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        parts = {
            name: type(part).from_config({**part.config, **changed}).eval()
            for name, part, changed in [("unet", pipe.unet, unet), ("vae", pipe.vae, vae)]
        }
    folder = tmp_path_factory.mktemp("narrow")
    type(pipe)(**{**pipe.components, **parts}, requires_safety_checker=False).save_pretrained(folder)
    return sdkit.load_pipeline(folder)
