"""Pictures in files, opened as the one format that they must have, and the texts that they hold.

Pillow knows dozens of formats, and one of them starts another program (EPS); none is tried that was not asked for.
"""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING

from sdkit.parameters import MAX_SIDE, short

if TYPE_CHECKING:
    from PIL import Image

MAX_PIXELS = MAX_SIDE**2
FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
_BEGINNINGS = {b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG", b"RIFF": "WEBP"}
_EXIF_FOLDER, _USER_COMMENT = 0x8769, 0x9286  # EXIF 2.3, 4.6.3 and 4.6.5
_ENCODINGS = (b"UNICODE\0", b"ASCII\0\0\0", b"JIS\0\0\0\0\0", bytes(8))


def file_at(path: str | Path) -> Path:
    """Return the path of a file, "~" read as the home folder. Raises TypeError for no path, FileNotFoundError."""
    try:
        found = Path(path).expanduser()
        is_file = found.is_file()
    except TypeError as error:
        raise TypeError(f"path is {short(path)}; give a text or a Path.") from error
    except (OSError, ValueError, RuntimeError):  # too long a name, a zero character, no such home folder
        is_file = False
    if not is_file:
        raise FileNotFoundError(f"there is no file {str(path)!r}.")
    return found


def read_picture(source: Path | IO[bytes], kind: str, most_pixels: int = MAX_PIXELS) -> Image.Image:
    """Return a picture with all its pixels, read as a PNG, JPEG or WEBP (`kind`) and as nothing else.

    Raises ValueError if it is none, damaged, or has more than `most_pixels`.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(source, formats=(kind,)) as picture:
            sides = picture.size
            if sides[0] * sides[1] <= most_pixels:
                picture.load()
                return picture
    except UnidentifiedImageError as error:
        raise ValueError(f"it is no readable {kind}.") from error
    except Exception as error:  # Pillow lets through what its decoders raise: a dozen kinds
        raise ValueError(f"it is no readable {kind}: {error}") from error
    raise ValueError(f"it has {sides[0]}x{sides[1]} pixels; at most {most_pixels:,} are read.")


def read_file(path: Path) -> tuple[Image.Image, dict[str, str]]:
    """Return the picture in a file, read as the format that its name says, and the texts in it by name.

    Of a PNG these are its text chunks. The EXIF data of a JPEG or WebP, and of a PNG without texts, gives them the
    names that they have in the PNG of the same program. Raises ValueError, naming the file, if it cannot be read.
    """
    kind = FORMATS.get(path.suffix.lower(), "PNG")
    with path.open("rb") as file:
        beginning = file.read(4)
    written = next((found for start, found in _BEGINNINGS.items() if beginning.startswith(start)), None)
    if written is None and path.suffix and path.suffix.lower() not in FORMATS:
        raise ValueError(f"{path.name} cannot be read: read are PNG, JPEG and WebP, by the ending of the name.")
    if written not in (None, kind):
        endings = ", ".join(ending for ending, found in FORMATS.items() if found == written)
        raise ValueError(f"{path.name} is no {kind} but a {written}; give it a name that ends in {endings}.")
    try:
        picture = read_picture(path, kind)
        texts = {name: str(text) for name, text in picture.info.items() if isinstance(text, str)}
        if kind != "PNG" or (not texts and "exif" in picture.info):
            texts = _exif_texts(picture)
        return picture, texts
    except ValueError as error:
        raise ValueError(f"{path.name} cannot be read: {error}") from error


def _exif_texts(picture) -> dict[str, str]:
    try:
        exif = picture.getexif()
        comment = exif.get_ifd(_EXIF_FOLDER).get(_USER_COMMENT)
        texts = [text for text in exif.values() if isinstance(text, str)]
        if isinstance(picture.info.get("comment"), bytes):  # of a JPEG
            texts.append(picture.info["comment"].decode(errors="replace"))
    except Exception as error:  # as above
        raise ValueError(f"its EXIF data is damaged: {error}") from error
    found = {"parameters": _comment_text(comment)} if isinstance(comment, bytes) and comment else {}
    for text in texts:
        name, colon, rest = text.partition(":")
        if colon and name.lower() in ("prompt", "workflow"):  # as ComfyUI writes into WebP
            found[name.lower()] = rest
        elif "Steps: " in text:  # the web UI's settings where some programs put them
            found.setdefault("parameters", text)
    return found


def _comment_text(comment: bytes) -> str:
    """Return an EXIF UserComment as text: eight bytes that name an encoding, then the text.

    The order of the bytes of UTF-16 is not told: the order that gives more ASCII letters is right, since
    settings have English names.
    """
    if comment[:8] not in _ENCODINGS:
        return comment.decode(errors="replace").strip("\0")
    name, data = comment[:8], comment[8:]
    if name != _ENCODINGS[0] or b"\0" not in data.rstrip(b"\0"):  # UTF-16 has zeros between ASCII letters
        return data.decode(errors="replace").strip("\0")
    texts = [data.decode(encoding, errors="replace") for encoding in ("utf-16-be", "utf-16-le")]
    return max(texts, key=lambda text: sum(" " <= letter <= "~" for letter in text)).strip("\0\ufeff")
