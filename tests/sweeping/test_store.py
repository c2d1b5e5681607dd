"""The folder of a sweep: nothing lost, nothing damaged taken for whole, nothing foreign touched."""

import errno
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageFile
from PIL.PngImagePlugin import PngInfo

from sdkit import read_settings, rebuild, save_picture
from sdkit.shot import Shot
from sdkit.sweeping.plan import plan_cells
from sdkit.sweeping.store import Store
from sdkit.sweeping.variants import Variants


@pytest.fixture
def cells(pipe):
    return plan_cells(pipe, Variants(pipe), {"prompt": "a cat", "seed": [1, 2], "num_inference_steps": 2})[1]


def shot_of(cell, colour=77):
    noise = np.random.default_rng(colour).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    return Shot(Image.fromarray(noise), cell.settings, cell.origin, cell.label, 1.5)


@pytest.fixture
def kept(cells, tmp_path):
    """A store that has the first of two cells."""
    store = Store(tmp_path / "deep" / "folder")
    store.keep(cells[0], shot_of(cells[0]))
    return store


def test_a_kept_picture_is_found_again(kept, cells):
    found = Store(kept.folder).find(cells[0])
    assert np.array_equal(np.asarray(found.image), np.asarray(shot_of(cells[0]).image))
    assert (found.settings, found.origin, found.label) == (cells[0].settings, cells[0].origin, cells[0].label)
    assert found.seconds == 1.5
    assert kept.find(cells[1]) is None
    assert [path.name for path in kept.folder.iterdir()] == [kept.path(cells[0]).name]


def test_a_picture_of_an_earlier_version_is_found(kept, cells):
    """It had the store's own entries in the origin."""
    path = kept.path(cells[0])
    with Image.open(path) as picture:
        picture.load()
    record = json.loads(picture.info["sdkit"])
    record["origin"]["stored"] = record.pop("stored") | {"seconds": 1.5}
    info = PngInfo()
    info.add_text("sdkit", json.dumps(record))
    picture.save(path, pnginfo=info)
    found = Store(kept.folder).find(cells[0])
    assert found.origin == cells[0].origin and found.seconds == 1.5


def test_the_name_follows_from_settings_and_origin(kept, cells):
    first = cells[0]
    names = {
        kept.path(one).name
        for one in (
            first,
            cells[1],
            replace(first, settings={**first.settings, "eta": 0.5}),
            replace(first, origin=replace(first.origin, dtype="torch.float16")),
        )
    }
    assert len(names) == 4
    assert kept.path(replace(first, label={}, pixels=0)) == kept.path(first)
    elsewhere = replace(first.origin, machine={**first.origin.machine, "threads": 99})
    assert kept.path(replace(first, origin=elsewhere)) == kept.path(first)


def test_a_found_picture_tells_the_machine_that_made_it(kept, cells):
    made_on = cells[0].origin.machine
    here = replace(cells[0], origin=replace(cells[0].origin, machine={**made_on, "threads": 99}))
    assert kept.find(here).origin.machine == made_on


def test_a_picture_to_start_from_is_part_of_the_name(kept, cells):
    red, same, blue = (Image.new("RGB", (8, 8), colour) for colour in ("red", "red", "blue"))
    names = [kept.path(replace(cells[0], settings={**cells[0].settings, "image": one})) for one in (red, same, blue)]
    assert names[0] == names[1] != names[2]


def test_the_file_is_a_picture_like_any_other(pipe, tmp_path, cells):
    from sdkit import generate

    shot = generate(pipe, **cells[0].arguments)[0]
    path = Store(tmp_path).keep(cells[0], shot)
    assert read_settings(path)["settings"] == shot.settings
    assert rebuild(path, pipe).max_difference == 0


