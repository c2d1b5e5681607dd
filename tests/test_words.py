"""The words the built-in model knows, and the near ones for those it does not."""

import pytest

from sdkit import known_words, unknown_words


@pytest.mark.parametrize(
    "prompt",
    [
        "", "a cat", "cute cats", "a red apple on a blue background", "A Big CAT, flat style!", "青い背景のねこ", "🐱",
        "小さい赤いりんごとねこ、線画風", "☂\N{VARIATION SELECTOR-16} on a red background",
    ],
)  # fmt: skip
def test_everyday_prompts_hold_only_known_words(prompt):
    assert unknown_words(prompt) == {}


def test_unknown_words_come_in_order_with_near_ones():
    found = unknown_words("a photorealistic kat and an umbrela on a blue background, 4k")
    assert list(found) == ["photorealistic", "kat", "umbrela", "4k"]
    assert "cat" in found["kat"] and found["umbrela"][0] == "umbrella" and found["photorealistic"] == []


def test_japanese_is_searched_for_known_words_from_left_to_right():
    assert list(unknown_words("青い背景の恐竜とねこ")) == ["恐竜"]
    assert list(unknown_words("🦖🐱")) == ["🦖"]


def test_a_list_is_refused():
    with pytest.raises(TypeError, match="prompt is a list"):
        unknown_words(["a cat"])


def test_the_list_holds_only_words_of_captions():
    from training import export

    assert known_words() == set(export.known_words())
