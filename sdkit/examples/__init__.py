"""Small trained files that lessons 27 to 29 load, made by the lessons' own code; README.md beside them says how."""

from pathlib import Path

from sdkit.errors import plain_errors

_FOLDER = Path(__file__).parent
_KINDS = (".safetensors",)


@plain_errors
def example(name: str) -> Path:
    """Return the path of a small trained file that ships with the lessons, such as "zib.safetensors".

    Raises FileNotFoundError, which lists the files that are there, for any other name.
    """
    names = sorted(path.name for path in _FOLDER.iterdir() if path.suffix in _KINDS)
    if name not in names:
        raise FileNotFoundError(f"There is no example {name!r}; there are {', '.join(names)}.")
    return _FOLDER / name
