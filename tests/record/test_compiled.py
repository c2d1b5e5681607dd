"""`torch.compile` is no difference: neither in a record nor for `rebuild`. Nothing is really compiled here."""

import pytest
import torch

from sdkit import generate, load_pipeline, rebuild, save_picture
from sdkit.loading.provenance import fingerprint, origin_of
from sdkit.loading.state import changes, state_of


def compiled(thing):
    return torch.compile(thing, backend="eager")


def unet(pipe):
    pipe.unet = compiled(pipe.unet)


def all_parts(pipe):
    pipe.unet, pipe.vae, pipe.text_encoder = map(compiled, (pipe.unet, pipe.vae, pipe.text_encoder))


def in_place(pipe):
    pipe.unet.compile(backend="eager")


def repeated_blocks(pipe):
    pipe.unet.compile_repeated_blocks(backend="eager")


def forward(pipe):
    pipe.unet.forward = compiled(pipe.unet.forward)


def decode(pipe):
    pipe.vae.decode = compiled(pipe.vae.decode)


def one_block(pipe):
    pipe.unet.mid_block = compiled(pipe.unet.mid_block)


WAYS = [unet, all_parts, in_place, repeated_blocks, forward, decode, one_block]


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_a_compiled_pipeline_is_the_same_pipeline(pipe, way):
    other = load_pipeline()
    way(other)
    before, after = state_of(pipe), state_of(other)
    assert changes(before.parts, after.parts) == [] and after.unknown == ()
    assert fingerprint(other) == fingerprint(pipe)


def test_another_forward_is_told_though_it_is_compiled(pipe):
    other = load_pipeline()
    plain = other.unet.forward
    other.unet.forward = compiled(lambda *inputs, **named: plain(*inputs, **named))
    assert state_of(other).unknown == ("unet has a forward of its own",)


@pytest.mark.slow
def test_a_record_of_a_compiled_pipeline_is_rebuilt_by_a_plain_one(pipe, tmp_path):
    other = load_pipeline()
    unet(other)
    assert origin_of(other).fingerprint == origin_of(pipe).fingerprint and origin_of(other).model == "built-in"
    path = save_picture(generate(other, "a cat", num_inference_steps=1)[0], tmp_path / "compiled.png")
    for rebuilt in (rebuild(path), rebuild(path, pipe), rebuild(path, other)):
        assert rebuilt.max_difference <= 2 and rebuilt.state == ()
