"""Figures show themselves without pyplot."""

import io

from PIL import Image

from sdkit.show.figure import DPI, new_figure


def test_a_figure_says_what_it_is_and_shows_itself():
    figure = new_figure((2, 1), "<Plot>")
    assert repr(figure) == str(figure) == "<Plot>"
    assert Image.open(io.BytesIO(figure._repr_png_())).size == (2 * DPI, DPI)
