"""The judge: what it returns, what it refuses, and that it recognises the model's own pictures."""

import numpy as np
import pytest
import torch
from PIL import Image

from sdkit.judge import FOLDER, build, judge, load_judge, probabilities

shipped = pytest.mark.skipif(not FOLDER.exists(), reason="the built-in model has not been exported yet")
BLUE = Image.new("RGB", (64, 64), (52, 108, 214))


def test_the_network_has_a_logit_per_class_and_two_shapes():
    for down, kernel in (("max", 3), ("average", 5)):
        network = build(27, width=8, kernel=kernel, down=down).eval()
        assert network(torch.zeros(2, 3, 64, 64)).shape == (2, 27)
    with pytest.raises(ValueError, match="max, average"):
        build(27, down="median")


def test_a_missing_judge_says_what_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match="judge.safetensors.*training.export"):
        load_judge("judge", tmp_path)


@shipped
def test_its_classes_are_things_and_styles_of_the_world():
    from training.world import STYLES, THINGS

    heads = load_judge()[1]["heads"]
    assert heads["object"] == list(THINGS)
    assert heads["style"] == list(STYLES)


@shipped
def test_probabilities_sum_to_one_and_the_likeliest_comes_first():
    (found,) = judge(BLUE)
    assert list(found) == ["object", "style"]
    for shares in found.values():
        assert sum(shares.values()) == pytest.approx(1, abs=1e-5)
        assert list(shares.values()) == sorted(shares.values(), reverse=True)
    assert {head: set(shares) for head, shares in found.items()} == {
        head: set(names) for head, names in load_judge()[1]["heads"].items()
    }


@shipped
def test_it_returns_one_answer_per_picture_in_order_and_the_same_alone():
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    both = judge([BLUE, noise])
    for alone, together in zip(judge(BLUE) + judge(noise), both, strict=True):
        assert together["object"] == pytest.approx(alone["object"], abs=1e-4)
    assert both[0]["object"] != pytest.approx(both[1]["object"], abs=1e-3)
    assert judge([]) == []


@shipped
def test_pictures_of_any_size_and_mode_are_taken():
    large = BLUE.resize((200, 120)).convert("RGBA")
    assert judge(large)[0]["object"] == pytest.approx(judge(BLUE)[0]["object"], abs=1e-4)


@shipped
def test_tensors_give_the_same_as_pictures():
    tensor = torch.from_numpy(np.array(BLUE)).permute(2, 0, 1)[None] / 127.5 - 1
    names = load_judge()[1]["heads"]["object"]
    found = dict(zip(names, probabilities(tensor)["object"][0].tolist(), strict=True))
    assert found == pytest.approx(judge(BLUE)[0]["object"], abs=1e-5)


@pytest.mark.parametrize("wrong", [np.zeros((64, 64, 3)), "cat.png", [BLUE, "cat.png"], torch.zeros(3, 64, 64), None])
def test_what_is_no_picture_is_refused(wrong):
    with pytest.raises(TypeError, match="not a PIL image"):
        judge(wrong)


def test_loading_leaves_torchs_random_numbers_alone():
    before = torch.get_rng_state()
    load_judge.__wrapped__()
    assert torch.equal(before, torch.get_rng_state())
