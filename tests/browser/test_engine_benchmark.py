"""The benchmark of the browser draws all kinds of settings, and runs in a small form."""

import pytest

from benchmarks import browser


def test_settings_are_of_all_kinds_and_the_same_for_a_number():
    drawn = browser.drawn(30)
    assert {settings["scheduler"] for settings in drawn} == set(browser.SCHEDULERS)
    for name in ("eta", "negative_prompt", "image", "strength", "guidance_rescale", "height"):
        assert 3 <= sum(name in settings for settings in drawn) < 30, name
    texts = [settings["prompt"] for settings in drawn]
    assert sum("背景" in text for text in texts) == 9 and sum(text.isascii() for text in texts) == 12
    assert any(settings["seed"] >= 2**63 for settings in drawn)
    assert list(map(browser.in_words, drawn)) == list(map(browser.in_words, browser.drawn(30)))
    assert list(map(browser.in_words, drawn)) != list(map(browser.in_words, browser.drawn(30, seed=1)))


@pytest.mark.browser
@pytest.mark.slow
def test_it_runs(built, chromium, capsys):
    browser.main(["--pictures", "1", "--times", "1"])
    said = capsys.readouterr().out
    assert "| load to the first picture |" in said and "Of 1 settings drawn at random 1 differ" in said
