"""Masks and start pictures of which something is lost: each is refused or told, with what to do."""

import re
import warnings

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter

from sdkit import NoEffectWarning, generate, generator
from sdkit.call.generate import check_call


def picture(mode="RGB", size=(128, 128), colour=0):
    return Image.new(mode, size, colour)


def marked(mode, ground, stroke, size=(128, 128)):
    """Return a layer with a square brush stroke on it."""
    layer = Image.new(mode, size, ground)
    layer.paste(stroke, (32, 32, 96, 96))
    return layer


def told(pipe, **arguments):
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        check_call(pipe, {"prompt": "a cat", **arguments})
    assert all(one.category is NoEffectWarning for one in heard)
    return [str(one.message) for one in heard]


WITH_TRANSPARENCY = [
    marked("RGBA", (0, 0, 0, 0), (255, 255, 255, 255)),  # a white brush on a transparent layer
    marked("RGBA", (0, 0, 0, 0), (0, 0, 0, 255)),  # a black one
    marked("RGBA", (90, 120, 60, 255), (0, 0, 0, 0)),  # a picture with the region erased
    marked("LA", (0, 0), (255, 255)),
]


@pytest.mark.parametrize("mask", WITH_TRANSPARENCY)
def test_masks_with_transparency_are_refused_with_what_to_do(inpaint, mask):
    with pytest.raises(ValueError, match=r"mask_image .* transparency; .*getchannel\(\"A\"\)"):
        check_call(inpaint, {"prompt": "a cat", "image": picture(), "mask_image": mask})


def test_a_palette_with_a_transparent_colour_is_transparency_too(inpaint):
    mask = picture("P")
    mask.info["transparency"] = 0
    with pytest.raises(ValueError, match="mode 'P' with transparency"):
        check_call(inpaint, {"prompt": "a cat", "image": picture(), "mask_image": mask})


def test_what_the_refusal_says_makes_the_mask(inpaint):
    brush = WITH_TRANSPARENCY[1].convert("RGBA").getchannel("A")
    assert not told(inpaint, image=picture(), mask_image=brush)
    assert np.array_equal(brush, marked("L", 0, 255))


def test_an_opaque_mask_with_a_channel_for_transparency_is_refused_for_that_alone(inpaint):
    with pytest.raises(ValueError, match=r'all of it is opaque, so give mask_image.convert\("L"\)'):
        opaque = picture("RGBA", colour=(255, 255, 255, 255))
        check_call(inpaint, {"prompt": "a cat", "image": picture(), "mask_image": opaque})


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (picture("L"), "mask_image is all black: nothing is painted, and prompt has no effect"),
        (picture("RGB"), "mask_image is all black"),
        (marked("L", 0, 1), "brightest value is 1 of 255, and below 128"),
        (marked("L", 0, 100), "brightest value is 100 of 255"),
        (picture("L", colour=127), "brightest value is 127 of 255"),
        (marked("L", 0, 200), "grey has no effect in mask_image: its brightest value, 200 of 255, counts as white"),
        (np.zeros((128, 128), np.float32), "mask_image is all black"),
        (np.full((128, 128), 0.2, np.float32), "brightest value is 51 of 255"),
        (torch.full((1, 128, 128), 0.7), "counts as white"),
    ],
)
def test_masks_without_white_are_told(inpaint, mask, words):
    (message,) = told(inpaint, image=picture(), mask_image=mask)
    assert words in message


DARK = np.asarray(marked("L", 0, 1))


@pytest.mark.parametrize(
    "mask",
    [
        marked("L", 0, 100),
        marked("RGB", (0, 0, 0), (100, 0, 0)).quantize(2),
        marked("RGB", (0, 0, 0), (100, 0, 0)),
        Image.fromarray(DARK.astype(np.float32)),
        Image.fromarray(DARK.astype(np.int32)),
        Image.fromarray(DARK.astype(np.uint16)),
        DARK * np.float32(0.2),
        torch.tensor(DARK)[None] * 0.2,
    ],
    ids=["L", "P", "RGB", "F", "I", "I;16", "array", "tensor"],
)
def test_the_advice_for_dark_masks_makes_the_mask_in_all_modes(inpaint, mask):
    (message,) = told(inpaint, image=picture(), mask_image=mask)
    advice = message.split("as in ")[1].removesuffix(".")
    made = eval(advice, {"Image": Image, "np": np, "mask": mask})
    assert not told(inpaint, image=picture(), mask_image=made)
    white = np.asarray(made).squeeze() / (255 if isinstance(made, Image.Image) else 1)
    assert np.array_equal(white, DARK)


