"""Grids: every picture there, every one labelled."""

import io
from itertools import product

import numpy as np
import pytest
from PIL import Image

from sdkit import draw_grid
from sdkit.shot import Shot, SkippedCell
from sdkit.shots import Shots
from sdkit.show.grid import LABEL_LETTERS, LABEL_LINES


def picture(number):
    return Image.new("RGB", (8, 8), (number * 15, 0, 255))


def shots(axes, cells):
    return Shots([Shot(picture(n), {"seed": 0}, {}, cell) for n, cell in enumerate(cells)], axes)


@pytest.mark.parametrize("count", [1, 2, 3, 6, 8, 9, 13])
@pytest.mark.parametrize("columns", [None, 1, 4, 20])
def test_no_picture_is_lost(count, columns):
    figure = draw_grid([picture(n) for n in range(count)], columns=columns)
    drawn = [axis.images[0].get_array() for axis in figure.axes if axis.images]
    assert len(drawn) == count
    assert [int(image[0, 0, 0]) for image in drawn] == [n * 15 for n in range(count)]


def test_a_grey_picture_stays_grey():
    (axis,) = draw_grid([Image.new("L", (8, 8), 77)], labels=["mask"]).axes
    assert axis.images[0].get_array()[0, 0].tolist() == [77, 77, 77]


def test_rows_of_wide_pictures_are_flat():
    wide, square = ([Image.new("RGB", size)] * 4 for size in ((32, 8), (8, 8)))
    flat, usual, mixed = (draw_grid(some, columns=2).get_figheight() for some in (wide, square, wide + square))
    assert flat < usual < mixed


def test_one_axis_labels_each_picture():
    figure = draw_grid(shots({"eta": [0.0, 0.5]}, [{"eta": 0.0}, {"eta": 0.5}]))
    assert [axis.get_title() for axis in figure.axes] == ["eta\n= 0", "eta\n= 0.5"]


def test_two_axes_head_rows_and_columns():
    cells = [{"eta": e, "seed": s} for e in (0.0, 1.0) for s in (3, 4, 5)]
    figure = draw_grid(shots({"eta": [0.0, 1.0], "seed": [3, 4, 5]}, cells))
    assert [axis.get_title() for axis in figure.axes[:3]] == ["seed\n= 3", "seed\n= 4", "seed\n= 5"]
    assert [axis.texts[0].get_text() for axis in figure.axes[::3]] == ["eta\n= 0", "eta\n= 1"]
    assert repr(figure) == "<Grid of 2 x 3, 6 pictures: eta in 2 values, seed in 3 values>"


def three_axes():
    axes = {"scheduler": ["DDIM", "PNDM"], "eta": [0.0, 1.0], "seed": [3, 4, 5]}
    return shots(axes, [dict(zip(axes, values)) for values in product(*axes.values())])


