"""What Japanese Markdown needs to be shown as it is meant, which textlint does not see."""

import re
import unicodedata

from tools.cells import CODE

WIDE = r"[\u3000-\u30ff\u3400-\u9fff\uff00-\uffef]"
BROKEN = re.compile(rf"(?<={WIDE})[ ]*\n[ >]*(?={WIDE})")
UNREAD = re.compile(CODE + r"|\$\$.*?\$\$|\$(?=\S)[^$`\n]+(?<=\S)\$|<!--.*?-->", re.DOTALL)
STARS = re.compile(r"(?<!\*)\*{1,3}(?!\*)")


def shape_problems(text: str) -> list[tuple[int, str]]:
    """Return (line from 1, what is wrong) for each place of a Markdown text that would not be shown as it is meant.

    Markdown shows a line's end as a blank, which does not belong between two Japanese letters. And it reads `**` as
    emphasis only where it can tell a beginning from an end: between a letter and a bracket, as in `で**「猫」**を`, it
    cannot, so the stars are shown.
    """
    found = []
    for match in BROKEN.finditer(text):
        found.append((text.count("\n", 0, match.start()) + 1, "the line breaks in a sentence: a blank would be shown"))
    plain = UNREAD.sub(lambda match: re.sub(r"[^\n]", "`", match[0]), text)
    for number, (line, shown) in enumerate(zip(plain.splitlines(), text.splitlines(), strict=True), 1):
        opened = False
        for match in STARS.finditer(re.sub(r"^\s*\* ", lambda item: " " * len(item[0]), line)):
            before, after = line[: match.start()][-1:], line[match.end() :][:1]
            if before == "\\" or not (before.strip() or after.strip()):
                continue  # a star, not emphasis
            if not (_ends(before, after) if opened else _ends(after, before)):
                words = shown[max(0, match.start() - 6) : match.end() + 6].strip()
                found.append((number, f"the stars in {words!r} would be shown: letter and bracket touch them"))
            opened = not opened
    return sorted(found)


def _ends(inside: str, outside: str) -> bool:
    """Say whether stars between these two characters can end emphasis, as CommonMark says: its flanking runs."""
    if not inside.strip():
        return False
    return not _is_mark(inside) or not outside.strip() or _is_mark(outside)


def _is_mark(character: str) -> bool:
    return unicodedata.category(character)[0] in "PS"
