"""Each number is a dot in the row of its name, and the largest mean stands on top."""

import pytest

import sdkit

NUMBERS = {"small": [1, 3], "large": [20, 40, 30], "one": [5]}


def test_each_number_is_a_dot_and_the_largest_mean_is_on_top():
    figure = sdkit.draw_dots(NUMBERS, "distance")
    (axis,) = figure.axes
    assert [label.get_text() for label in axis.get_yticklabels()] == ["small", "one", "large"]
    assert axis.get_xlabel() == "distance" and axis.get_xlim()[0] == 0
    dots = {line.get_ydata()[0]: sorted(line.get_xdata()) for line in axis.lines if line.get_marker() == "o"}
    assert dots == {0: [1, 3], 1: [5], 2: [20, 30, 40]}
    assert figure.alt == "distance in dots, means: large 30, one 5, small 2"


def test_numbers_below_zero_are_on_the_axis():
    assert sdkit.draw_dots({"a": [-2, 1]}).axes[0].get_xlim()[0] == -2


@pytest.mark.parametrize("numbers", [{}, {"a": [1], "b": []}])
def test_a_row_has_numbers(numbers):
    with pytest.raises(ValueError, match="give one or more for each name"):
        sdkit.draw_dots(numbers)