def test_a_dark_mask_makes_the_picture_of_a_black_one(inpaint):
    call = {"image": picture(colour="red"), "num_inference_steps": 2}
    with pytest.warns(NoEffectWarning):
        dark, black = (generate(inpaint, "a cat", mask_image=picture("L", colour=c), **call) for c in (127, 0))
    assert np.array_equal(dark[0].image, black[0].image)
    light, white = (generate(inpaint, "a cat", mask_image=picture("L", colour=c), **call) for c in (128, 255))
    assert np.array_equal(light[0].image, white[0].image)


SOFT = marked("L", 0, 255).filter(ImageFilter.GaussianBlur(4))
HARD = SOFT.point(lambda level: 255 if level > 127 else 0)
AS_ARRAY = np.asarray(SOFT, np.float32) / 255


@pytest.mark.parametrize("mask", [SOFT, SOFT.convert("RGB"), AS_ARRAY, torch.tensor(AS_ARRAY)[None]])
def test_soft_masks_are_told(inpaint, mask):
    (message,) = told(inpaint, image=picture(), mask_image=mask)
    assert "grey has no effect in mask_image: 31% of its pixels are grey" in message
    code = re.search(r"mix afterwards, as in (.+)\.$", message)[1]
    start, made = picture(colour="blue"), picture(colour="red")
    if not hasattr(mask, "convert"):  # arrays and tensors are mixed with their like
        start, made = (np.asarray(each, np.float32).transpose(2, 0, 1) / 255 for each in (start, made))
        start, made = (torch.tensor(each) if torch.is_tensor(mask) else each for each in (start, made))
    mixed = eval(code, {"Image": Image, "mask": mask, "picture": made, "image": start})
    reds = np.asarray(mixed, np.float32)[..., 0] / 255 if hasattr(mixed, "convert") else np.asarray(mixed)[0]
    assert np.allclose(reds, AS_ARRAY, atol=0.01)


def test_a_soft_mask_paints_as_a_hard_one(inpaint):
    call = {"image": picture(colour="red"), "num_inference_steps": 1}
    with pytest.warns(NoEffectWarning):
        soft = generate(inpaint, "a cat", mask_image=SOFT, **call)[0].image
    hard = generate(inpaint, "a cat", mask_image=HARD, **call)[0].image
    assert soft.tobytes() == hard.tobytes()


def test_soft_masks_that_are_also_pasted_with_are_not_told(inpaint):
    for mask in (SOFT, marked("L", 0, 200)):
        assert not told(inpaint, image=picture(), mask_image=mask, padding_mask_crop=8)
    call = {"image": picture(colour="red"), "num_inference_steps": 1, "padding_mask_crop": 8}
    strong, weak = (generate(inpaint, "a cat", mask_image=marked("L", 0, level), **call)[0] for level in (255, 200))
    assert not np.array_equal(strong.image, weak.image)


GOOD_MASKS = [
    marked("L", 0, 255),
    marked("1", 0, 1),
    marked("RGB", (0, 0, 0), (255, 255, 255)),
    marked("L", 0, 255).resize((64, 64)).resize((128, 128), Image.Resampling.BILINEAR),  # soft edges
    torch.ones(1, 128, 128),
    np.ones((128, 128), np.float32),
]


@pytest.mark.parametrize("mask", GOOD_MASKS)
def test_good_masks_are_not_told(inpaint, mask):
    assert not told(inpaint, image=picture(), mask_image=mask)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (picture(size=(100, 75)), "100x75 is resized to 96x72"),
        (picture(size=(63, 64)), "63x64 is resized to 56x64"),
        (picture(size=(65, 65)), "65x65 is resized to 64x64"),
        (np.zeros((75, 100, 3), np.float32), "100x75 is resized to 96x72"),
        (torch.zeros(1, 3, 75, 100), "100x75 is resized to 96x72"),
    ],
)
def test_start_pictures_that_are_resized_are_told(img2img, image, words):
    (message,) = told(img2img, image=image)
    assert words in message
    if isinstance(image, Image.Image):
        with pytest.warns(NoEffectWarning):
            made = generate(img2img, "a cat", image=image, num_inference_steps=2)[0].image
        assert message.endswith("multiples of 8.") and f"to {made.width}x{made.height}," in message


def test_the_size_that_a_call_will_make_is_known_to_the_pixel(img2img):
    call = check_call(img2img, {"prompt": "a cat", "image": picture(size=(50, 76))})
    assert (call.width, call.height) == (48, 72)  # the VAE's factor is 8


def test_the_second_start_picture_gets_the_size_of_the_first(img2img):
    (message,) = told(img2img, image=[picture(), picture(size=(32, 48))], num_images_per_prompt=2)
    assert "32x48 is resized to 128x128, since all get the first one's" in message


def test_start_pictures_that_fit_and_latents_are_not_told(img2img):
    assert not told(img2img, image=picture(size=(104, 72)))
    assert not told(img2img, image=torch.zeros(1, 4, 15, 15))


WIDE, WIDE_MASK = picture(size=(128, 96)), picture("L", (128, 96), 255)


