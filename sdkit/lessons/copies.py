"""A reader's own copies of the lessons, which are renewed but never overwritten."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdkit.files import expanded, write_whole
from sdkit.lessons.source import reader_files, source_of

FOLDER = "my-lessons"
FOLDERS = {"en": FOLDER, "ja": f"{FOLDER}-ja"}
# What was handed out: {name: fingerprint}. Without it every file that differs counts as changed by the reader.
RECORD = ".copied.json"
LANGUAGE = "language"  # in the record, beside the names of files


@dataclass(frozen=True)
class Copied:
    """What `copy_lessons` did: the folder, and the names of files by what became of them.

    `added` were not there; `renewed` had not been touched since they were copied, and a newer one is there now;
    `newer` were changed by the reader, so they stay as they are, although a newer one is there.
    """

    folder: Path
    added: tuple[str, ...]
    renewed: tuple[str, ...]
    newer: tuple[str, ...]


@dataclass(frozen=True)
class Reset:
    """What `reset_lesson` did: the path of the fresh lesson, and of the reader's version, None if that was the same."""

    path: Path
    kept: Path | None


def copy_lessons(folder: str | Path | None = None, outputs: bool = False, language: str = "en") -> Copied:
    """Copy all lessons, and the pages that they link to, into a folder; what the reader changed stays as it is.

    Changed means: another text in some cell. Outputs do not count, since running a lesson makes them again. `outputs`
    copies the stored outputs too, and adds them to lessons that have none. Without a folder it is `my-lessons` in the
    current one, for Japanese `my-lessons-ja`. Raises ValueError where there are no outputs to copy, or where the folder
    holds the lessons in another language, OSError where it cannot be written to.
    """
    folder = _checked(folder, language)
    record = _record_for(folder, language)
    added, renewed, newer = [], [], []
    for name, data in reader_files(outputs, language).items():
        path, fresh = folder / name, fingerprint(data)
        if not path.exists():
            added.append(name)
        else:
            old = path.read_bytes()
            found = fingerprint(old)
            if found == fresh:
                if outputs and not _has_outputs(old) and old != data:
                    renewed.append(name)
                else:
                    record[name] = fresh
                    continue
            elif found == record.get(name):
                renewed.append(name)
            else:
                if record.get(name) != fresh:
                    newer.append(name)
                continue
        write_whole(path, data)
        record[name] = fresh
    _write_record(folder, record)
    return Copied(folder, tuple(added), tuple(renewed), tuple(newer))


def reset_lesson(
    lesson: str | int, folder: str | Path | None = None, outputs: bool = False, language: str = "en"
) -> Reset:
    """Put a fresh copy of one lesson into the folder, and keep the reader's version beside it, named `.mine`.

    `lesson` is its number or file name. `folder` and `language` are as in `copy_lessons`. Raises ValueError if there is
    no such lesson.
    """
    folder = _checked(folder, language)
    record = _record_for(folder, language)
    files = reader_files(outputs, language)
    name = _named(lesson, [name for name in files if name.endswith(".ipynb")])
    path, kept = folder / name, None
    if path.exists() and fingerprint(path.read_bytes()) != fingerprint(files[name]):
        kept = _free(path)
        os.rename(path, kept)
    write_whole(path, files[name])
    _write_record(folder, {**record, name: fingerprint(files[name])})
    return Reset(path, kept)


def fingerprint(data: bytes) -> str:
    """Return a short text that stands for what a file says: for a notebook its cells without outputs."""
    cells = _cells(data)
    if cells is not None:
        data = json.dumps([(cell["cell_type"], source_of(cell)) for cell in cells]).encode()
    return hashlib.sha256(data).hexdigest()[:16]


def _checked(folder: str | Path | None, language: str) -> Path:
    """Return the whole path of a folder; raise ValueError for none, NotADirectoryError for a file."""
    if folder is None:
        folder = FOLDERS[language]
    if not str(folder).strip():
        raise ValueError(f"folder is {str(folder)!r}; give the name of a folder, such as {FOLDER}.")
    path = expanded(folder).absolute()
    if path.exists() and not path.is_dir():
        raise NotADirectoryError(f"{path} is a file; give the name of a folder, such as {FOLDER}.")
    return path


def _cells(data: bytes) -> list[dict[str, Any]] | None:
    """Return the cells of a notebook, or None for any other file, a broken notebook among them."""
    try:
        cells = json.loads(data)["cells"]
        return cells if all(isinstance(cell["cell_type"] + source_of(cell), str) for cell in cells) else None
    except (ValueError, TypeError, KeyError):
        return None


def _has_outputs(data: bytes) -> bool:
    cells = _cells(data)
    return cells is None or any(cell.get("outputs") for cell in cells)


def _named(lesson: str | int, names: list[str]) -> str:
    wanted = str(lesson).removesuffix(".ipynb")
    wanted = wanted.zfill(2) if wanted.isdigit() else wanted
    found = [name for name in names if wanted in (name.removesuffix(".ipynb"), name.split("_")[0])]
    if not found:
        raise ValueError(f"lesson is {lesson!r}; give a number or a name of {', '.join(names)}.")
    return found[0]


def _free(path: Path) -> Path:
    """Return a name beside a lesson that no file has yet: `06_x.mine.ipynb`, then `06_x.mine-2.ipynb`, ..."""
    number, free = 1, path.with_suffix(".mine.ipynb")
    while free.exists():
        number += 1
        free = path.with_suffix(f".mine-{number}.ipynb")
    return free


def _record_for(folder: Path, language: str) -> dict[str, str]:
    """Return the record of a folder for lessons in a language; raise ValueError if they are there in another one."""
    record = _read_record(folder)
    there = record.setdefault(LANGUAGE, "en" if record else language)
    if there != language:
        raise ValueError(f"{folder} holds the lessons in the language {there!r}; give another folder for {language!r}.")
    return record


def _read_record(folder: Path) -> dict[str, str]:
    try:
        record = json.loads((folder / RECORD).read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _write_record(folder: Path, record: dict[str, str]) -> None:
    write_whole(folder / RECORD, (json.dumps(record, indent=1) + "\n").encode())
