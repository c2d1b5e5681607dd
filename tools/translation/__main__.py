"""Keep the Japanese edition in step with the English one.

python -m tools.translation take FILE.md ...    put translated cells into notebooks/ja: 06_guidance_scale.md holds
                                                those of that notebook, each below a line <!-- cell: ID -->
python -m tools.translation stale 06            print such a file with the cells that are new or stale
python -m tools.translation sync                copy code and outputs anew; list what is new, stale or orphaned
python -m tools.translation check               change nothing; exit with 1 if something is, or says another thing
python -m tools.translation show 06             both texts of each cell, for a reviewer
python -m tools.translation seal docs/ja/x.md   say that a page translates the English one as that is now
"""

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tools.cells import joined, split
from tools.translation.links import Links, targets
from tools.translation.pages import page_problems, pages, seal
from tools.translation.sources import EN, JA, ROOT, english_name, fingerprint, notebooks
from tools.translation.truth import untrue
from tools.translation.twins import Text, Twin, all_twins, headings, named

ENGLISH = re.compile(r"\n*<!-- english\n(.*?)\n-->", re.DOTALL)


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Do what is asked and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.translation", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=["take", "stale", "sync", "check", "show", "seal"])
    parser.add_argument("names", nargs="*", help="files, or numbers of lessons")
    given = parser.parse_args(arguments)
    try:
        if (given.command in ("sync", "check")) == bool(given.names):
            raise ValueError(f"{given.command} {'takes no' if given.names else 'needs'} names of files; see --help.")
        return {"take": _take, "stale": _stale, "sync": _sync, "check": _check, "show": _show, "seal": _seal}[
            given.command
        ](given.names, root)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2


def problems(root: Path = ROOT) -> Iterator[tuple[str, str]]:
    """Yield (name of the file, what is wrong) for all notebooks and pages of the Japanese edition."""
    for twin in all_twins(root):
        for problem in twin_problems(twin):
            yield twin.name, problem
    english = set(notebooks(EN, root))
    for name in notebooks(JA, root):
        if english_name(name) not in english:
            yield name, f"orphaned: there is no {english_name(name)}"
    for name in pages(root):
        for problem in page_problems(name, root):
            yield name, problem


def twin_problems(twin: Twin) -> Iterator[str]:
    """Yield what is wrong with one Japanese notebook."""
    if twin.japanese is None:
        yield "new: there is no Japanese notebook"
        return
    for word, names in (("new", twin.new), ("stale", twin.stale), ("orphaned", twin.orphaned)):
        if names:
            yield f"{word}: {', '.join(names)}"
    if not twin.in_step:
        yield "out of step: code, outputs, order or links are not those of the English notebook; use sync"
    links = Links(twin.name, headings(twin.root), twin.root)
    known = "\n".join(cell.source for cell in twin.english.cells)
    for name, text in twin.texts.items():
        english = twin.prose.get(name)
        if english is not None and name not in twin.stale:
            meant = [links.japanese(target) for target in targets(english)]
            for problem in untrue(english, text.source, meant, known):
                yield f"{name}: {problem}"


def _take(names, root):
    for name in names:
        twin = named(name, root)
        given = split(Path(name).read_text(encoding="utf-8"))
        unknown = [cell for cell in given if cell not in twin.prose]
        missing = [cell for cell in twin.prose if cell not in given and cell not in twin.texts]
        for wrong, what in ((unknown, "cells that the English notebook does not have"), (missing, "no cells")):
            if wrong:
                raise ValueError(f"{name} has {what}: {', '.join(wrong)}")
        for cell, text in given.items():
            meant = ENGLISH.search(text)
            if meant and meant[1] != _no_comments(twin.prose[cell]):
                raise ValueError(
                    f"{name}: the English text of {cell} has changed since `stale` printed it; print it anew."
                )
            given[cell] = ENGLISH.sub("", text)
        twin.write(twin.texts | {cell: Text(text, fingerprint(twin.prose[cell])) for cell, text in given.items()})
        for problem in twin_problems(Twin.read(twin.name, root)):
            print(f"{twin.name}: {problem}")
    return 0


def _stale(names, root):
    for name in names:
        twin = named(name, root)
        texts = twin.texts
        cells = {
            cell: f"{texts[cell].source if cell in texts else ''}\n\n"
            f"<!-- english\n{_no_comments(twin.prose[cell])}\n-->"
            for cell in twin.prose
            if cell in twin.new or cell in twin.stale
        }
        print(joined(cells), end="")
    return 0


def _sync(names, root):
    for twin in all_twins(root):
        if twin.japanese is not None:
            for word, ids in (("new", twin.new), ("stale", twin.stale), ("orphaned, dropped", twin.orphaned)):
                if ids:
                    print(f"{twin.name}: {word}: {', '.join(ids)}")
            if not twin.in_step:
                twin.write(twin.texts)
                print(f"{twin.name}: written")
        else:
            print(f"{twin.name}: new")
    return 0


def _check(names, root):
    found = list(problems(root))
    for name, problem in found:
        print(f"{name}: {problem}")
    return int(bool(found))


def _show(names, root):
    for name in names:
        twin = named(name, root)
        texts = twin.texts
        for cell, english in twin.prose.items():
            print(f"===== {cell}\n{english}\n-----\n{texts[cell].source if cell in texts else '(none)'}\n")
    return 0


def _seal(names, root):
    for name in names:
        seal(name, root)
    return 0


def _no_comments(text):
    return re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)


if __name__ == "__main__":
    sys.exit(main())
