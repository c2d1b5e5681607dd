"""The notation of AUTOMATIC1111's X/Y/Z plot: lists, ranges, steps, counts, words in quotes."""

import pytest

from sdkit.panel.axis_text import MAX_VALUES, read_numbers, read_texts


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1, 2, 5", [1, 2, 5]),
        ("1,2,5", [1, 2, 5]),
        ("7.5", [7.5]),
        ("-1, +2, .5, 3., 1e-3", [-1, 2, 0.5, 3, 0.001]),
        ("1-5", [1, 2, 3, 4, 5]),
        ("1 - 5", [1, 2, 3, 4, 5]),
        ("5-1", [5, 4, 3, 2, 1]),
        ("1-5 (+2)", [1, 3, 5]),
        ("1-5(2)", [1, 3, 5]),
        ("1-6 (2)", [1, 3, 5]),
        ("10-1 (-3)", [10, 7, 4, 1]),
        ("10-1 (3)", [10, 7, 4, 1]),
        ("10-5 (-3)", [10, 7]),
        ("1-3 (+0.5)", [1, 1.5, 2, 2.5, 3]),
        ("0-1 (0.1)", [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]),  # to the digit
        ("-2--1 (0.5)", [-2, -1.5, -1]),
        ("0.0-1.0 [6]", [0, 0.2, 0.4, 0.6, 0.8, 1]),
        ("1-10 [5]", [1, 3.25, 5.5, 7.75, 10]),
        ("10-1[4]", [10, 7, 4, 1]),
        ("3-9 [1]", [3]),
        ("4-4", [4]),
        ("1-3, 7, 10-30 (10)", [1, 2, 3, 7, 10, 20, 30]),
        ("１、３", [1, 3]),  # the wide signs of a Japanese keyboard
        ("１－５", [1, 2, 3, 4, 5]),
        ("１ー３，　７．５", [1, 2, 3, 7.5]),
        ("１－１０　［２］", [1, 10]),
        ("1–5 （＋２）", [1, 3, 5]),
        ("1, 2,", [1, 2]),  # as it stands while somebody writes
        ("1,, 2", [1, 2]),
        ('"1", "2"', [1, 2]),
        ("", []),
        ("   ", []),
        ("18446744073709551615", [2**64 - 1]),
    ],
)
def test_numbers(text, values):
    assert read_numbers(text) == values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1-10 [5]", [1, 3, 5, 7, 10]),  # cut, as the web UI does and its wiki says
        ("1-10[5], 20", [1, 3, 5, 7, 10, 20]),
        ("20.0", [20]),
        ("1-5 (+2)", [1, 3, 5]),
    ],
)
def test_whole_numbers(text, values):
    found = read_numbers(text, whole=True)
    assert found == values and all(type(value) is int for value in found)


def test_whole_values_stay_whole_among_others():
    assert [type(value) for value in read_numbers("1-2 (0.5)")] == [int, float, int]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1; 2", "'1; 2' is not read; write numbers with commas"),
        ("a cat", "'a cat' is not read"),
        ("1-", "'1-' is not read"),
        ("1-5 (", "is not read"),
        ("1-5 [0]", "asks for 0 values"),
        ("1-5 [2.5]", "is not read"),
        ("1-5 [9999]", "asks for 9999 values"),
        ("1-5 (0)", "its step is 0; write 1-5 (+1)"),
        ("1-5 (-1)", "its step leads away from 5; write 1-5 (+1)"),
        ("10-1 (+3)", "leads away from 1; write 10-1 (-1)"),
        ("1-999999999", "999,999,999 values or more; write at most 1,000"),
        ("0-1 (1e-9)", "values or more"),
        ("nan, inf", "'nan' is not read"),
        ("1e999", "'1e999' is not read"),
        ('"1', "a quote that does not end"),
    ],
)
def test_what_is_no_number_is_told(text, said):
    with pytest.raises(ValueError) as error:
        read_numbers(text)
    assert said in str(error.value)


def test_many_ranges_together_are_too_many():
    with pytest.raises(ValueError, match="at most 1,000"):
        read_numbers("1-600, 1-600")
    assert len(read_numbers(f"1-{MAX_VALUES}")) == MAX_VALUES


@pytest.mark.parametrize("text", ["1.5", "1-2 (0.5)", "0.5-3"])
def test_a_fraction_where_whole_numbers_are_needed_is_told(text):
    with pytest.raises(ValueError, match="no whole number"):
        read_numbers(text, whole=True)


@pytest.mark.parametrize(
    ("text", "texts"),
    [
        ("DDIM, Euler a, DPM++ 2M Karras", ["DDIM", "Euler a", "DPM++ 2M Karras"]),
        ('"a cat, sitting", a dog', ["a cat, sitting", "a dog"]),
        ('a dog,"a cat, sitting"', ["a dog", "a cat, sitting"]),
        ('"say ""hi"", cat", b', ['say "hi", cat', "b"]),
        ('"", red', ["", "red"]),
        ('red, ""', ["red", ""]),
        ('a 5" disc, b', ['a 5" disc', "b"]),  # a quote inside is a letter
        ("  a  ,  b  ", ["a", "b"]),
        ("a,,b,", ["a", "b"]),
        ("猫, 犬", ["猫", "犬"]),
        ('" a "', [" a "]),
        ("", []),
        (",", []),
    ],
)
def test_texts(text, texts):
    assert read_texts(text) == texts


@pytest.mark.parametrize("text", ['"a, b', 'a, "b', '"a" b, c', '"a""'])
def test_quotes_that_do_not_close_are_told(text):
    with pytest.raises(ValueError, match="a quote that does not end"):
        read_texts(text)
