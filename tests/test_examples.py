"""The small trained files that lessons load: there, small, described, and read by plain diffusers."""

import subprocess
import sys

import numpy as np
import pytest
from safetensors.torch import load_file

import sdkit
from sdkit.examples import example

FOLDER = example("zib.safetensors").parent
FILES = sorted(path.name for path in FOLDER.glob("*.safetensors"))
BYTES = 3_000_000  # of all together
TEXT = "a big <zib> on a green background, flat style"
FEW = {"num_inference_steps": 2, "guidance_scale": 1.5}


def drawn(pipe, text=TEXT):
    """Return the pixels of a picture."""
    return np.asarray(pipe(text, generator=sdkit.generator(1), **FEW).images[0], dtype=int)


def test_an_unknown_name_is_refused_with_those_that_are_there():
    with pytest.raises(FileNotFoundError, match=r"no example 'zob\.safetensors'; there are .*zib\.safetensors"):
        example("zob.safetensors")


@pytest.mark.parametrize("name", ["../model/vae/config.json", "README.md", ""])
def test_only_the_trained_files_are_examples(name):
    with pytest.raises(FileNotFoundError, match="no example"):
        example(name)


def test_they_are_few_bytes_and_their_card_names_each():
    assert sum(example(name).stat().st_size for name in FILES) < BYTES
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert [name for name in FILES if f"`{name}`" not in card] == []


def test_the_word_is_the_last_of_its_steps():
    steps = load_file(example("zib_steps.safetensors"))
    last = steps[str(max(map(int, steps)))]
    assert last.equal(load_file(example("zib.safetensors"))["<zib>"]) and not last.equal(steps["0"])


def test_word_and_lora_change_the_picture_and_at_scale_0_not_a_bit():
    pipe = sdkit.load_pipeline()
    letters = drawn(pipe)
    with sdkit.messages():
        pipe.load_textual_inversion(example("zib.safetensors"))
    word = drawn(pipe)
    assert abs(word - letters).mean() > 1
    with sdkit.messages():
        pipe.load_lora_weights(example("zib_lora.safetensors"), adapter_name="zib")
    assert abs(drawn(pipe) - word).mean() > 1
    assert np.array_equal(sdkit.generate(pipe, TEXT, seed=1, lora_scale=0, **FEW)[0].image, word)


PLAIN = """
import sys, torch
from diffusers import StableDiffusionPipeline
model, word, lora, to = sys.argv[1:]
pipe = StableDiffusionPipeline.from_pretrained(model)
pipe.load_textual_inversion(word)
pipe.load_lora_weights(lora)
noise = torch.Generator().manual_seed(1)
pipe({text!r}, generator=noise, num_inference_steps=2, guidance_scale=1.5).images[0].save(to)
"""


@pytest.mark.slow
def test_a_fresh_process_with_plain_diffusers_draws_the_same(tmp_path):
    from PIL import Image

    pipe = sdkit.load_pipeline()
    with sdkit.messages():
        pipe.load_textual_inversion(example("zib.safetensors"))
        pipe.load_lora_weights(example("zib_lora.safetensors"), adapter_name="zib")
    names = [sdkit.model_path(), example("zib.safetensors"), example("zib_lora.safetensors"), tmp_path / "there.png"]
    command = [sys.executable, "-c", PLAIN.format(text=TEXT), *map(str, names)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    assert np.array_equal(np.asarray(Image.open(names[-1]), dtype=int), drawn(pipe))
