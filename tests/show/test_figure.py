"""Figures show themselves without pyplot."""

import io

from PIL import Image

from sdkit.show.figure import DPI, PAGE_DPI, new_figure


def test_a_figure_says_what_it_is_and_shows_itself():
    figure = new_figure((2, 1), "Plot")
    assert repr(figure) == str(figure) == "<Plot>"
    assert Image.open(io.BytesIO(figure._repr_png_())).size == (2 * DPI, DPI)


def test_a_figure_is_twice_as_fine_as_the_page_and_has_a_text():
    data, metadata = new_figure((2, 1), "Plot")._repr_mimebundle_()
    assert metadata == {"image/png": {"width": 2 * PAGE_DPI, "alt": "Plot"}} and data["text/plain"] == "<Plot>"
    assert Image.open(io.BytesIO(data["image/png"])).width == 2 * metadata["image/png"]["width"]
