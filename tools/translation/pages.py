"""Japanese pages: which English page each translates, and whether that has changed since.

Its first line says so: `<!-- source: docs/glossary.md 0123456789ab -->`, with the fingerprint of the English page.
"""

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

from sdkit.files import write_whole
from tools.translation.links import OUTSIDE, Links, targets
from tools.translation.sources import PAGES, ROOT, english_name, fingerprint
from tools.translation.twins import headings

SOURCE = re.compile(r"\A<!-- source: (\S+) ([0-9a-f]{12}) -->\n")


def pages(root: Path = ROOT) -> list[str]:
    """Return the names of the Japanese pages."""
    found = [*sorted(root.glob("*.ja.md")), *sorted((root / PAGES).glob("*.md"))]
    return [path.relative_to(root).as_posix() for path in found]


def page_problems(name: str, root: Path = ROOT) -> Iterator[str]:
    """Yield what is wrong with a page: no source, another one, a stale text, links that lead nowhere."""
    text = (root / name).read_text(encoding="utf-8")
    found, wanted = SOURCE.match(text), english_name(name)
    if not found or found[1] != wanted:
        yield f"the first line is not as in <!-- source: {wanted} {'0' * 12} -->"
    elif not (root / found[1]).is_file():
        yield f"orphaned: there is no {found[1]}"
    else:
        english = (root / found[1]).read_text(encoding="utf-8")
        if fingerprint(english) != found[2]:
            yield f"stale: {found[1]} has changed; translate the change, then: python -m tools.translation seal {name}"
        if Links(found[1], headings(root), root).corrected(text, english) != text:
            yield f"its links do not lead to the Japanese lessons and pages; python -m tools.translation seal {name}"
    for target in targets(text):
        path = target.partition("#")[0]
        if path and not OUTSIDE.match(target):
            if not (root / posixpath.normpath(posixpath.join(posixpath.dirname(name), path))).exists():
                yield f"it links to {target}, which is not there"


def seal(name: str, root: Path = ROOT) -> None:
    """Write into a page's first line that it translates the English one as that is now, and turn its links.

    Raises ValueError for a file that is no Japanese page.
    """
    english = english_name(name)
    if english is None or not (root / english).is_file():
        raise ValueError(f"{name} is no Japanese page of the repository; those are README.ja.md and {PAGES}/*.md.")
    text = SOURCE.sub("", (root / name).read_text(encoding="utf-8"))
    source = (root / english).read_text(encoding="utf-8")
    line = f"<!-- source: {english} {fingerprint(source)} -->\n"
    write_whole(root / name, (line + Links(english, headings(root), root).corrected(text, source)).encode())
