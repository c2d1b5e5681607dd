"""The site's pictures: each is there once, named for what is in it, for both languages."""

import hashlib
from html import escape
from io import BytesIO
from pathlib import Path

from PIL import Image

from sdkit.files import write_whole
from tools.site.pages import ROOT

FOLDER = "pictures"
CACHE = ROOT / ".cache" / "site"
# A third of the size of the PNGs, and to the eye the same. `use_sharp_yuv` keeps the edges of flat colours clean.
WEBP = {"format": "WEBP", "quality": 80, "method": 4, "use_sharp_yuv": True}
# Charts have few colours, and are smaller when nothing is lost.
EXACT = {"format": "WEBP", "lossless": True, "quality": 40, "method": 3}
FEW_COLOURS = 4096


class Pictures:
    """A folder of pictures that grows."""

    def __init__(self, folder: Path, cache: Path = CACHE):
        """Take the site's folder, and one for pictures that were made before."""
        self.folder, self.cache = folder / FOLDER, cache

    def tag(self, data: bytes, up: str, alt: str, width: float | None = None, more: str = "") -> str:
        """Store a picture as WebP and return its HTML.

        `up` leads from the page to the site's folder ("../../"), `width` is in CSS pixels (the picture's own if None),
        `more` is HTML for further attributes. Raises ValueError without `alt`.
        """
        if not alt.strip():
            raise ValueError("a picture has no alternative text; write what it shows")
        with Image.open(BytesIO(data)) as picture:
            name = f"{hashlib.sha256(data + repr((WEBP, EXACT)).encode()).hexdigest()[:16]}.webp"
            if not (self.cache / name).exists():
                write_whole(self.cache / name, small(picture))
            wide, high = picture.size
        if not (self.folder / name).exists():
            write_whole(self.folder / name, (self.cache / name).read_bytes())
        shown = round(width or wide)
        # A blank line would end the HTML in Markdown.
        words = escape(" ".join(alt.split()))
        size = f'width="{shown}" height="{round(high * shown / wide)}"'
        return f'<img src="{up}{FOLDER}/{name}" alt="{words}" {size} loading="lazy"{more and " " + more}>'


def small(picture: Image.Image) -> bytes:
    """Return a picture as WebP, the smaller one of exact and nearly the same."""
    colours = picture.convert("RGBA" if "A" in picture.getbands() else "RGB")
    forms = [WEBP, EXACT] if colours.getcolors(FEW_COLOURS) else [WEBP]
    made = []
    for form in forms:
        file = BytesIO()
        colours.save(file, **form)
        made.append(file.getvalue())
    return min(made, key=len)
