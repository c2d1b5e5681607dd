"""What becomes of a prompt before a network reads it: the tokens, drawn as boxes, and those that are cut off."""

from __future__ import annotations

from typing import NamedTuple

from sdkit.errors import plain_errors
from sdkit.inside.boxes import Box, BoxDrawing
from sdkit.loading.present import check_present
from sdkit.show.drawing import INK, LETTERS, LINE, MARGIN, PALE_INK, Words
from sdkit.show.labels import text_width

WIDTH = 1800  # pixels of the drawing, two of which are one of the page
GAP, SIDES, ROW = 12, 12, LINE + 24  # pixels between boxes, left and right of a text, from one row of boxes to the next
MARK, READ, CUT = (235, 235, 235), (207, 227, 247), (247, 207, 207)  # fills of the marks, of tokens, of what is cut


class Token(NamedTuple):
    """A piece of a prompt: its text, whether it is one of the two marks, and whether the text encoder gets it."""

    text: str
    is_mark: bool
    is_read: bool


@plain_errors
def tokens(pipe, prompt: str) -> list[Token]:
    """Return the tokens of a prompt, the begin and end marks among them, without the filling up to the full length.

    A tokenizer of Stable Diffusion takes 77 tokens, the two marks included; those of the text that do not fit are
    not read. Raises TypeError if `prompt` is not a text, or `pipe` has no tokenizer.
    """
    check_present(pipe, ["tokenizer"])
    if not isinstance(prompt, str):
        raise TypeError(f"prompt is a {type(prompt).__name__}; give one text.")
    tokenizer = pipe.tokenizer
    room = tokenizer.model_max_length - 2  # for the text's own tokens, between the two marks
    ids = tokenizer(prompt, add_special_tokens=False, verbose=False).input_ids
    own = [Token(_text(tokenizer, number), False, place < room) for place, number in enumerate(ids)]
    return [Token("begin", True, True), *own, Token("end", True, True)]


@plain_errors
def draw_tokens(pipe, *prompts: str) -> BoxDrawing:
    """Draw the tokens of each prompt as boxes in reading order, and how many the text itself has.

    The two marks are grey; what is cut off is red and struck through. Raises TypeError for what is no text, ValueError
    if no prompt is given.
    """
    if not prompts:
        raise ValueError("there is no prompt to draw; give at least one.")
    boxes: list[Box] = []
    words: list[Words] = []
    said: list[str] = []
    y = MARGIN
    for prompt in prompts:
        found = tokens(pipe, prompt)
        said.append(_in_words(found))
        words.append(Words(said[-1], MARGIN, y + LETTERS, PALE_INK))
        rows = _in_rows(found, y + LINE + MARGIN)
        boxes += rows
        y = round(rows[-1].bottom) + 2 * GAP
    alt = f"the tokens of {len(prompts)} prompt{'s' * (len(prompts) != 1)} in boxes: {'; '.join(said)}"
    return BoxDrawing(f"<Tokens: {'; '.join(said)}>", alt, (WIDTH, y - GAP), words, [], boxes)


def _text(tokenizer, number: int) -> str:
    """Return a token as people write it, "byte" for one that is only a part of a letter."""
    text = tokenizer.decode([number]).strip()
    return "byte" if "\ufffd" in text else text


def _in_words(found: list[Token]) -> str:
    count, cut = len(found) - 2, sum(not token.is_read for token in found)
    return f"{count} token{'s' * (count != 1)}" + (f", {cut} cut off" if cut else "")


def _in_rows(found: list[Token], top: float) -> list[Box]:
    """Return a box for each token, laid out as text is."""
    boxes, left = [], float(MARGIN)
    for text, is_mark, is_read in found:
        width = max(text_width(text, LETTERS) + 2 * SIDES, LINE)
        if left + width > WIDTH - MARGIN and left > MARGIN:
            left, top = MARGIN, top + ROW
        fill = MARK if is_mark else READ if is_read else CUT
        ink = PALE_INK if is_mark else INK
        boxes.append(Box(left, top, left + width, top + ROW - GAP, [text], fill, ink, not is_read))
        left += width + GAP
    return boxes
