"""Bars have the lengths of their amounts, and say them."""

import pytest

from sdkit import draw_bars


def test_each_amount_is_a_bar_with_its_number():
    figure = draw_bars(["one", "two"], {"files": [3, 1.5], "memory": [2, 4]}, "MB")
    axes = figure.axes[0]
    assert [bar.get_width() for bar in axes.patches] == [3, 1.5, 2, 4]
    assert [text.get_text() for text in axes.texts] == ["3", "1.5", "2", "4"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["one", "two"]
    assert "two: files 1.5 MB, memory 4 MB" in figure.alt
    assert figure._repr_png_().startswith(b"\x89PNG")


def test_the_first_name_is_on_top_and_bars_do_not_overlap():
    figure = draw_bars(["one", "two"], {"files": [1, 1], "memory": [1, 1]})
    bars = sorted((bar.get_y(), bar.get_y() + bar.get_height()) for bar in figure.axes[0].patches)
    assert all(above[1] < below[0] for above, below in zip(bars, bars[1:]))
    assert figure.axes[0].yaxis_inverted()


@pytest.mark.parametrize(
    ("names", "amounts", "words"),
    [
        ([], {"a": []}, "nothing to draw"),
        (["one"], {}, "nothing to draw"),
        (["one"], {"a": [1, 2]}, "2 amounts for 1"),
        (["one"], {"a": [-1]}, "0 or more"),
    ],
)
def test_what_cannot_be_drawn_is_refused(names, amounts, words):
    with pytest.raises(ValueError, match=words):
        draw_bars(names, amounts)
