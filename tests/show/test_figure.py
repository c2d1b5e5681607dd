"""Figures show themselves without pyplot."""

import io
import subprocess
import sys

from PIL import Image

from sdkit.show.figure import DPI, new_figure


def test_a_figure_says_what_it_is_and_shows_itself():
    figure = new_figure((2, 1), "<Plot>")
    assert repr(figure) == str(figure) == "<Plot>"
    assert Image.open(io.BytesIO(figure._repr_png_())).size == (2 * DPI, DPI)


def test_pyplot_is_not_imported():
    code = (
        "import sys; from sdkit.show.figure import new_figure; new_figure((1, 1), 'x')._repr_png_(); "
        "print('matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
