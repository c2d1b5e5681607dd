"""Values of a record as JSON: tensors and arrays as safetensors, pictures as PNG, both in base64."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

from sdkit.record.picture_file import MAX_PIXELS, read_picture
from sdkit.shot import is_picture

if TYPE_CHECKING:
    from PIL import Image

LOST = "not_recorded"
_MAX_PICTURES = 32  # in one record
_MAX_PIXELS = 2 * MAX_PIXELS  # of all pictures in one record: a few bytes of PNG can hold very many
# Modes that PNG does not have, or not byte for byte, which masks may have; each goes in one with as many bytes a pixel.
# Made grey before, as diffusers makes a mask last of all, a mask that is resized would be another one at its edges.
_CARRIERS = {
    "I": "RGBA", "F": "RGBA", "CMYK": "RGBA", "RGBX": "RGBA", "YCbCr": "RGB", "HSV": "RGB", "I;16L": "LA",
    "I;16B": "LA",
}  # fmt: skip
_PAIRS = "pairs"
_MARKS = ({"png"}, {"png", "mode"}, {"tensor"}, {"array"}, {_PAIRS})  # the keys of what stands for something else


def encode(value: Any) -> Any:
    """Turn a settings value into JSON: tensors and arrays as safetensors, pictures as PNG, both in base64.

    A picture of a mode that PNG does not have comes with its mode, and a dictionary with numbers as keys, which JSON
    does not have, as {"pairs": [[key, value], ...]}. What a file cannot keep becomes {"not_recorded": its kind}.
    """
    import numpy as np

    if isinstance(value, dict):
        return _encode_table({_encode_key(key): encode(entry) for key, entry in value.items()})
    if isinstance(value, (list, tuple, range)):
        return [encode(entry) for entry in value]
    if isinstance(value, np.generic):  # before float, which NumPy's float64 is too
        return _plain_number(value)
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if is_picture(value):
        return _encode_picture(value)
    if isinstance(value, np.ndarray):
        return {"array": _encode_tensor(value)}
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        return {"tensor": _encode_tensor(value)}
    return {LOST: type(value).__name__}


def _encode_key(key: Any) -> int | str:
    """Return a key as JSON can hold it in a list: a whole number as it is, anything else as text."""
    import numpy as np

    is_number = isinstance(key, (int, np.integer)) and not isinstance(key, bool)
    return int(key) if is_number else str(key)


def _encode_table(entries):
    """Return encoded entries as a JSON table, or as pairs where a table would be read as something else."""
    if all(isinstance(key, str) for key in entries) and set(entries) not in _MARKS:
        return entries
    return {_PAIRS: [[key, entry] for key, entry in entries.items()]}


def is_lost(value: Any) -> bool:
    """Say whether an encoded value is one that a file cannot keep, or a list or table that holds one."""
    if isinstance(value, list):
        return any(map(is_lost, value))
    return isinstance(value, dict) and (LOST in value or any(map(is_lost, value.values())))


def decode(value: Any) -> Any:
    """Undo `encode`. Raises ValueError for a tensor or picture that it did not write, or too many of them."""
    pictures: list[Image.Image] = []
    return _decoded(value, pictures)


def _decoded(value, pictures):
    """Return a decoded value; the pictures found are added to `pictures`."""
    if isinstance(value, list):
        return [_decoded(entry, pictures) for entry in value]
    if not isinstance(value, dict):
        return value
    if set(value) in ({"png"}, {"png", "mode"}):
        pictures.append(_decode_picture(value["png"], pictures))
        return _carried(pictures[-1], value["mode"]) if "mode" in value else pictures[-1]
    if set(value) in ({"tensor"}, {"array"}):
        ((kind, text),) = value.items()
        return _decode_tensor(_bytes(text), kind)
    if set(value) == {_PAIRS}:
        return {_decode_key(pair): _decoded(pair[1], pictures) for pair in _listed(value[_PAIRS])}
    return {key: _decoded(entry, pictures) for key, entry in value.items()}


def _listed(pairs):
    if not isinstance(pairs, list):
        raise ValueError(f"a dictionary is written as a {type(pairs).__name__}, not as a list of keys and values.")
    return pairs


def _decode_key(pair):
    """Return the key of a pair, a whole number or a text. Raises ValueError if it is none that `encode` wrote."""
    if not isinstance(pair, list) or len(pair) != 2 or type(pair[0]) not in (int, str):
        raise ValueError("a dictionary in it has an entry that is no pair of a number or text, and a value.")
    return pair[0]


def _plain_number(value):
    """Return a number of NumPy as one of Python; some, such as longdouble, have no `item` of their own."""
    import numpy as np

    value = value.item()
    return float(value) if isinstance(value, np.floating) else value


def _encode_picture(picture):
    from PIL import Image

    buffer, mode = io.BytesIO(), picture.mode
    if mode in _CARRIERS:
        picture = Image.frombytes(_CARRIERS[mode], picture.size, picture.tobytes())
    try:
        picture.save(buffer, format="PNG")
    except OSError:  # PNG has no such mode, such as LAB
        return {LOST: f"picture of mode {mode}"}
    encoded = {"png": base64.b64encode(buffer.getvalue()).decode()}
    return {**encoded, "mode": mode} if mode in _CARRIERS else encoded


def _encode_tensor(value):
    import torch
    from safetensors.torch import save

    return base64.b64encode(save({"value": torch.as_tensor(value).detach().cpu().contiguous()})).decode()


def _decode_picture(text, others) -> Image.Image:
    """Return a picture in a record; `others` are those already read."""
    if len(others) == _MAX_PICTURES:
        raise ValueError(f"it holds more than {_MAX_PICTURES} pictures.")
    pixels_left = _MAX_PIXELS - sum(picture.width * picture.height for picture in others)
    picture = read_picture(io.BytesIO(_bytes(text)), "PNG", min(pixels_left, MAX_PIXELS))
    picture.info = {name: entry for name, entry in picture.info.items() if not isinstance(entry, str)}
    return picture


def _carried(carrier, mode):
    """Return the picture of another mode whose bytes were written as those of `carrier`."""
    from PIL import Image

    if not isinstance(mode, str) or _CARRIERS.get(mode) != carrier.mode:
        raise ValueError(f"a picture in it is of mode {mode!r}; no such picture is written as {carrier.mode}.")
    return Image.frombytes(mode, carrier.size, carrier.tobytes())


def _bytes(text) -> bytes:
    if not isinstance(text, str):
        raise ValueError(f"a tensor or picture is written as a {type(text).__name__}, not as text.")
    return base64.b64decode(text, validate=True)


def _decode_tensor(data: bytes, kind: str):
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        tensor = load(data)["value"]
        return tensor.numpy() if kind == "array" else tensor
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"a {kind} in it cannot be read: {error}") from error
