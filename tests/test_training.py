"""What training and evaluation stand on: scenes, captions, and the measures that need no learning."""

from copy import deepcopy
from functools import partial
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from sdkit import unknown_words, words
from training import curves, denoiser, export, loop, measures, prompts, scenes, trials
from training.curves import as_bytes
from training.scenes import Scene, caption, random_scene, render
from training.world import BACKGROUNDS, OBJECTS, PLACES, SHAPES, SIZES, THINGS, held_out, held_out_pair


def shapes():
    """Return a plain shape in every size, place and a few colours, each with its picture."""
    found = []
    for (number, (size, place)), shape in product(enumerate(product(("small", "medium"), PLACES)), SHAPES):
        background, colour = (list(BACKGROUNDS)[(number * k + 3) % 10] for k in (1, 7))
        if colour != background:
            found.append(Scene(shape, "flat", background, size, place, colour=colour))
    return [(scene, as_bytes(render(scene))) for scene in found]


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
    named = [scenes.article(word) for word in ("cat", "apple", "unicorn", "umbrella", "grapes")]
    assert named == ["a cat", "an apple", "a unicorn", "an umbrella", "grapes"]


def test_the_test_prompts_are_all_held_out():
    rng = np.random.default_rng(1)
    for scene in prompts.combinations(100, rng) + prompts.shape_scenes(20, rng):
        assert held_out(scene.full_name, scene.style, scene.background)
    for scene in prompts.pair_scenes(20, rng):
        assert held_out_pair(scene.thing, scene.second)
    with pytest.raises(ValueError, match="99999 prompts were asked for"):
        prompts.combinations(99999, rng)


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


@pytest.mark.parametrize(
    ("scene", "english", "japanese"),
    [
        (Scene("apple", "line", "red"), "an apple on a red background, line style", "赤い背景のりんご、線画風"),
        (
            Scene("cat", "flat", "blue", "big"),
            "a big cat on a blue background, flat style",
            "青い背景の大きいねこ、フラット風",
        ),
    ],  # fmt: skip
)
def test_a_scene_is_described_in_both_languages(scene, english, japanese):
    assert (prompts.english(scene), prompts.japanese(scene)) == (english, japanese)


def test_shapes_pairs_and_places_are_described():
    assert prompts.english(Scene("circle", "flat", "white", colour="red")) == "a red circle on a white background"
    pair = Scene("cat", "flat", "white", "small", second="owl")
    assert prompts.english(pair) == "a cat and an owl on a white background, flat style, side by side"
    assert prompts.english(Scene("cat", "flat", "white", "small", "top")).endswith("flat style, at the top")


def test_background_colour_place_and_size_are_read_off_the_pixels():
    for scene, picture in shapes():
        assert measures.background_of(picture) == scene.background
        assert measures.colour_of(picture) == scene.colour
        assert measures.place_of(picture) == scene.place
        assert measures.size_of(picture) == scene.size


def test_a_plain_picture_has_no_object():
    empty = np.full((64, 64, 3), 245, np.uint8)
    assert measures.background_of(empty) == "white"
    assert (measures.place_of(empty), measures.size_of(empty), measures.colour_of(empty)) == ("", "", "")


def test_big_things_are_big():
    assert measures.size_of(as_bytes(render(Scene("square", "flat", "black", "big", colour="pink")))) == "big"
    assert set(SIZES) == {"small", "medium", "big"}


def test_distances_and_shares_have_known_values():
    black, white = np.zeros((2, 64, 64, 3), np.uint8), np.full((2, 64, 64, 3), 255, np.uint8)
    assert measures.rmse(black, white) == pytest.approx([255, 255])
    assert measures.saturation(white) == 0
    assert measures.wilson(0.5, 100) == pytest.approx((0.4038, 0.5962), abs=1e-4)  # as in tables of the interval
    assert measures.share([True, True, False, True], 4)["share"] == 0.75


def test_kid_is_near_zero_for_one_distribution_and_large_for_two():
    rng = np.random.default_rng(3)
    a, b, far = rng.normal(size=(200, 8)), rng.normal(size=(200, 8)), rng.normal(2, 1, size=(200, 8))
    assert abs(measures.kid(a, b)) < 0.2 < 5 < measures.kid(a, far)


def test_the_clean_latents_follow_from_noisy_ones_and_the_target():
    clean, noise, kept = torch.randn(3, 4, 2, 2), torch.randn(3, 4, 2, 2), torch.tensor([0.1, 0.5, 0.9])
    noisy, target = denoiser.noised(clean, noise, kept)
    signal, spread = (one.sqrt()[:, None, None, None] for one in (kept, 1 - kept))
    assert torch.allclose(signal * noisy - spread * target, clean, atol=1e-6)


