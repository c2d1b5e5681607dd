"""What a program can see of a translation's truth: what stands in digits, in code or in links must not change."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

from tools.cells import CODE
from tools.japanese import shape_problems
from tools.lesson import headings_of
from tools.translation.links import targets
from tools.translation.sources import GENERATED

SPAN = re.compile(CODE, re.DOTALL)
FORMULA = re.compile(r"\$\$.*?\$\$|\$(?=\S)[^$`\n]+(?<=\S)\$", re.DOTALL)
WORDS_IN_FORMULAS = re.compile(r"\\text\{[^}]*\}|\s+")
NOT_SAID = re.compile(r"\]\([^)]*\)|<!--.*?-->|</?[a-z][^>]*>", re.DOTALL)
ITEM = re.compile(r"^[ >]*(?:[-*]|[1-9]\d*\.)(?= )", re.MULTILINE)
ROW = re.compile(r"^ *\|.*\|", re.MULTILINE)
NUMBER = re.compile(r"(?<![A-Za-z\d.,])\d+(?:,\d{3})*(?:\.\d+)?")  # not those in names, such as float16
COUNTED = re.compile(r"(?<![\d.,])([1-4])(?:[つ枚回行列本個段種組色]|通り|番目)")
LARGE = re.compile(r"(\d+(?:\.\d+)?)[ \n]+(million|billion)\b|(?:(\d+(?:\.\d+)?)億)?(?:(\d+(?:\.\d+)?)万)?")
# What every lesson says has one translation.
FIXED = {
    "## What you saw": "## 見えたこと",
    "> **On real Stable Diffusion 1.x** (documented, not run here)": (
        "> **本物のStable Diffusion 1.xでは**（資料による。ここでは実行していません）"
    ),
    "## Your turn": "## やってみましょう",
    "## Deeper": "## もっと深く",
    "## Next": "## 次へ",
    "## The idea in one drawing": "## 図で見るしくみ",
    "A class can stop here": "授業はここまででもかまいません",
    ". **Make**": ". **作る**",
    ". **Diagnose**": ". **原因を探す**",
    "· Make: ": "· 作る：",
    "· Diagnose: ": "· 原因を探す：",
    "· Repair: ": "· 直す：",
    "*easy · ": "*やさしい · ",
    "*medium · ": "*ふつう · ",
    "*hard · ": "*むずかしい · ",
    "Exercises that check themselves: [": "答え合わせのできる演習は[",
    "<summary>Answer</summary>": "<summary>答え</summary>",
    "<summary>What the article says</summary>": "<summary>元の記事の記述</summary>",
}
# Japanese counts in digits where English does so in words.
UNITS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen".split()
VALUES = {word: value for value, word in enumerate(UNITS)} | {
    "first": 1, "once": 1, "single": 1,
    "second": 2, "twice": 2, "both": 2, "pair": 2, "half": 2, "double": 2, "doubled": 2, "doubles": 2,
    "square": 2, "squared": 2, "third": 3, "fourth": 4, "quarter": 4, "quarters": 4, "fifth": 5, "sixth": 6,
    "seventh": 7, "eighth": 8, "tenth": 10, "dozen": 12,
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
    "hundred": 100, "hundreds": 100, "hundredth": 100, "hundredths": 100, "thousand": 1000,
}  # fmt: skip


def untrue(english: str, japanese: str, expected_links: list[str], notebook: str = "") -> Iterator[str]:
    """Yield how a Japanese cell differs from the English one in what must not differ, and how it would be misshown.

    `expected_links` are the targets that the Japanese links must have, in any order. `notebook` is all text and
    code of the notebook: what is named there may be named again in another cell.
    """
    english, japanese = GENERATED.sub("", english), GENERATED.sub("", japanese)
    yield from _differ("links", expected_links, targets(japanese))
    yield from _code(english, japanese, english + notebook)
    yield from _differ(
        "formulas", *(map(_symbols, FORMULA.findall(SPAN.sub("", text))) for text in (english, japanese))
    )
    for what, pattern in (("list items", ITEM), ("table rows", ROW), ("<details>", re.compile("<details>"))):
        yield from _counts(what, *(len(pattern.findall(text)) for text in (english, japanese)))
    yield from _counts("headings", len(headings_of(english)), len(headings_of(japanese)))
    for term, other in FIXED.items():
        yield from _counts(other, english.count(term), japanese.count(other))
    yield from _numbers(english, japanese)
    for line, words in shape_problems(japanese):
        yield f"line {line}: {words}"


def _differ(what, english, japanese):
    english, japanese = Counter(english), Counter(japanese)
    for word, first, other in (("lacks", english, japanese), ("has besides", japanese, english)):
        rest = list((first - other).elements())
        if rest:
            yield f"{what}: the Japanese {word} {', '.join(rest)}"


def _counts(what, english, japanese):
    if english != japanese:
        yield f"{what}: {english} in English, {japanese} in Japanese"


def _symbols(formula):
    return WORDS_IN_FORMULAS.sub("", formula)


def _code(english, japanese, known):
    expected, found = (Counter(" ".join(span.split()) for span in SPAN.findall(text)) for text in (english, japanese))
    lacking = list((expected - found).elements())
    if lacking:
        yield f"code: the Japanese lacks {', '.join(lacking)}"
    # A name may be repeated where English says "it", and a Japanese word may be quoted.
    besides = [span for span in found - expected if span.isascii() and span.strip("`") not in known]
    if besides:
        yield f"code: the Japanese has besides {', '.join(besides)}"


def _numbers(english, japanese):
    expected, found = (Counter(_digits(text)) for text in (english, japanese))
    lacking = list((expected - found).elements())
    if lacking:
        yield f"numbers: the Japanese lacks {', '.join(lacking)}"
    rest = Counter(_digits(COUNTED.sub(" ", _said(japanese)))) - expected
    besides = [number for number in rest if number not in expected and number not in _in_words(english)]
    if besides:
        yield f"numbers: the Japanese has besides {', '.join(besides)}"


def _said(text):
    return unicodedata.normalize("NFKC", ITEM.sub("", NOT_SAID.sub(" ", FORMULA.sub(" ", SPAN.sub(" ", text)))))


def _digits(text):
    return [number.replace(",", "") for number in NUMBER.findall(LARGE.sub(_as_digits, _said(text)))]


def _as_digits(match):
    """Return 1066000000 for 1066 million and for 10億6600万."""
    english, unit, hundred_millions, ten_thousands = match.groups()
    if english:
        return str(round(float(english) * {"million": 1e6, "billion": 1e9}[unit]))
    if not match[0]:
        return ""
    return str(round(float(hundred_millions or 0) * 1e8 + float(ten_thousands or 0) * 1e4))


def _in_words(text):
    """Return the numbers that an English text says in words, as digits: those of each word, and of a row of words."""
    found = {"1"}
    said = _said(text).lower()
    found |= {"30"} if "half a minute" in said or "half an hour" in said else set()
    found |= {f"{VALUES.get(word, 0)}.5" for word in re.findall(r"([a-z]+) and a half", said)}
    words = re.findall(r"[a-z]+", said)
    total = None
    for word in [*words, ""]:
        value = VALUES.get(word)
        if value is None:
            total = None
            continue
        found.add(str(value))
        total = value if total is None else total * value if value >= 100 else total + value
        found.add(str(total))
    return found
