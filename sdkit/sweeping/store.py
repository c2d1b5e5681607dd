"""A folder of finished pictures, each under a name that follows from its settings and origin."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from sdkit.errors import warn_user
from sdkit.files import expanded, write_whole
from sdkit.record.png import digest, encode, is_lost, png_of, read_record
from sdkit.shot import Shot, is_picture
from sdkit.sweeping.plan import Cell

_STORED = "stored"  # the key in a picture's record under which the store keeps its name and a hash of its pixels


class Store:
    """Finished pictures of sweeps in one folder; several processes may use it at once.

    A picture's name is a hash of its settings and origin, so any sweep that wants the same picture
    finds it, also one on another machine or with other threads (where it would differ by some grey
    levels). Each is written under a temporary name and then renamed. Files under other names are
    never touched. Raises OSError if the folder cannot be written to.
    """

    def __init__(self, folder: str | os.PathLike[str]):
        if not isinstance(folder, (str, os.PathLike)):
            raise TypeError(f"folder is {folder!r}; give a path.")
        if not os.fspath(folder):
            raise ValueError(f'folder is {os.fspath(folder)!r}; give a path, such as "pictures", or "." for this one.')
        if "://" in os.fspath(folder):
            raise ValueError(
                f"folder is {os.fspath(folder)!r}; give one of this machine's file system, not an address."
            )
        self.folder = expanded(folder)
        self._names: dict[Cell, str] = {}
        self._damaged: set[Path] = set()
        self._pictures: dict[int, tuple[Any, Any]] = {}  # id -> (picture, encoded): cells often start from the same one
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
        """Return `encode(value)`, of each picture once."""
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
            image, record = read_record(path)
            stored = record.get(_STORED) or record["origin"][_STORED]  # where files of earlier days have it
            if stored["name"] == path.stem and stored["pixels"] == _pixels(image):
                origin = replace(cell.origin, machine=record["origin"]["machine"])
                return Shot(image, cell.settings, origin, cell.label, record["seconds"])
            problem = "it is another picture"
        except FileNotFoundError:  # gone since: another process replaces it
            return None
        except (ValueError, KeyError, TypeError, OSError, SyntaxError) as error:
            problem = str(error)
        if path not in self._damaged:
            self._damaged.add(path)
            warn_user(f"{path.name} in {self.folder} is damaged and will be made again: {problem}")
        return None

    def keep(self, cell: Cell, shot: Shot) -> Path:
        """Write a cell's shot, whole or not at all. Raises OSError, with what to do, if that fails."""
        path = self.path(cell)
        stored = {"name": path.stem, "pixels": _pixels(shot.image)}
        try:
            return write_whole(path, png_of(shot, **{_STORED: stored}))
        except OSError as error:
            why = f"{error.strerror or error}; make the folder writable"
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                why = "the disk is full; free some space"
            raise OSError(error.errno, f"{why}, then run the sweep again: it goes on from there", str(path)) from error


def _pixels(image):
    return sha256(repr((image.mode, image.size)).encode() + image.tobytes()).hexdigest()