def test_the_weights_agree_up_to_the_clip():
    snr = torch.tensor([0.1, 5.0, 20.0])
    clipped, plain, min_snr, raised = (weight(snr) for weight in denoiser.WEIGHTS.values())
    assert torch.allclose(clipped, torch.tensor([1.0, 1.0, 6 / 21])) and torch.equal(plain, torch.ones(3))
    assert torch.allclose(min_snr, torch.tensor([0.1 / 1.1, 5 / 6, 5 / 21])) and torch.allclose(raised, min_snr + 0.15)


def test_trials_are_shown_in_a_table():
    row = {"held_right": 0.5, "held_wrong": 0.7, "held_low": 0.25, "background": 0.9}
    table = trials.table({"trials": {"base": row}})
    assert table.splitlines()[-1] == "| base | 0.500 | 0.700 | 0.250 | 90% |"


def test_muon_steps_matrices_and_kernels_and_resumes():
    torch.manual_seed(0)

    def module():
        made = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.Flatten(), torch.nn.Linear(8, 4))
        return made.to(memory_format=torch.channels_last)

    def run(one, optimizer, steps):
        for _ in range(steps):
            for group in optimizer.param_groups:
                group["lr"] = 0.02
            loss = (one(pictures) - 1).square().mean()
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        return float(loss.detach())

    pictures, one, other = torch.randn(16, 3, 3, 3), module(), module()
    optimizer = loop.Muon(one)
    assert len(optimizer.pairs) == 2  # the kernel and the matrix; the biases are AdamW's
    first = run(one, optimizer, 1)
    assert run(one, optimizer, 30) < first / 3
    other.load_state_dict(one.state_dict())
    again = loop.Muon(other)
    again.load_state_dict(deepcopy(optimizer.state_dict()))
    run(one, optimizer, 2)
    run(other, again, 2)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters()))


def test_two_threads_train_as_one_does_and_resume(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINTS", tmp_path)
    cores, pictures = torch.get_num_threads(), torch.randn(16, 3, 3, 3)
    ends = []
    for name, threads, runs in (("one", 1, (6,)), ("two", 2, (6,)), ("cut", 2, (3, 6))):
        for steps in runs:
            torch.manual_seed(0)
            module = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.Flatten(), torch.nn.Linear(8, 4))
            module.to(memory_format=torch.channels_last)

            def loss(step, module=module):
                return (module(pictures).float() - 1).square().mean(), {"step": float(step)}

            arguments = SimpleNamespace(seed=0, device="cpu", steps=steps, minutes=0, batch=16)
            loop.train(name, module, loop.Ema(module, 0.9), loss, dict, arguments, rate=lambda done: 0.02,
                       optimizer=partial(loop.Muon, threads=threads), threads=threads)  # fmt: skip
        assert torch.get_num_threads() == cores
        ends.append([p.detach() for p in module.parameters()])
    for other in ends[1:]:
        assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(ends[0], other))


def test_a_step_that_fails_leaves_torch_its_cores(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINTS", tmp_path)
    cores, module = torch.get_num_threads(), torch.nn.Linear(2, 2)

    def loss(step):
        raise ZeroDivisionError

    arguments = SimpleNamespace(seed=0, device="cpu", steps=1, minutes=0, batch=1)
    with pytest.raises(ZeroDivisionError):
        loop.train("none", module, loop.Ema(module, 0.9), loss, dict, arguments, rate=lambda done: 0.1, threads=2)
    assert torch.get_num_threads() == cores


def test_pictures_made_in_two_threads_are_those_made_alone(pipe):
    texts, seeds, cores = ["a cat", "a red car on a white background", "🍎"], [1, 2, 3], torch.get_num_threads()
    several = curves.generate(pipe, texts, seeds, num_inference_steps=3)
    alone = [curves.generate(pipe, [text], [seed], num_inference_steps=3) for text, seed in zip(texts, seeds)]
    assert np.abs(several - np.concatenate(alone).astype(int)).max() <= 1
    assert torch.get_num_threads() == cores


def test_timesteps_come_late_as_often_as_asked():
    torch.manual_seed(0)
    drawn = denoiser.timesteps(12800, 0.3)
    assert 0 <= drawn.min() < 20 and 980 < drawn.max() < 1000
    assert (drawn >= 600).float().mean() == pytest.approx(0.3 + 0.7 * 0.4, abs=0.02)
    assert (drawn[drawn < 600] < 300).float().mean() == pytest.approx(0.5, abs=0.03)
