"""Labels in any language: letters that the usual font lacks come from another one, or are named once."""

import warnings
from types import SimpleNamespace

import pytest
from matplotlib.font_manager import findfont
from PIL import Image

from sdkit import draw_grid
from sdkit.shot import Shot
from sdkit.shots import Shots
from sdkit.show import fonts, labels
from sdkit.show.fonts import Fitting, fitting, lacking_in

USUAL = findfont("DejaVu Sans")
JAPANESE = "青い背景の猫"
NOWHERE = "\U00012031"  # a cuneiform sign: common fonts lack it


@pytest.fixture
def no_fonts(monkeypatch):
    """A machine on which matplotlib's own fonts are all there is."""
    from matplotlib.font_manager import fontManager

    own = [entry for entry in fontManager.ttflist if entry.name.startswith("DejaVu")]
    monkeypatch.setattr(fontManager, "ttflist", own)
    forget()
    yield
    forget()


def forget():
    """Forget which fonts were found, and for which texts."""
    fonts._font_for.cache_clear()
    labels._runs.cache_clear()


def has_japanese():
    forget()
    return fonts._font_for(frozenset(JAPANESE)) is not None


needs_a_font = pytest.mark.skipif(not has_japanese(), reason="no font with Japanese letters is installed")


def shots_labelled(text):
    return Shots([Shot(Image.new("RGB", (64, 64)), {}, None, {"prompt": text})], {"prompt": [text]})


def test_the_usual_font_is_enough_for_what_it_has():
    assert fitting("a café ❤\ufe0f", lacking_in(USUAL, "a café ❤\ufe0f")) == Fitting("a café ❤", None)


def test_emoji_come_from_fonts_with_outlines_not_from_those_with_pictures(monkeypatch):
    from matplotlib.font_manager import fontManager

    names = ("Noto Color Emoji", "Noto Emoji", "Last Resort")
    monkeypatch.setattr(fontManager, "ttflist", [SimpleNamespace(name=name, fname=USUAL) for name in names])
    forget()
    assert fonts._font_for(frozenset("a")).family == "Noto Emoji"
    forget()


def test_letters_that_no_font_has_are_named_in_our_own_words(no_fonts):
    with pytest.warns(UserWarning, match="no font on this machine has 猫; question marks stand for them"):
        assert fitting("a 猫", lacking_in(USUAL, "a 猫")) == Fitting("a ?", None)


def test_a_font_file_that_is_no_font_lacks_every_letter(tmp_path):
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    assert lacking_in(str(tmp_path / "broken.ttf"), "ab") == {"a", "b"}


def test_a_grid_and_a_sheet_without_a_font_warn_in_our_words_only(no_fonts, tmp_path):
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        draw_grid(shots_labelled(JAPANESE))._repr_png_()
        shots_labelled(JAPANESE).save_sheet(tmp_path / "sheet.png")
    assert heard and all("question marks stand for them" in str(one.message) for one in heard)


@needs_a_font
def test_a_grid_and_a_sheet_draw_japanese_with_a_font_that_has_it(tmp_path, recwarn):
    for one, other in ((JAPANESE, "??????"), ("青", "赤")):  # boxes for missing letters would all look the same
        drawn = [draw_grid(shots_labelled(text))._repr_png_() for text in (one, other)]
        assert drawn[0] != drawn[1]
        sheets = [shots_labelled(text).save_sheet(tmp_path / "sheet.png").read_bytes() for text in (one, other)]
        assert sheets[0] != sheets[1]
    assert not recwarn


@needs_a_font
def test_what_is_in_no_font_is_replaced_beside_what_is_in_one():
    text = f"a {JAPANESE} {NOWHERE}"
    with pytest.warns(UserWarning, match="no font on this machine has"):
        found = fitting(text, lacking_in(USUAL, JAPANESE) | {NOWHERE})
    assert found.text == f"a {JAPANESE} ?" and found.font


def test_a_letter_that_is_nowhere_is_told_once(no_fonts):
    with pytest.warns(UserWarning, match="no font on this machine has 猫"):
        draw_grid(shots_labelled("猫"))._repr_png_()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw_grid(shots_labelled("猫"))._repr_png_()
