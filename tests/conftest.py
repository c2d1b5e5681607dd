"""What several test modules share."""

import pytest

import sdkit


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
