"""The picture at the top of a lesson: made from a cell's output, stored with the head cell.

The head's metadata names the cell: `"lesson": {"strip": "axis"}`. The last picture of its output is the strip.
"""

import base64
import io

import nbformat
from PIL import Image

from tools.lesson import HEAD, pictures_of, says

NAME, KIND = "strip.jpg", "image/jpeg"
# At most so many pixels: with title, text and setup it fits on a first screen of 768 pixels.
WIDTH, HEIGHT = 1000, 276
QUALITY = 92  # JPEG's own scale, to 95


def put(book: nbformat.NotebookNode) -> None:
    """Store in the head cell the strip that it asks for, if it does; raise ValueError if there is no such picture."""
    head = next((cell for cell in book.cells if cell.get("id") == HEAD), None)
    if head is None or "strip" not in says(head):
        return
    buffer = io.BytesIO()
    strip_of(book, says(head)["strip"]).save(buffer, "JPEG", quality=QUALITY, subsampling=0, optimize=True)
    head.attachments = nbformat.from_dict({NAME: {KIND: base64.b64encode(buffer.getvalue()).decode()}})


def strip_of(book: nbformat.NotebookNode, name: str) -> Image.Image:
    """Return the last picture of a cell on white, RGB, at most `WIDTH` x `HEIGHT`; raise ValueError if it has none."""
    source = next((cell for cell in book.cells if cell.get("id") == name and cell.cell_type == "code"), None)
    found = pictures_of(source) if source is not None else []
    if not found:
        raise ValueError(f"the strip is to come from the cell {name}, which has no picture")
    picture = opened(found[-1]).convert("RGBA")
    whole = Image.new("RGBA", picture.size, "white")
    whole.alpha_composite(picture)
    scale = min(WIDTH / whole.width, HEIGHT / whole.height)
    if scale < 1:
        whole = whole.resize([max(1, round(side * scale)) for side in whole.size], Image.Resampling.LANCZOS)
    return whole.convert("RGB")


def opened(encoded: str) -> Image.Image:
    """Return the picture that base64 stands for."""
    picture = Image.open(io.BytesIO(base64.b64decode(encoded)))
    picture.load()
    return picture
