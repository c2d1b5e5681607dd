"""The words the built-in model knows, and the near ones for those it does not."""

import time

import pytest

from sdkit import known_words, unknown_words
from sdkit.words import marks_of_other_programs


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
    assert unknown_words("buy a photo") == {"buy": ["bus"], "photo": []}  # neither "by" nor "ghost"


@pytest.mark.parametrize(
    ("slip", "word"),
    [
        ("kat", "cat"), ("row", "cow"), ("hrose", "horse"),
        ("pengin", "penguin"), ("bule", "blue"), ("fich", "fish"), ("tre", "tree"), ("owll", "owl"),
        ("appel", "apple"), ("elefant", "elephant"), ("brocolli", "broccoli"), ("backround", "background"),
    ],
)  # fmt: skip
def test_a_slip_of_the_pen_has_the_word_that_was_meant(slip, word):
    assert word in unknown_words(f"a {slip}")[slip]


def test_another_word_with_many_of_the_letters_is_not_near():
    assert set(map(tuple, unknown_words("best eyes, long art of a forest, beside a castle tower").values())) == {()}


def test_japanese_is_searched_for_known_words_from_left_to_right():
    assert list(unknown_words("青い背景の恐竜とねこ")) == ["恐竜"]
    assert list(unknown_words("🦖🐱")) == ["🦖"]


def test_a_list_is_refused():
    with pytest.raises(TypeError, match="prompt is a list"):
        unknown_words(["a cat"])


def test_the_list_holds_only_words_of_captions():
    from training import export

    assert known_words() == set(export.known_words())


@pytest.mark.parametrize(
    ("prompt", "mark"),
    [
        ("a (cat:1.3) on blue", "(cat:1.3)"), ("a (cat: 0.8)", "(cat: 0.8)"), ("(cat:2)", "(cat:2)"),
        ("(青いねこ:1.2)", "(青いねこ:1.2)"), ("a ((blue)) cat", "((blue))"), ("a [x]", "[x]"),
        ("a [red:blue:0.5] cat", "[red:blue:0.5]"), ("a cat++ on blue", "cat++"), ("a cat--", "cat--"),
        ("a (blue cat)++", "(blue cat)++"), ("a (cat)1.3", "(cat)1.3"), ("a cat <lora:x:1>", "<lora:x:1>"),
        ("a cat AND a dog", "AND"), ("a cat BREAK a dog", "BREAK"), ("a cat, BREAK, a dog", "BREAK"),
        ("a {cat|dog}", "{cat|dog}"), ("an __animal__", "__animal__"), ("{{cat}}", "{{cat}}"),
        ("a ((cat):1.3)", "((cat):1.3)"), ("（cat：1.3）", "（cat：1.3）"), ("（（青い））ねこ", "（（青い））"),
        ("1.2::cat::", "1.2::cat::"), ("cat::2", "cat::2"), ("a (((cat", "(((cat"),
        ("a <wildcard:animal>", "<wildcard:animal>"), ("a cat AND_PERP a dog", "AND_PERP"),
        ("cat, embedding:bad.pt", "embedding:bad.pt"), ("a cat --ar 16:9", "--ar"), ('("a", "b").and()', ".and("),
    ],
)  # fmt: skip
def test_marks_of_other_programs_are_found(prompt, mark):
    found = marks_of_other_programs(prompt)
    assert [one.text for one in found] == [mark] and found[0].instead
    assert mark in unknown_words(prompt)


@pytest.mark.parametrize(
    "prompt",
    [
        "", "a cat (small)", "a cat (small, red) on (blue)", "(16:9)", "at (10:30)", "(John 3:16)", "(a happy cat :3)",
        "SAND and BAND", "A CAT AND A DOG", "breakfast, BREAKS", '"TAKE A BREAK"', "🐱 (ねこ) :-)", "「青い」ねこ",
        "（青い）【ねこ】", "a C++ book", "a well-known cat - a dog -- a fox", "a cat--a dog", "note [1]", "<blob> cat",
        "a <b>cat</b>", "20+ cats", "snake__case", "a cat {sleeping}", "(see page 12)", "a $5 note", "x^2 + y^2",
        "std::string", "12:30::45", "a cat (grey) :-)",
    ],
)  # fmt: skip
def test_ordinary_prompts_hold_no_marks(prompt):
    assert not marks_of_other_programs(prompt)


@pytest.mark.parametrize(
    "part",
    [
        "(",
        "[",
        "((",
        "(((",
        "(((a",
        "(a",
        "(:1",
        ":1.1",
        "a::",
        "1::a",
        "((a):",
        "a-",
        "a++",
        "-",
        "__a",
        "{a|",
        "<lora",
        "embedding:",
    ],
)
def test_long_prompts_are_searched_in_a_moment(part):
    began = time.process_time()
    marks_of_other_programs(part * 20_000)
    assert time.process_time() - began < 2  # 0.05 s at the most when written; quadratic it is minutes


def test_weights_get_known_words_as_near_ones():
    assert unknown_words("a (blue cat:1.3)") == {"(blue cat:1.3)": ["blue", "cat"]}
