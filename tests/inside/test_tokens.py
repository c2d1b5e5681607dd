"""The tokens of a prompt: read, cut off, and drawn."""

from copy import deepcopy
from types import SimpleNamespace

import pytest

from sdkit import messages
from sdkit.inside.tokens import CUT, MARK, READ, draw_tokens, tokens


def test_a_word_is_a_token_and_marks_stand_around(pipe):
    found = tokens(pipe, "a cat on a blue background")
    assert [token.text for token in found] == ["begin", "a", "cat", "on", "a", "blue", "background", "end"]
    assert [token.is_mark for token in found] == [True, *[False] * 6, True]
    assert all(token.is_read for token in found)


def test_their_number_is_the_tokenizers(pipe):
    for prompt in ("", "masterpiece, 8k", "青い背景のりんご", "a (cat:1.3) 🐱"):
        assert len(tokens(pipe, prompt)) == len(pipe.tokenizer(prompt).input_ids)


def test_what_is_read_is_what_the_pipeline_reads(pipe):
    words = "cat " * 74 + "red blue"
    found = tokens(pipe, words)
    assert [token.text for token in found if not token.is_read] == ["blue"]
    kept = pipe.tokenizer(words, truncation=True, max_length=pipe.tokenizer.model_max_length).input_ids
    assert sum(token.is_read for token in found) == len(kept)


def test_a_part_of_a_letter_is_a_byte(pipe):
    assert {token.text for token in tokens(pipe, "京") if not token.is_mark} == {"byte"}


def test_nothing_is_logged(pipe):
    tokenizer = deepcopy(pipe.tokenizer)  # one warns of a text only once
    tokenizer.deprecation_warnings.clear()
    with messages() as heard:
        tokens(SimpleNamespace(tokenizer=tokenizer), "cat " * 90)
    assert heard == []


def test_a_prompt_is_a_text(pipe):
    with pytest.raises(TypeError, match="give one text"):
        tokens(pipe, ["a cat"])
    with pytest.raises(ValueError, match="at least one"):
        draw_tokens(pipe)


def test_the_drawing_has_a_box_for_each_token(pipe):
    drawing = draw_tokens(pipe, "a cat", "cat " * 76)
    assert [box.lines for box in drawing.boxes[:4]] == [["begin"], ["a"], ["cat"], ["end"]]
    assert [box.fill for box in drawing.boxes[:4]] == [MARK, READ, READ, MARK]
    assert len(drawing.boxes) == 4 + 78
    assert [box.struck for box in drawing.boxes].count(True) == 1 and drawing.boxes[-2].fill == CUT
    assert repr(drawing) == "<Tokens: 2 tokens; 76 tokens, 1 cut off>"


def test_boxes_lie_beside_each_other_within_the_drawing(pipe):
    drawing = draw_tokens(pipe, "cat " * 80, "masterpiece " * 9)
    width, height = drawing.size
    assert all(0 <= box.left < box.right <= width and 0 <= box.top < box.bottom <= height for box in drawing.boxes)
    for one, other in zip(drawing.boxes, drawing.boxes[1:]):
        assert other.left > one.right or other.top > one.bottom


def test_the_drawing_shows_itself_small(pipe):
    data, metadata = draw_tokens(pipe, "a cat, masterpiece")._repr_mimebundle_()
    assert data["image/png"].startswith(b"\x89PNG") and len(data["image/png"]) < 30_000
    assert metadata["image/png"]["alt"].startswith("the tokens of 1 prompt in boxes: ")
