"""Grids: every picture there, every one labelled."""

import io
import time
from itertools import product

import numpy as np
import pytest
from PIL import Image

from sdkit import draw_grid
from sdkit.shot import Shot, SkippedCell
from sdkit.shots import Shots
from sdkit.show.drawing import DENSITY, FRAME, LETTERS, MAX_PIXELS, SIDE, STEP


def picture(number):
    return Image.new("RGB", (8, 8), (number * 15, 0, 255))


def shots(axes, cells):
    return Shots([Shot(picture(n), {"seed": 0}, {}, cell) for n, cell in enumerate(cells)], axes)


def drawn(grid):
    """Return the number of each picture as it is drawn, in reading order."""
    return [grid.image.getpixel(box[:2])[0] // 15 for _, box in grid.pictures]


def texts(grid):
    return [line.text for line in grid.words]


def centre_of(text, grid):
    """Return the column of pixels in the middle of the ink of a line of text."""
    (line,) = [line for line in grid.words if line.text == text]
    strip = grid.image.convert("L").crop((int(line.x) - 4, int(line.y) - LETTERS, grid.size[0], int(line.y)))
    dark = np.flatnonzero((np.asarray(strip) < 128).any(axis=0))
    end = next((place for place, gap in enumerate(np.diff(dark)) if gap > LETTERS), len(dark) - 1)
    return int(line.x) - 4 + (dark[0] + dark[end]) / 2


@pytest.mark.parametrize("count", [1, 2, 3, 6, 8, 9, 13])
@pytest.mark.parametrize("columns", [None, 1, 4, 20])
def test_no_picture_is_lost(count, columns):
    assert drawn(draw_grid([picture(n) for n in range(count)], columns=columns)) == list(range(count))


@pytest.mark.parametrize("alone", [picture(3), Shot(picture(3), {"seed": 1}, {})])
def test_one_picture_alone_is_a_grid(alone):
    assert drawn(draw_grid(alone)) == [3]


@pytest.mark.parametrize("side", [7, 64, 128, 256, 300, 512])
def test_pictures_are_drawn_whole_and_within_a_grey_level_of_their_colours(side):
    noise = Image.effect_noise((side, side), 90).convert("RGB")
    for labels in (["one line"], ["two\nlines"]):  # labels once covered the first row of pixels
        grid = draw_grid([noise], labels=labels)
        ((_, box),) = grid.pictures
        shown = grid.image.crop(box)
        assert side == shown.width if side > SIDE else SIDE <= shown.width < 1.2 * SIDE
        if side <= SIDE:
            back = shown.resize((side, side), Image.Resampling.NEAREST)
            assert np.array_equal(back.resize(shown.size, Image.Resampling.NEAREST), shown)
            off = abs(np.asarray(back, dtype=int) - np.asarray(noise))
            assert off.max() <= STEP // 2


@pytest.mark.parametrize(("count", "width"), [(3, 512), (5, 400), (20, SIDE)])
def test_large_pictures_are_as_large_as_a_page_has_room_for(count, width):
    grid = draw_grid([Image.new("RGB", (512, 512))] * count, labels=["x"] * count, columns=count)
    assert {box[2] - box[0] for _, box in grid.pictures} == {width}


def test_black_and_white_stay_what_they_are_and_have_a_frame():
    grid = draw_grid([Image.new("RGB", (8, 8), colour) for colour in ("black", "white")])
    for (_, (left, top, right, bottom)), colour in zip(grid.pictures, ((0,) * 3, (255,) * 3)):
        assert grid.image.getpixel((left, top)) == grid.image.getpixel((right - 1, bottom - 1)) == colour
        assert grid.image.getpixel((left - 1, top)) == grid.image.getpixel((right, bottom - 1)) == FRAME


def test_a_grey_picture_stays_grey():
    grid = draw_grid([Image.new("L", (8, 8), 78)], labels=["mask"])
    assert grid.image.getpixel(grid.pictures[0].box[:2]) == (78, 78, 78)


def test_arrays_are_pictures_too():
    grid = draw_grid([np.zeros((8, 8, 3)), np.ones((8, 8, 3)), np.full((8, 8, 3), 9, np.uint8)])
    assert [grid.image.getpixel(box[:2])[0] for _, box in grid.pictures] == [0, 255, 9]


def test_pictures_have_their_true_relative_sizes():
    sizes = [(64, 64), (128, 128), (192, 128), (32, 128)]
    grid = draw_grid([Image.new("RGB", size) for size in sizes])
    found = [(right - left, bottom - top) for _, (left, top, right, bottom) in grid.pictures]
    assert found == [(2 * width, 2 * height) for width, height in sizes]


def test_rows_of_wide_pictures_are_flat():
    wide, square = ([Image.new("RGB", size)] * 4 for size in ((32, 8), (8, 8)))
    flat, usual = (draw_grid(some, columns=2).size[1] for some in (wide, square))
    assert flat < usual / 2


def test_one_axis_is_named_once_and_its_values_stand_above_the_pictures():
    grid = draw_grid(shots({"eta": [0.0, 0.5]}, [{"eta": 0.0}, {"eta": 0.5}]))
    assert texts(grid) == ["eta", "0", "0.5"]
    for text, (_, (left, _, right, _)) in zip(["0", "0.5"], grid.pictures):
        assert abs(centre_of(text, grid) - (left + right) / 2) < 4
    assert abs(centre_of("eta", grid) - grid.size[0] / 2) < 4


def test_two_axes_head_rows_and_columns():
    cells = [{"eta": e, "seed": s} for e in (0.0, 1.0) for s in (3, 4, 5)]
    grid = draw_grid(shots({"eta": [0.0, 1.0], "seed": [3, 4, 5]}, cells))
    assert texts(grid) == ["seed", "3", "4", "5", "eta", "0", "1"]
    for head, (_, (left, top, _, bottom)) in zip(grid.words[-2:], grid.pictures[::3]):
        assert head.x < left and top < head.y < bottom
    assert repr(grid) == "<Grid of 2 x 3, 6 pictures: eta in 2 values, seed in 3 values>"
    assert grid.alt == "6 pictures: eta = 0, 1; seed = 3, 4, 5"


def test_shots_of_a_call_are_labelled_with_their_seeds():
    made = [Shot(picture(n), {"seed": n + 7}, {}) for n in range(2)]
    assert texts(draw_grid(made)) == ["seed", "7", "8"]


def test_labels_of_several_names_say_each():
    made = [Shot(picture(n), {}, {}, {"eta": n / 2, "seed": 3}) for n in range(2)]
    assert texts(draw_grid(made)) == ["eta = 0", "seed = 3", "eta = 0.5", "seed = 3"]


def test_an_empty_prompt_is_two_quotation_marks():
    grid = draw_grid(shots({"prompt": ["", "a cat"]}, [{"prompt": ""}, {"prompt": "a cat"}]))
    assert texts(grid) == ["prompt", '""', "a cat"]


def test_a_name_wider_than_the_pictures_is_drawn_whole():
    name = "a_very_long_name_of_an_argument"
    grid = draw_grid(shots({name: [1]}, [{name: 1}]))
    edge = np.asarray(grid.image.convert("L"))[:, -4:]
    assert texts(grid) == [name, "1"] and (edge == 255).all()


def three_axes():
    axes = {"scheduler": ["DDIM", "PNDM"], "eta": [0.0, 1.0], "seed": [3, 4, 5]}
    return shots(axes, [dict(zip(axes, values)) for values in product(*axes.values())])


def test_a_third_axis_makes_tables_below_each_other():
    grid = draw_grid(three_axes())
    assert drawn(grid) == list(range(12))
    one = ["seed", "3", "4", "5", "eta", "0", "1"]
    assert texts(grid) == ["scheduler = DDIM", *one, "scheduler = PNDM", *one]
    tops = [line.y for line in grid.words if line.text.startswith("scheduler")]
    assert tops[0] < grid.pictures[0].box[1] and grid.pictures[5].box[3] < tops[1] < grid.pictures[6].box[1]
    assert repr(grid).startswith("<Grid of 2 times 2 x 3, 12 pictures: scheduler in 2 values")


@pytest.mark.parametrize("missing", [[0], [11], [1, 4, 7], list(range(1, 12))])
def test_cells_of_an_interrupted_sweep_keep_their_places(missing):
    whole = three_axes()
    part = Shots([shot for n, shot in enumerate(whole) if n not in missing], whole.axes)
    places = [box for _, box in draw_grid(whole).pictures]
    grid = draw_grid(part)
    assert grid.size == draw_grid(whole).size
    assert [box for _, box in grid.pictures] == [box for n, box in enumerate(places) if n not in missing]
    assert drawn(grid) == [n for n in range(12) if n not in missing]


def test_an_interrupted_row_draws_what_is_there():
    part = shots({"eta": [0.0, 0.5, 1.0]}, [{"eta": 0.0}, {"eta": 1.0}])
    part.pop(0)
    assert texts(draw_grid(part)) == ["eta", "1"]


def test_a_skipped_cell_says_why_in_its_place():
    whole = three_axes()
    part = Shots(whole[:4] + whole[5:], whole.axes, [SkippedCell(whole[4].label, "no such step")])
    left, top, right, bottom = draw_grid(whole).pictures[4].box
    (reason,) = [line for line in draw_grid(part).words if line.text == "no such step"]
    assert left <= reason.x < right and top < reason.y < bottom


def test_a_skipped_cell_of_one_axis_has_its_place_and_label():
    part = shots({"eta": [0.0, 0.5, 1.0]}, [{"eta": 0.0}, {"eta": 1.0}])
    part.skipped.append(SkippedCell({"eta": 0.5}, "no such step"))
    grid = draw_grid(part)
    assert drawn(grid) == [0, 1] and texts(grid) == ["eta", "0", "0.5", "1", "no such step"]


@pytest.mark.parametrize("label", ["a $5 note, $10", "ca$$h", r"a $\cat$ hat", "cost $x^{2$"])
def test_dollar_signs_are_dollar_signs(label):
    grid = draw_grid([Image.new("RGB", (8, 8))], labels=[label])
    assert grid.image and texts(grid) == [label]


def test_labels_may_be_numbers_and_some_may_be_blank():
    assert texts(draw_grid([picture(1), picture(2)], labels=[7, ""])) == ["7"]


def test_a_table_of_300_rows_is_drawn_in_seconds_with_all_heads_and_pixels():
    axes = {"prompt": [f"row {row}" for row in range(300)], "eta": [0, 1]}
    colours = [(row // 20 * 15, row % 20 * 12, 99) for row in range(300)]
    cells = [(row, eta) for row in range(300) for eta in axes["eta"]]
    made = [
        Shot(Image.new("RGB", (128, 128), colours[row]), {}, None, {"prompt": f"row {row}", "eta": eta})
        for row, eta in cells
    ]
    began = time.process_time()
    grid = draw_grid(Shots(made, axes))
    width, height = Image.open(io.BytesIO(grid._repr_png_())).size
    assert time.process_time() - began < 5
    assert width * height < 1.5 * MAX_PIXELS
    assert [text for text in texts(grid) if text.startswith("row")] == axes["prompt"]
    assert [grid.image.getpixel(box[:2]) for _, box in grid.pictures] == [colours[row] for row, _ in cells]


def test_a_notebook_shows_it_with_half_as_many_pixels_and_a_text():
    grid = draw_grid([picture(1)], labels=["x"])
    data, metadata = grid._repr_mimebundle_()
    shown = Image.open(io.BytesIO(data["image/png"]))
    assert np.array_equal(shown, grid.image)
    assert metadata == {"image/png": {"width": shown.width // DENSITY, "alt": "1 picture: x"}}
    assert data["text/plain"] == repr(grid) == "<Grid of 1 x 1, 1 picture: one call>"


@pytest.mark.parametrize(
    ("labels", "alt"),
    [
        (["(none)", "(none)", "red"], "3 pictures: (none), red"),
        (["a cat, left", "a dog", ""], "3 pictures: a cat, left | a dog"),
        ([""] * 3, "3 pictures"),
        (None, "3 pictures"),
    ],
)
def test_the_text_says_each_label_once(labels, alt):
    assert draw_grid([picture(n) for n in range(3)], labels=labels).alt == alt


def test_the_text_says_labels_rather_than_axes():
    made = shots({"eta": [0.0, 0.5]}, [{"eta": 0.0}, {"eta": 0.5}])
    assert draw_grid(made, labels=["none", "half"]).alt == "2 pictures: none, half"
    assert draw_grid(list(made)).alt == draw_grid(made).alt == "2 pictures: eta = 0, 0.5"


def test_eight_pictures_of_the_built_in_model_fit_a_page():
    assert draw_grid([Image.new("RGB", (128, 128))] * 8).page_width <= 1100


def test_it_is_saved_whole(tmp_path):
    grid = draw_grid([picture(1)])
    assert np.array_equal(Image.open(grid.save(tmp_path / "new" / "grid.png")), grid.image)
    with pytest.raises(ValueError, match="ends in .png"):
        grid.save(tmp_path / "grid.jpg")


@pytest.mark.parametrize(
    ("pictures", "options", "error", "words"),
    [
        ([], {}, ValueError, "no pictures"),
        ([picture(1)], {"labels": ["a", "b"]}, ValueError, "2 labels for 1"),
        ([picture(1)], {"columns": 0}, ValueError, "columns is 0"),
        ([7], {}, TypeError, "a grid shows pictures, and this is a int"),
        ([np.zeros((4, 8, 8))], {}, TypeError, r"something of shape \(4, 8, 8\)"),
    ],
)
def test_bad_input_is_refused(pictures, options, error, words):
    with pytest.raises(error, match=words):
        draw_grid(pictures, **options)
