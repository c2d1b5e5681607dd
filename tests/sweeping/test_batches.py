"""Batches: the same pictures as one by one, and as much together as can be."""

import numpy as np
import pytest
import torch
from diffusers.models.attention_processor import AttnProcessor2_0
from PIL import Image

from sdkit import generator, load_pipeline
from sdkit.loading.adapters import adapters_of
from sdkit.sweeping.batches import Texts, groups, is_out_of_memory, make
from sdkit.sweeping.plan import plan_cells
from sdkit.sweeping.variants import Variants
from tests.adapters import add_lora

FAST = {"num_inference_steps": 3}
# Another order of floating-point sums moves a few 8-bit values by a level; another seed moves them all.
LEVELS, SHARE = 2, 0.002


def cells_of(pipe, **arguments):
    return plan_cells(pipe, Variants(pipe), {"prompt": "a cat", **FAST, **arguments})[1]


def assert_same_together(pipe, cells):
    (group,) = groups(cells)
    texts = Texts(pipe)
    together = make(pipe, group, texts)
    alone = [make(pipe, [cell], texts)[0] for cell in group]
    assert len(together) == len(cells) > 1
    for one, other in zip(together, alone):
        assert (one.settings, one.origin, one.label) == (other.settings, other.origin, other.label)
        off = abs(np.asarray(one.image, int) - np.asarray(other.image, int))
        assert off.max() <= LEVELS and (off > 0).mean() <= SHARE
    assert abs(np.asarray(alone[0].image, int) - np.asarray(alone[1].image, int)).mean() > 0.5
    return together


def with_scheduler(pipe, name):
    from sdkit.sweeping.variants import Parts

    return Variants(pipe)[Parts(scheduler=name)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        {"prompt": ["a cat", "a dog"], "seed": [1, 2]},
        {"negative_prompt": [None, "red", ""], "seed": [1, 2]},
        {"negative_prompt": "blue", "seed": [1, 2], "guidance_scale": 1.0},
        {"latents": [torch.randn((1, 4, 16, 16), generator=generator(n)) for n in (1, 2)]},
    ],
)
@pytest.mark.filterwarnings("ignore::sdkit.parameters.NoEffectWarning")
def test_equals_single_pictures(pipe, arguments):
    assert_same_together(pipe, cells_of(pipe, **arguments))


def test_cells_of_one_lora_scale_go_together():
    own = load_pipeline()
    add_lora(own, "zib", parts=("unet", "text_encoder"))
    own.set_adapters("zib", 0.7)
    before = adapters_of(own)
    cells = cells_of(own, lora_scale=[0, 0.5], seed=[1, 2], negative_prompt="red")
    texts = Texts(own)
    for group in groups(cells):
        assert len({cell.label["lora_scale"] for cell in group}) == 1
        assert_same_together(own, group)
        make(own, group, texts)
    assert len(groups(cells)) == 2 and adapters_of(own) == before
    own.unet.set_attn_processor(Factor())
    assert len(groups(cells_of(own, cross_attention_kwargs={"factor": 1}, seed=[1, 2]))) == 2


class Factor(AttnProcessor2_0):
    """A processor with an argument of its own, which may count on one picture in a call."""

    def __call__(self, *args, factor=1, **kwargs):
        return super().__call__(*args, **kwargs)


def test_embeds_equal_single_pictures(pipe):
    embeds = [pipe.encode_prompt(text, "cpu", 1, True) for text in ("a cat", "a dog")]
    given = [one[0].detach() for one in embeds]
    assert_same_together(pipe, cells_of(pipe, prompt=None, prompt_embeds=given))


def test_noise_on_the_way_is_each_pictures_own(pipe):
    ancestral = with_scheduler(pipe, "Euler a")
    assert_same_together(ancestral, cells_of(ancestral, seed=[1, 2]))


def test_pictures_to_start_from_share_a_batch(img2img, inpaint):
    starts = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")]
    together = assert_same_together(img2img, cells_of(img2img, image=starts, seed=[1, 2], strength=0.7))
    assert together[0].settings["image"] is starts[0]

    mask = Image.new("L", (64, 64), 0)
    mask.paste(255, (16, 16, 48, 48))
    given = {"image": starts[0], "mask_image": mask, "seed": [1, 2], "strength": 1.0}
    assert_same_together(inpaint, cells_of(inpaint, **given))


@pytest.mark.parametrize(
    ("arguments", "sizes"),
    [
        ({"seed": [1, 2], "num_inference_steps": [3, 4]}, [2, 2]),
        ({"seed": [1, 2], "height": [32, 64], "width": 64}, [2, 2]),
        ({"seed": [1, 2], "guidance_scale": [1, 5, 9]}, [2, 2, 2]),
        ({"seed": [1, 2], "scheduler": ["DDIM", "Euler"]}, [2, 2]),
        ({"seed": [1, 2], "callback_on_step_end": lambda *_: {}}, [1, 1]),
        ({"prompt": ["a", "b", "c"], "seed": [1, 2]}, [6]),
    ],
)
def test_only_what_a_call_can_share_is_together(pipe, arguments, sizes):
    assert [len(group) for group in groups(cells_of(pipe, **arguments))] == sizes


def test_cells_of_one_pipeline_stay_beside_each_other(pipe):
    found = groups(cells_of(pipe, guidance_scale=[1, 2], scheduler=["DDIM", "PNDM"], seed=[1]))
    assert [group[0].parts.scheduler for group in found] == ["DDIM", "DDIM", "PNDM", "PNDM"]


def test_each_text_is_encoded_once(pipe):
    texts, calls = Texts(pipe), []
    handle = pipe.text_encoder.register_forward_pre_hook(lambda *_: calls.append(1))
    try:
        (group,) = groups(cells_of(pipe, prompt=["a cat", "a dog"], seed=[1, 2], num_inference_steps=1))
        make(pipe, group, texts)
        make(pipe, group, texts)
    finally:
        handle.remove()
    assert len(calls) == 3  # two prompts and the empty negative one


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        (torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"), True),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."), True),
        (MemoryError(), True),
        (RuntimeError("expected scalar type Half"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_out_of_memory_is_known_by_its_words(error, wanted):
    assert is_out_of_memory(error) is wanted
