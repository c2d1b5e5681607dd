"""Controls whose value is a picture: a start picture that is uploaded, and a mask drawn as a rectangle."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import ipywidgets as widgets
from traitlets import Any

from sdkit.panel.pictures import thumbnail
from sdkit.show.html import alert

if TYPE_CHECKING:
    import PIL.Image

LABEL_STYLE = {"description_width": "176px"}
CONTROL_WIDTH = "auto"  # all that the column of controls has
MASK_SIDE = 128  # pixels of a mask where no picture says how large
MASK_SHOWN_WIDTH = 96  # pixels


class PictureChoice(widgets.HBox):
    """An upload button; `value` is the uploaded PIL picture, or the one to start with, or None.

    An uploaded picture is cut to the size of the one to start with, so that a photograph of a
    phone does not ask the model for a thousand times the work.
    """

    value = Any()

    def __init__(self, name: str, start: PIL.Image.Image | None = None):
        self._name, self._size = name, getattr(start, "size", None)
        self.upload = widgets.FileUpload(
            accept="image/*", description=name, layout=widgets.Layout(width="160px", flex="0 0 auto")
        )
        self._shown = widgets.HTML()
        super().__init__([self.upload, self._shown], value=start)
        self.upload.observe(lambda change: self._take_files(change["new"]), names="value")
        self.observe(self._show, names="value")
        self._show()

    def _take_files(self, files) -> None:
        """Make the uploaded picture the value: upright, in RGB, cut to size; show an error for a file that is none."""
        from PIL import Image, ImageOps

        # ipywidgets 7 has a dictionary by file name here, 8 a tuple
        for file in files.values() if isinstance(files, dict) else files:
            try:
                with Image.open(io.BytesIO(bytes(file["content"]))) as image:
                    picture = ImageOps.exif_transpose(image).convert("RGB")
            except Exception as error:  # Pillow raises many kinds for a file that is no picture
                reason = f"{self._name}: {file.get('name', 'this file')} is no readable picture"
                self._shown.value = alert(ValueError(f"{reason} ({type(error).__name__})"))
                return
            self.value = ImageOps.fit(picture, self._size) if self._size else picture

    def _show(self, _: object = None) -> None:
        self._shown.value = thumbnail(self.value, self._name) if self.value is not None else ""


class MaskChoice(widgets.VBox):
    """Two sliders for a white rectangle; `value` is the mask as a grey PIL picture, white where it is made anew.

    `picture` is shown under the mask and gives its size; `start` is a mask to begin with.
    """

    value = Any()

    def __init__(self, name: str, picture: PIL.Image.Image | None = None, start: PIL.Image.Image | None = None):
        from PIL import Image

        self._name, self._picture = name, picture
        width, height = getattr(start, "size", None) or getattr(picture, "size", None) or (MASK_SIDE, MASK_SIDE)
        start = Image.new("L", (width, height)) if start is None else start.convert("L")
        middle = width // 4, height // 4, width - width // 4, height - height // 4
        left, top, right, bottom = start.getbbox() or middle
        common = {"continuous_update": False, "style": LABEL_STYLE, "layout": widgets.Layout(width=CONTROL_WIDTH)}
        self.across = widgets.IntRangeSlider(value=(left, right), max=width, description=f"{name}, across", **common)
        self.down = widgets.IntRangeSlider(value=(top, bottom), max=height, description=f"{name}, down", **common)
        self._shown = widgets.HTML()
        mask = _rectangle((width, height), (left, top, right, bottom))
        super().__init__([self.across, self.down, self._shown], value=mask)
        self.across.observe(self._set_value, names="value")
        self.down.observe(self._set_value, names="value")
        self.observe(self._set_sliders, names="value")
        self._set_sliders()

    def show_over(self, picture: PIL.Image.Image | None) -> None:
        """Show the mask over another picture; it takes that picture's size, and the rectangle its place there."""
        self._picture = picture
        if picture is not None and picture.size != self.value.size:
            (width, height), (old_width, old_height) = picture.size, self.value.size
            box = self.value.getbbox() or (0, 0, 0, 0)
            across, down = width / old_width, height / old_height
            scaled = tuple(round(side * scale) for side, scale in zip(box, (across, down, across, down)))
            self.across.max, self.down.max = width, height
            self.value = _rectangle(picture.size, scaled)
        self._set_sliders()

    def _set_value(self, _: object) -> None:
        (left, right), (top, bottom) = self.across.value, self.down.value
        self.value = _rectangle(self.value.size, (left, top, right, bottom))

    def _set_sliders(self, _: object = None) -> None:
        """Set the sliders to the mask's rectangle, and show the mask over the picture."""
        from PIL import Image

        box = self.value.getbbox()
        left, top, right, bottom = box or (0, 0, 0, 0)
        if box:  # an empty mask has no place, so the sliders stay where they are
            self.across.value, self.down.value = (left, right), (top, bottom)
        shown = self.value
        if self._picture is not None:
            white = Image.new("RGB", self.value.size, "white")
            shown = Image.composite(white, self._picture.convert("RGB").resize(self.value.size), self.value)
        place = f"{self._name}: {left} to {right} across, {top} to {bottom} down"
        self._shown.value = thumbnail(shown, place, MASK_SHOWN_WIDTH, framed=True)


def _rectangle(size: tuple[int, int], box: tuple[int, ...]) -> PIL.Image.Image:
    """Return a black picture with a white box (left, top, right, bottom)."""
    from PIL import Image

    mask = Image.new("L", size)
    mask.paste(255, box)
    return mask
