"""Contact sheets: every picture there, and never too large to open."""

import numpy as np
import pytest
from PIL import Image

from sdkit.shot import Shot
from sdkit.shots import Shots
from sdkit.show.sheet import MAX_PIXELS, draw_sheet, save_sheet


def shots(count, size=(8, 8)):
    colours = [(number % 250 + 5, number // 250 * 40, 255) for number in range(count)]
    cells = [{"seed": number} for number in range(count)]
    return Shots(
        [Shot(Image.new("RGB", size, colour), cell, {}, cell) for colour, cell in zip(colours, cells)],
        {"seed": list(range(count))},
    )


@pytest.mark.parametrize("count", [1, 2, 7, 300])
@pytest.mark.parametrize("columns", [None, 1, 5])
def test_every_picture_is_on_the_sheet(count, columns):
    sheet = np.asarray(draw_sheet(shots(count), columns=columns, side=8)).reshape(-1, 3)
    found = {tuple(colour) for colour in np.unique(sheet, axis=0).tolist()}
    assert {shot.image.getpixel((0, 0)) for shot in shots(count)} <= found


def test_labels_are_written_below_the_pictures():
    (shot,) = shots(1)
    plain, other = draw_sheet(Shots([shot])), draw_sheet(Shots([Shot(shot.image, {}, {}, {"prompt": "ねこ, a cat"})]))
    assert plain.size == other.size
    assert np.asarray(plain.crop((0, 0, 100, 100))).tolist() == np.asarray(other.crop((0, 0, 100, 100))).tolist()
    assert np.asarray(plain).tolist() != np.asarray(other).tolist()


def test_a_sheet_of_thousands_can_be_opened(monkeypatch):
    monkeypatch.setattr("sdkit.show.sheet.MAX_PIXELS", MAX_PIXELS // 100)
    width, height = draw_sheet(shots(400)).size
    assert width * height < MAX_PIXELS // 100 * 1.2


def test_saved_whole(tmp_path):
    path = save_sheet(shots(3), tmp_path / "new" / "sheet.png")
    assert np.array_equal(np.asarray(Image.open(path)), np.asarray(draw_sheet(shots(3))))


@pytest.mark.parametrize(
    ("made", "path", "options", "error", "words"),
    [
        (shots(0), "a.png", {}, ValueError, "no pictures"),
        (shots(1), "a.jpg", {}, ValueError, "ends in .png"),
        (shots(1), "a.png", {"columns": 0}, ValueError, "columns is 0"),
        (Shots([Shot(np.zeros((1, 2, 3)), {}, {})]), "a.png", {}, TypeError, "PIL pictures"),
    ],
)
def test_bad_input_is_refused(made, path, options, error, words, tmp_path):
    with pytest.raises(error, match=words):
        save_sheet(made, tmp_path / path, **options)
    assert not list(tmp_path.iterdir())
