"""The world and its random scenes: what is held out, and what captions say."""

import numpy as np

from sdkit import unknown_words, words
from training import export, scenes
from training.pictures import as_tensor
from training.scenes import Scene, article, caption, random_scene, render
from training.vae import psnr
from training.vae128 import halved
from training.world import LARGE, OBJECTS, THINGS, held_out, held_out_pair


def test_scenes_for_training_are_never_held_out():
    rng = np.random.default_rng(0)
    drawn = [random_scene(rng) for _ in range(3000)]
    for scene in drawn:
        assert not held_out(scene.full_name, scene.style, scene.background)
        if scene.second:
            assert not held_out_pair(scene.thing, scene.second)
            assert not held_out(scene.second, scene.style, scene.background)
    assert {scene.thing for scene in drawn} == set(THINGS)
    assert 0.05 < np.mean([bool(scene.colour) for scene in drawn]) < 0.12


def test_articles_follow_the_sound():
    named = [article(word) for word in ("cat", "apple", "unicorn", "umbrella", "grapes")]
    assert named == ["a cat", "an apple", "a unicorn", "an umbrella", "grapes"]


def test_captions_hold_only_known_words_but_for_the_strange_ones(monkeypatch):
    rng, known = np.random.default_rng(2), frozenset(export.known_words())
    monkeypatch.setattr(words, "known_words", lambda: known)  # the shipped model may know fewer
    monkeypatch.setattr(scenes, "STRANGE", 0)
    for _ in range(2000):
        text = caption(random_scene(rng), rng)
        assert unknown_words(text) == {}, text
    monkeypatch.setattr(scenes, "STRANGE", 1)
    strange = [bool(unknown_words(caption(random_scene(rng), rng))) for _ in range(200)]
    assert np.mean(strange) > 0.8  # emoji captions have none


def test_every_word_names_one_thing():
    for kind in ("english", "japanese"):
        words = [word for thing in THINGS.values() for word in getattr(thing, kind)]
        assert len(words) == len(set(words)), [word for word in words if words.count(word) > 1]
    assert len(OBJECTS) >= 96


def test_a_large_scene_is_the_small_one_with_more_pixels(plain_shapes, large_shapes):
    small = as_tensor(np.stack([picture for _, picture in plain_shapes[::10]]))
    assert psnr(halved(large_shapes), small) > 30
    rng, again = np.random.default_rng(4), np.random.default_rng(4)
    scene = Scene("circle", "flat", "white", "small", "left", colour="red")
    small, large = render(scene, rng), render(scene, again, LARGE)
    assert small.shape == (64, 64, 3) and large.shape == (128, 128, 3)
    assert np.abs(small[0, 0] - large[0, 0]).max() < 1e-6  # one background, varied alike