def drawn(figure):
    return [int(axis.images[0].get_array()[0, 0, 0]) // 15 if axis.images else None for axis in figure.axes]


def test_a_third_axis_makes_tables_below_each_other():
    figure = draw_grid(three_axes())
    assert [part.get_suptitle() for part in figure.subfigs] == ["DDIM", "PNDM"]
    assert drawn(figure) == list(range(12))
    assert [axis.get_title() for axis in figure.axes[6:9]] == ["seed\n= 3", "seed\n= 4", "seed\n= 5"]
    assert repr(figure).startswith("<Grid of 2 times 2 x 3, 12 pictures: scheduler in 2 values")


@pytest.mark.parametrize("missing", [[0], [11], [1, 4, 7], list(range(1, 12))])
def test_cells_of_an_interrupted_sweep_keep_their_places(missing):
    whole = three_axes()
    part = Shots([shot for n, shot in enumerate(whole) if n not in missing], whole.axes)
    assert drawn(draw_grid(part)) == [None if n in missing else n for n in range(12)]


def test_an_interrupted_row_draws_what_is_there():
    part = shots({"eta": [0.0, 0.5, 1.0]}, [{"eta": 0.0}, {"eta": 1.0}])
    part.pop(0)
    assert [axis.get_title() for axis in draw_grid(part).axes] == ["eta\n= 1"]


def test_shows_itself_as_png_without_pyplot():
    data = draw_grid([picture(1)], labels=["x"])._repr_png_()
    assert np.asarray(Image.open(io.BytesIO(data))).shape[2] in (3, 4)


def test_long_prompts_are_wrapped_not_cut():
    label = (
        draw_grid(shots({"prompt": [1]}, [{"prompt": "a small red apple on a blue background"}])).axes[0].get_title()
    )
    assert label.replace("\n", " ") == "a small red apple on a blue background"
    assert max(map(len, label.split("\n"))) <= 20


@pytest.mark.parametrize(
    ("pictures", "options", "words"),
    [
        ([], {}, "no pictures"),
        ([picture(1)], {"labels": ["a", "b"]}, "2 labels for 1"),
        ([picture(1)], {"columns": 0}, "columns is 0"),
    ],
)
def test_bad_input_is_refused(pictures, options, words):
    with pytest.raises(ValueError, match=words):
        draw_grid(pictures, **options)


def text_table(rows, columns):
    axes = {"prompt": [str(row) for row in range(rows)], "eta": list(range(columns))}
    colours = [(row % 256, row // 256, 99) for row in range(rows)]
    cells = [(row, column) for row in range(rows) for column in range(columns)]
    return Shots(
        [
            Shot(Image.new("RGB", (8, 8), colours[row]), {}, None, {"prompt": str(row), "eta": column})
            for row, column in cells
        ],
        axes,
    )


@pytest.mark.parametrize("label", ["a $5 note and a $10 note", "ca$$h", r"a $\cat$ hat", "cost $x^{2$"])
def test_dollar_signs_are_dollar_signs(label):
    figure = draw_grid([Image.new("RGB", (8, 8))], labels=[label])
    assert figure._repr_png_()
    assert figure.axes[0].title.get_text() == label and not figure.axes[0].title.get_parse_math()


@pytest.mark.parametrize("text", ["x" * 200, "word " * 180])
def test_long_texts_are_cut_to_the_width_of_a_picture(text):
    shot = Shot(Image.new("RGB", (8, 8)), {}, None, {"prompt": text})
    lines = draw_grid([shot]).axes[0].title.get_text().split("\n")
    assert len(lines) == LABEL_LINES and max(map(len, lines)) <= LABEL_LETTERS and lines[-1].endswith("…")


def test_a_table_of_many_rows_is_one_picture_with_all_heads_and_pixels():
    figure = draw_grid(text_table(120, 2))
    (subplot,) = figure.axes
    assert [label.get_text() for label in subplot.get_yticklabels()] == [str(row) for row in range(120)]
    pixels = subplot.images[0].get_array()
    for row in (0, 60, 119):
        assert tuple(pixels[round(subplot.get_yticks()[row]), 4][:3]) == (row, 0, 99)


def test_a_skipped_cell_says_why_in_its_place():
    whole = three_axes()
    part = Shots(whole[:4] + whole[5:], whole.axes, [SkippedCell(whole[4].label, "no such step")])
    figure = draw_grid(part)
    assert drawn(figure) == [None if n == 4 else n for n in range(12)]
    assert [[text.get_text() for text in axis.texts][-1:] for axis in figure.axes][4] == ["no such step"]


def test_a_skipped_cell_of_one_axis_has_its_place_and_label():
    part = shots({"eta": [0.0, 0.5, 1.0]}, [{"eta": 0.0}, {"eta": 1.0}])
    part.skipped.append(SkippedCell({"eta": 0.5}, "no such step"))
    figure = draw_grid(part)
    assert drawn(figure) == [0, None, 1]
    assert [axis.get_title() for axis in figure.axes] == ["eta\n= 0", "eta\n= 0.5", "eta\n= 1"]


def test_japanese_labels_are_narrower():
    title = draw_grid([Shot(picture(1), {}, None, {"prompt": "青い背景の猫、絵の右上に赤い星"})]).axes[0].get_title()
    assert max(map(len, title.split("\n"))) <= LABEL_LETTERS // 2
