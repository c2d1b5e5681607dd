"""The exercises of lesson 24: one call for six pictures, a file with the wrong seed, and a loop that saves."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sdkit.asked import named
from sdkit.exercises.answers import called, kind_of, shot_of, table_of, whole_of
from sdkit.exercises.exercise import exercise
from sdkit.exercises.finding import finding, refuse
from sdkit.exercises.own import drawn, own_pipe

PROMPT = "a big owl on a blue background, flat style"
OBJECTS, BACKGROUNDS = ("owl", "car", "house"), ("pink", "green")
SUNFLOWER = "a big sunflower"
_PLACE, _SEED = 4, 8  # the fourth file says seed 4, and was made with this one


@exercise(points=1)
def six(answer):
    """Three objects on two backgrounds, by one call."""
    if not isinstance(answer, (list, tuple)) and not hasattr(answer, "axes"):
        raise refuse(
            "shots",
            missing="The answer is of the type {kind}, not the shots of a sweep.",
            hint="Give what sd.sweep(...) returns.",
            kind=kind_of(answer),
        )
    shots = [shot_of(entry) for entry in answer]
    yield finding(
        "count",
        len(shots) == 6,
        right="There are six pictures.",
        missing="There are {count} pictures, not six.",
        hint="Two words are replaced, one by three words and the other by two.",
        count=len(shots),
    )
    asked = {PROMPT.replace("owl", thing).replace("blue", colour) for thing in OBJECTS for colour in BACKGROUNDS}
    prompts = {shot.settings.get("prompt") for shot in shots}
    yield finding(
        "prompts",
        prompts == asked,
        right="Each object is there on each background.",
        missing="Of the six prompts that are asked for, {found} are there.",
        hint="replace is a dictionary: the word in the prompt, and the list of words that take its place.",
        found=len(prompts & asked),
    )
    seen = list(zip(named(shots), named(shots, "background")))
    wanted = [(shot.settings["prompt"].split()[2], shot.settings["prompt"].split()[5]) for shot in shots]
    good = sum(given == other for given, other in zip(seen, wanted))
    yield finding(
        "right",
        good >= 5,
        right="{good} pictures show what their prompts say.",
        missing="Only {good} pictures show what their prompts say.",
        hint="Are there enough steps? Eight will do.",
        good=good,
    )


def _files() -> list[Any]:
    seeds = [_SEED if place == _PLACE else place for place in range(1, 7)]
    return [drawn(SUNFLOWER, seed, num_inference_steps=6) for seed in seeds]


@exercise(points=2, puzzle=_files)
def mixed_up(answer):
    """The file whose name says the wrong seed, and the right one."""
    given = table_of(answer, ("place", "seed"))
    place, seed = whole_of(given["place"]), whole_of(given["seed"])
    yield finding(
        "place",
        place == _PLACE,
        right="Picture {place} is not what its name says.",
        missing="Picture {place} is what its name says.",
        hint="Make the pictures of the seeds 1 to 6 yourself. sd.distance says which of them differs from its file.",
        place=place,
    )
    yield finding(
        "seed",
        seed == _SEED,
        right="It was made with seed {seed}.",
        missing="It was not made with seed {seed}.",
        hint="The seed is one from 0 to 9. Which of these ten pictures is at a distance of about 0?",
        seed=seed,
    )


@exercise(points=2)
def save_all(answer):
    """A loop that saves pictures so that they can be found and made again."""
    from sdkit.record.png import read_settings

    with TemporaryDirectory() as place:
        folder = Path(place)
        called(answer, _eleven(), folder)
        files = sorted(folder.glob("*.png"))
        yield finding(
            "files",
            len(files) == 11,
            right="Eleven shots become eleven files.",
            missing="Eleven shots become {count} PNG files in the folder.",
            hint="No file may have the name of another, and all belong into the folder itself.",
            count=len(files),
        )
        settings = [_settings(read_settings, file) for file in files]
        yield finding(
            "settings",
            bool(files) and all(settings),
            right="Each file says how it was made.",
            missing="{count} of the files say how they were made.",
            hint="Which function of sdkit writes the settings into the PNG? It takes a shot, not a picture.",
            count=sum(map(bool, settings)),
        )
        seeds = [call.get("seed") for call in settings]
        yield finding(
            "order",
            len(files) == 11 and seeds == sorted(seeds, key=lambda seed: -1 if seed is None else seed),
            right="Sorted by name, the files are in the order of the seeds.",
            missing="Sorted by name, the files are not in the order of the seeds.",
            hint='Text is sorted letter by letter: "10" comes before "9". Leading zeros help, as in "007".',
        )
        nowhere = folder / "not" / "there"
        yield finding(
            "folder",
            _saves_into(answer, nowhere),
            right="A folder that is not there is made.",
            missing="Where the folder is not there, the pictures are lost.",
            hint="Which method of a Path makes a folder, with those above it?",
        )


def _saves_into(answer: Any, folder: Path) -> bool:
    """Say whether pictures come into a folder that is not there; what the function raises means that they do not."""
    try:
        answer(_eleven(), folder)
    except Exception:
        return False
    return folder.is_dir() and any(folder.iterdir())


def _settings(read: Any, file: Path) -> dict[str, Any]:
    """Return the settings in a file, {} where it holds none."""
    try:
        return read(file)["settings"]
    except ValueError:
        return {}


@cache
def _eleven() -> list[Any]:
    from sdkit.call.generate import generate

    quick: dict[str, Any] = {"num_inference_steps": 1, "height": 32, "width": 32}
    return list(generate(own_pipe(), "a cat", seed=1, num_images_per_prompt=11, **quick))
