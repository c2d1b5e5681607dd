"""Checks speak English and Japanese, the same things in both."""

import pytest

import sdkit as sd
from sdkit.exercises import messages
from tools import sentences


def test_every_sentence_has_its_japanese():
    assert sentences.problems() == []


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Return folders with the checks of one lesson and its translations, which a test may change."""
    (tmp_path / "checks").mkdir()
    (tmp_path / "ja").mkdir()
    (tmp_path / "checks" / "one.py").write_text('finding("a", 1, right="A {b}.", missing=other, hint=x.y)')
    (tmp_path / "ja" / "one.json").write_text('{"A {b}.": "{b}"}')
    (tmp_path / "shared.py").write_text('say("Common.")')
    (tmp_path / "ja" / "common.json").write_text('{"Common.": "共通"}')
    for name, place in (("PACKAGE", ""), ("CHECKS", "checks"), ("JAPANESE", "ja")):
        monkeypatch.setattr(sentences, name, tmp_path / place)
    return tmp_path


@pytest.mark.parametrize(
    ("file", "text", "problem"),
    [
        ("ja/one.json", "{}", "one.json lacks 'A {b}.'"),
        ("ja/one.json", '{"A {b}.": ""}', "one.json lacks 'A {b}.'"),
        ("ja/one.json", '{"A {b}.": "{c}"}', "one.json: the fields of 'A {b}.' are not those of its translation"),
        ("ja/one.json", '{"A {b}.": "{b}", "C": "c"}', "one.json has 'C', which no check says"),
        ("checks/one.py", 'say("Common.")\nsay("A {b}.")\nsay("New")', "one.json lacks 'New'"),
    ],
)
def test_what_translations_lack_is_found(folders, file, text, problem):
    assert sentences.problems() == []
    (folders / file).write_text(text, encoding="utf-8")
    assert sentences.problems() == [problem]


@pytest.mark.parametrize("code", ['finding(1, right=f"{a}")', 'say("a" + b)', "say(3)"])
def test_a_sentence_that_is_put_together_is_told(code):
    with pytest.raises(ValueError, match="line 1: write the sentence as one text"):
        sentences.sentences_of(code)


def test_japanese_is_spoken_on_request(monkeypatch):
    english = sd.check_answer("guidance_scale", "formula", 3)
    assert "not a function" in repr(english)
    monkeypatch.setenv("SDKIT_LANGUAGE", "ja")
    found = sd.check_answer("guidance_scale", "formula", 3)
    assert found.missing == english.missing
    assert repr(found).splitlines()[0] == "formula：まだ正解ではありません。2点中0点です。"
    assert "答えの型はintで、関数ではありません。" in repr(found) and "ヒント：" in found._repr_html_()


def test_a_sentence_without_a_translation_stays_english(monkeypatch):
    monkeypatch.setenv("SDKIT_LANGUAGE", "ja")
    assert messages.say("Nobody translated {what}.", what="this") == "Nobody translated this."


def test_another_language_is_refused(monkeypatch):
    monkeypatch.setenv("SDKIT_LANGUAGE", "fr")
    with pytest.raises(ValueError, match="SDKIT_LANGUAGE is 'fr'; set it to en or ja"):
        sd.check_answer("guidance_scale", "formula", None)