def test_inpainting_says_that_it_makes_the_size_of_the_model(inpaint):
    (message,) = told(inpaint, image=WIDE, mask_image=WIDE_MASK)
    assert "128x96 is resized to 128x128" in message and "give height=96, width=128" in message
    assert not told(inpaint, image=WIDE, mask_image=WIDE_MASK, height=96, width=128)
    assert not told(inpaint, image=WIDE, mask_image=WIDE_MASK, padding_mask_crop=8)  # pasted back into the picture


def test_a_size_that_was_asked_for_is_told_only_if_it_changes_proportions(inpaint):
    (message,) = told(inpaint, image=WIDE, mask_image=WIDE_MASK, height=64, width=64)
    assert "128x96 is resized to 64x64, which changes its proportions" in message
    assert not told(inpaint, image=WIDE, mask_image=WIDE_MASK, height=48, width=64)


def test_a_mask_of_another_size_is_told(inpaint):
    (message,) = told(inpaint, image=picture(), mask_image=picture("L", (32, 48), 255))
    assert "32x48 is stretched over image, 128x128" in message
    with pytest.raises(ValueError, match=r"image \(128x128\) and mask_image \(32x48\) must have one size"):
        told(inpaint, image=picture(), mask_image=picture("L", (32, 48), 255), padding_mask_crop=8)


def test_what_a_file_says_besides_pixels_is_told(img2img, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (64, 64), "red").save(tmp_path / "turned.jpg", exif=exif)
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "moving.png", save_all=True, append_images=frames[1:])
    for name, words in (("turned.jpg", "EXIF data of image has no effect.*exif_transpose"), ("moving.png", "frames")):
        with pytest.warns(NoEffectWarning, match=words), Image.open(tmp_path / name) as start:
            generate(img2img, "a cat", image=start, num_inference_steps=2)


def test_start_pictures_that_cannot_be_used_are_named(img2img, tmp_path):
    with_a_transparent_colour = Image.new("RGB", (64, 64))
    with_a_transparent_colour.info["transparency"] = (0, 0, 0)
    closed = Image.new("RGB", (64, 64))
    closed.save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes()[:60])
    cut = Image.open(tmp_path / "b.png")
    for start, words in ((with_a_transparent_colour, "transparent colour"), (cut, "cannot be read")):
        with pytest.raises(ValueError, match=f"image .*{words}"):
            generate(img2img, "a cat", image=start, num_inference_steps=2)


def test_two_prompts_with_two_masks_make_two_pictures_of_each_as_in_diffusers(inpaint):
    starts = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")]
    masks = [Image.new("L", (64, 64), 0) for _ in range(2)]
    masks[0].paste(255, (0, 0, 32, 64))
    masks[1].paste(255, (32, 0, 64, 64))
    call = {"image": starts, "mask_image": masks, "num_images_per_prompt": 2, "num_inference_steps": 2}
    shots = generate(inpaint, ["a cat", "a dog"], strength=0.8, seed=3, **call)
    assert len(shots) == 4
    alone = generate(inpaint, seed=shots[1].settings["seed"], **{
        name: shots[1].settings[name] for name in ("prompt", "image", "mask_image", "num_inference_steps", "strength")
    })[0]  # fmt: skip
    assert abs(np.asarray(alone.image, int) - np.asarray(shots[1].image, int)).max() <= 2


HALVES = np.zeros((2, 64, 64), np.float32)
HALVES[0, :, :32] = HALVES[1, :32] = 1


@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy])
@pytest.mark.parametrize("masks", [HALVES, HALVES[:1]], ids=["two", "one"])
def test_several_masks_in_one_array_make_the_pictures_of_diffusers(inpaint, kind, masks):
    starts = [picture(size=(64, 64), colour=colour) for colour in ("red", "blue")]
    call = {"prompt": ["a cat", "a dog"], "image": starts, "mask_image": kind(masks)}
    call |= {"num_inference_steps": 2, "height": 64, "width": 64}
    shots = generate(inpaint, seed=3, **call)
    # diffusers encodes each picture of a list with its own generator
    known = inpaint(**call, generator=[generator(3), generator(4)]).images
    assert [shot.image.tobytes() for shot in shots] == [one.tobytes() for one in known]
    alone = {name: shots[1].settings[name] for name in (*call, "seed")}
    again = generate(inpaint, **alone)[0].image
    assert abs(np.asarray(again, int) - np.asarray(shots[1].image, int)).max() <= 2


def test_an_array_of_several_masks_in_a_list_is_refused_as_diffusers_cannot_read_it(inpaint):
    for masks in ([HALVES], [torch.from_numpy(HALVES)], [HALVES[:1]]):
        with pytest.raises(ValueError, match=r"mask_image has (64|2) channels; give 1\."):
            check_call(inpaint, {"prompt": ["a cat", "a dog"], "image": picture(), "mask_image": masks})
