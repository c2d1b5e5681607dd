"""A run reports its steps, shows previews, says what had no effect, and stops when asked."""

import time

import pytest

from sdkit import generate
from sdkit.call.watching import StoppedError, watched, watching
from sdkit.measure import distance
from sdkit.panel.run import MAX_PREVIEW_SHARE, REPORT_INTERVAL, Run, decoded

VALUES = {"prompt": "a cat", "num_inference_steps": 6}


@pytest.fixture
def draw(pipe):
    def draw(**values):
        return generate(pipe, **values)[0]

    return draw


def test_a_run_returns_what_the_function_returns_and_reports_steps(draw):
    seen = []
    run = Run(draw, VALUES, lambda run: seen.append((run.step_number, run.steps)))
    began = time.perf_counter()
    shot = run()
    assert shot.settings["num_inference_steps"] == 6
    assert run.picture == 1 and run.step_number == run.steps == 6
    assert seen[0] == (1, 6)
    assert len(seen) <= 1 + (time.perf_counter() - began) / REPORT_INTERVAL
    assert run.preview is None


def test_previews_come_only_where_somebody_watches_and_grow_to_the_picture(draw, monkeypatch):
    monkeypatch.setattr("sdkit.panel.run.REPORT_INTERVAL", 0.0)
    monkeypatch.setattr("sdkit.panel.run.MAX_PREVIEW_SHARE", 1e9)
    previews = []
    shot = Run(draw, VALUES, lambda run: previews.append(run.preview), live=True)()
    assert len(previews) == 6 and previews[-1] is previews[-2]  # none at the last step
    distances = [distance(preview, shot) for preview in previews]
    assert distances[-1] < distances[0] / 2


def test_a_slow_decoder_takes_a_small_share_of_the_time(draw, monkeypatch):
    calls = []

    def slow(pipe, latents):
        calls.append(1)
        time.sleep(0.3)

    monkeypatch.setattr("sdkit.panel.run.decoded", slow)
    run = Run(draw, VALUES, lambda run: None, live=True)
    run()
    assert 1 <= len(calls) <= 1 + run.seconds * MAX_PREVIEW_SHARE / 0.3


def test_the_last_latents_decode_to_the_picture(pipe):
    class Keep:
        def begin(self, pipe, arguments):
            pass

        def step(self, pipe, index, latents):
            self.latents = latents

    keep = Keep()
    with watching(keep):
        shot = generate(pipe, **VALUES)[0]
    assert distance(decoded(pipe, keep.latents), shot) == 0


def test_a_stopped_run_ends_at_its_next_step(draw):
    run = Run(draw, VALUES, lambda run: run.stop())
    with pytest.raises(StoppedError):
        run()
    assert run.step_number == 1 and run.cut_short and run.stopping


def test_a_stop_before_the_start_or_between_pictures_counts(pipe):
    run = Run(lambda: pytest.fail("it ran"), {}, lambda run: None)
    run.stop()
    with pytest.raises(StoppedError):
        run()

    def several():
        watched(pipe, {"prompt": "a cat"})
        several.run.stop()
        watched(pipe, {"prompt": "a cat"})
        pytest.fail("it went on")

    several.run = Run(several, {}, lambda run: None)
    with pytest.raises(StoppedError):
        several.run()
    assert several.run.picture == 1


def test_what_has_no_effect_is_noted_once(draw):
    def twice():
        for _ in range(2):
            with pytest.warns(UserWarning, match="negative_prompt"):
                draw(prompt="a cat", negative_prompt="red", guidance_scale=1, num_inference_steps=1)

    run = Run(twice, {}, lambda run: None)
    run()
    assert len(run.notes) == 1 and run.notes[0].startswith("negative_prompt has no effect")


def test_unknown_words_are_told_in_one_line_for_each_prompt(pipe):
    def several(prompts):
        generate(pipe, prompts, negative_prompt=["blurry"] * 2, num_inference_steps=1)

    run = Run(several, {"prompts": ["a kat, masterpiece", "a masterpiece, 4k"]}, lambda run: None)
    run()
    assert run.notes == [
        "prompt holds what the built-in model has never read: "
        "\u201ckat\u201d (it knows hat, cat), \u201cmasterpiece\u201d, \u201c4k\u201d.",
        "negative_prompt holds what the built-in model has never read: \u201cblurry\u201d.",
    ]
