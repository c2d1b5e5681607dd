"""The test prompts are never trained on, and say what a scene holds."""

import numpy as np
import pytest

from training import prompts
from training.scenes import Scene
from training.world import held_out, held_out_pair


def test_the_test_prompts_are_all_held_out():
    rng = np.random.default_rng(1)
    for scene in prompts.combinations(100, rng) + prompts.shape_scenes(20, rng):
        assert held_out(scene.full_name, scene.style, scene.background)
    for scene in prompts.pair_scenes(20, rng):
        assert held_out_pair(scene.thing, scene.second)
    with pytest.raises(ValueError, match="99999 prompts were asked for"):
        prompts.combinations(99999, rng)


@pytest.mark.parametrize(
    ("scene", "english", "japanese"),
    [
        (Scene("apple", "line", "red"), "an apple on a red background, line style", "赤い背景のりんご、線画風"),
        (
            Scene("cat", "flat", "blue", "big"),
            "a big cat on a blue background, flat style",
            "青い背景の大きいねこ、フラット風",
        ),
    ],
)
def test_a_scene_is_described_in_both_languages(scene, english, japanese):
    assert (prompts.english(scene), prompts.japanese(scene)) == (english, japanese)


def test_shapes_pairs_and_places_are_described():
    assert prompts.english(Scene("circle", "flat", "white", colour="red")) == "a red circle on a white background"
    pair = Scene("cat", "flat", "white", "small", second="owl")
    assert prompts.english(pair) == "a cat and an owl on a white background, flat style, side by side"
    assert prompts.english(Scene("cat", "flat", "white", "small", "top")).endswith("flat style, at the top")
