"""Labels: measured, wrapped, cut, in fonts that have their letters."""

import pytest
from PIL import Image, ImageDraw

from sdkit.show.labels import CUT, MAX_LINES, draw_text, shortened, text_width, wrapped

SIZE, WIDTH = 27, 256


def test_long_prompts_are_wrapped_not_cut():
    text = "a small red apple on a blue background"
    lines = wrapped(text, WIDTH, SIZE)
    assert " ".join(lines) == text and len(lines) > 1
    assert max(text_width(line, SIZE) for line in lines) <= WIDTH


@pytest.mark.parametrize("text", ["x" * 200, "word " * 180, "青" * 200, "a" * 5000])
def test_long_texts_are_cut_to_the_width_of_a_picture(text):
    lines = wrapped(text, WIDTH, SIZE)
    assert len(lines) == MAX_LINES and lines[-1].endswith(CUT)
    assert max(text_width(line, SIZE) for line in lines) <= WIDTH


def test_japanese_breaks_between_letters_and_loses_none():
    text = "青い背景の猫、絵の右上に赤い星 and a cat"
    lines = wrapped(text, WIDTH, SIZE)
    assert len(lines) > 1 and "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert max(text_width(line, SIZE) for line in lines) <= WIDTH


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("num_inference_steps = 50", ["num_inference_", "steps = 50"]),
        ("EulerAncestralDiscreteScheduler", ["EulerAncestral", "DiscreteScheduler"]),
        ("a guidance_scale of 7.5", ["a guidance_scale", "of 7.5"]),
    ],
)
def test_long_names_break_between_their_parts(name, lines):
    assert wrapped(name, WIDTH, SIZE) == lines


def test_line_breaks_and_empty_texts_stay():
    assert wrapped("a\nb c", WIDTH, SIZE) == ["a", "b c"]
    assert wrapped("", WIDTH, SIZE) == [""]


def test_a_line_is_shortened_where_it_must_be():
    assert shortened("a cat", WIDTH, SIZE) == "a cat"
    short = shortened("a cat on a blue background", WIDTH, SIZE)
    assert short.startswith("a cat") and short.endswith(CUT) and text_width(short, SIZE) <= WIDTH


@pytest.mark.parametrize("text", ["gy|", "a $5 note", "é"])
def test_text_is_drawn_as_wide_as_it_is_measured_and_around_its_baseline(text):
    canvas = Image.new("L", (300, 80), 255)
    draw_text(ImageDraw.Draw(canvas), (10, 50), text, SIZE, fill=0)
    left, top, right, bottom = canvas.point(lambda level: 255 - level).getbbox()
    assert 9 <= left and right <= 10 + text_width(text, SIZE) + 2 and 50 - SIZE <= top < 50 <= bottom
