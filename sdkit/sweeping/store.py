"""A folder of finished pictures, each under a name that follows from its settings and origin."""

from __future__ import annotations

import errno
import os
import warnings
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryFile

from sdkit.files import write_whole
from sdkit.record.png import digest, encode, is_lost, png_of, read_settings
from sdkit.shot import Shot, is_picture
from sdkit.sweeping.plan import Cell

_STORED = "stored"  # the key in a picture's origin under which the store keeps what it needs itself


class Store:
    """Finished pictures of sweeps in one folder; several processes may use it at once.

    A picture's name is a hash of its settings and origin, so any sweep that wants the same picture
    finds it, also one on another machine or with other threads (where it would differ by some grey
    levels). Each is written under a temporary name and then renamed. Files under other names are
    never touched. Raises OSError if the folder cannot be written to.
    """

    def __init__(self, folder):
        if not isinstance(folder, (str, os.PathLike)):
            raise TypeError(f"folder is {folder!r}; give a path.")
        self.folder = Path(folder).expanduser()
        self._names: dict[Cell, str] = {}
        self._damaged: set[Path] = set()
        self._pictures: dict = {}  # id -> (picture, encoded): cells often start from the same one
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with TemporaryFile(dir=self.folder):
                pass
        except OSError as error:
            why = f"cannot write to the folder ({error.strerror}), so nothing was started; give another"
            raise OSError(error.errno, why, str(self.folder)) from error

    def path(self, cell: Cell) -> Path:
        """Return the file of a cell. Raises ValueError if it has settings that a file cannot keep."""
        if cell not in self._names:
            settings = {name: self._encoded(value) for name, value in cell.settings.items()}
            lost = [name for name, value in settings.items() if is_lost(value)]
            if lost:
                raise ValueError(f"{', '.join(lost)} cannot be kept in a file; leave out folder.")
            self._names[cell] = f"{digest(settings, cell.origin)}.png"
        return self.folder / self._names[cell]

    def _encoded(self, value):
        if not is_picture(value):
            return encode(value)
        if id(value) not in self._pictures:
            self._pictures[id(value)] = value, encode(value)
        return self._pictures[id(value)][1]

    def find(self, cell: Cell) -> Shot | None:
        """Return a cell's shot if its file is there and whole, with pixels and settings as they were written."""
        path = self.path(cell)
        if not path.exists():
            return None
        try:
            record, image = read_settings(path), opened(path)
            stored = record["origin"][_STORED]
            if stored["name"] == path.stem and stored["pixels"] == _pixels(image):
                made_on = {"machine": record["origin"].get("machine")}
                return Shot(image, cell.settings, {**cell.origin, **made_on}, cell.label, stored["seconds"])
            problem = "it is another picture"
        except FileNotFoundError:  # gone since: another process replaces it
            return None
        except (ValueError, KeyError, TypeError, OSError, SyntaxError) as error:
            problem = str(error)
        if path not in self._damaged:
            self._damaged.add(path)
            warnings.warn(f"{path.name} in {self.folder} is damaged and will be made again: {problem}", stacklevel=2)
        return None

    def keep(self, cell: Cell, shot: Shot, packed: bytes | None = None) -> Path:
        """Write a cell's shot, whole or not at all. Raises OSError, with what to do, if that fails.

        `packed` is the file's content where another process has made it.
        """
        path = self.path(cell)
        try:
            return write_whole(path, pack(shot, path.stem) if packed is None else packed)
        except OSError as error:
            why = f"{error.strerror or error}; make the folder writable"
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                why = "the disk is full; free some space"
            raise OSError(error.errno, f"{why}, then run the sweep again: it goes on from there", str(path)) from error


def pack(shot: Shot, name: str) -> bytes:
    """Return the content of the file of this name (without its ending) that keeps a shot."""
    stored = {"name": name, "pixels": _pixels(shot.image), "seconds": shot.seconds}
    return png_of(replace(shot, origin={**shot.origin, _STORED: stored}))


def opened(file):
    """Return the picture in a PNG, a path or an open file, with all its pixels read."""
    from PIL import Image

    with Image.open(file) as image:
        image.load()
        return image


def _pixels(image):
    return sha256(repr((image.mode, image.size)).encode() + image.tobytes()).hexdigest()