def test_a_truncated_file_is_noticed(kept, cells):
    path = kept.path(cells[0])
    whole = path.read_bytes()
    for size in (0, 1, 20, 100, len(whole) // 2, len(whole) - 100):
        path.write_bytes(whole[:size])
        with pytest.warns(UserWarning, match="is damaged and will be made again"):
            assert Store(kept.folder).find(cells[0]) is None
    assert path.exists()


@pytest.mark.filterwarnings("ignore:.*is damaged and will be made again")
def test_a_flipped_bit_never_changes_a_found_picture(kept, cells):
    path, noticed = kept.path(cells[0]), 0
    whole = path.read_bytes()
    for place in range(0, len(whole), len(whole) // 150):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << place % 8
        path.write_bytes(flipped)
        found = Store(kept.folder).find(cells[0])
        noticed += found is None
        assert found is None or np.array_equal(np.asarray(found.image), np.asarray(shot_of(cells[0]).image))
    assert noticed > 140


def test_a_flipped_bit_is_noticed_where_pillow_is_told_to_overlook_it(kept, cells, monkeypatch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    path = kept.path(cells[0])
    data = bytearray(path.read_bytes())
    data[-2000] ^= 255
    path.write_bytes(data)
    with pytest.warns(UserWarning, match="damaged"):
        assert kept.find(cells[0]) is None


def test_another_picture_under_the_name_is_noticed(kept, cells):
    Image.new("RGB", (64, 64)).save(kept.path(cells[0]))
    with pytest.warns(UserWarning, match="the record in .* is damaged or missing"):
        assert Store(kept.folder).find(cells[0]) is None
    save_picture(shot_of(cells[1]), kept.path(cells[0]))
    with pytest.warns(UserWarning, match="damaged"):
        assert Store(kept.folder).find(cells[0]) is None
    kept.keep(cells[1], shot_of(cells[1]))
    kept.path(cells[0]).write_bytes(kept.path(cells[1]).read_bytes())
    with pytest.warns(UserWarning, match="another picture"):
        assert Store(kept.folder).find(cells[0]) is None


def test_a_damaged_file_is_told_once_and_replaced(kept, cells, recwarn):
    kept.path(cells[0]).write_text("no picture")
    assert kept.find(cells[0]) is kept.find(cells[0]) is None
    assert len(recwarn) == 1
    kept.keep(cells[0], shot_of(cells[0]))
    assert kept.find(cells[0])


def test_two_stores_in_one_folder_agree(kept, cells):
    other = Store(kept.folder)
    other.keep(cells[0], shot_of(cells[0], colour=5))
    other.keep(cells[1], shot_of(cells[1]))
    assert np.array_equal(np.asarray(kept.find(cells[0]).image), np.asarray(shot_of(cells[0], colour=5).image))
    assert kept.find(cells[1])


def test_a_full_disk_is_said_and_leaves_what_was_there(kept, cells, monkeypatch):
    def full(self, path, **options):
        if hasattr(path, "write_bytes"):
            path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    before = {path.name: path.read_bytes() for path in kept.folder.iterdir()}
    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(OSError, match="the disk is full; free some space, then run the sweep again") as caught:
        kept.keep(cells[1], shot_of(cells[1]))
    assert caught.value.errno == errno.ENOSPC
    assert {path.name: path.read_bytes() for path in kept.folder.iterdir()} == before


def test_a_folder_that_cannot_be_written_is_said_before_anything(tmp_path, monkeypatch):
    def refuse(dir):  # permissions would not stop an administrator
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("sdkit.sweeping.store.TemporaryFile", refuse)
    with pytest.raises(PermissionError, match="cannot write to the folder .Permission denied., so nothing was started"):
        Store(tmp_path)


@pytest.mark.parametrize("folder", ["", "pictures\0", "s3://bucket/pictures", "~nobody-of-that-name/x"])
def test_a_folder_without_a_usable_name_is_refused(folder):
    with pytest.raises(ValueError, match="^(folder|path) is "):
        Store(folder)


def test_a_file_in_the_folders_place_is_said(tmp_path):
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(OSError, match="cannot write to the folder"):
        Store(tmp_path / "taken")
    assert (tmp_path / "taken").read_text() == "mine"


def test_a_folder_that_became_read_only_is_said(kept, cells, monkeypatch):
    def refuse(self, path, **options):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Image.Image, "save", refuse)
    with pytest.raises(PermissionError, match="Permission denied; make the folder writable, then run"):
        kept.keep(cells[1], shot_of(cells[1]))


def test_settings_that_a_file_cannot_keep_are_refused(kept, cells):
    with pytest.raises(ValueError, match="callback_on_step_end cannot be kept in a file; leave out folder"):
        kept.path(replace(cells[0], settings={**cells[0].settings, "callback_on_step_end": print}))
