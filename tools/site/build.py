"""Builds the site's folder from its sources: Sphinx for each language, then what both share."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from filecmp import cmp
from pathlib import Path

from tools.site.pages import LAB_PAGE, LANGUAGES, ROOT
from tools.site.words import WORDS

CONFIGURATION = ROOT / "site"
# Sphinx and its theme write these beside what a page needs.
NOT_NEEDED = ("*.map", ".buildinfo", "objects.inv", "*webpack-macros.html", "locales", "*.LICENSE.txt", "LICENSE.txt")
STATIC = "_static"
VERBATIM = re.compile(r"(<pre.*?</pre>|<script.*?</script>)", re.DOTALL)
PLAIN_SPAN = re.compile(r'<span class="(?:n|p|w)">([^<]*)</span>')
SEARCH_SCRIPT = re.compile(r'<script src="[^"]*(?:searchtools|language_data|searchindex)\.js[^"]*"></script>\n?')
# A title and a list of contents that only the printed page would show.
FOR_PRINT = re.compile(
    r'<div id="jb-print-docs-body" class="onlyprint">.*?</nav>\s*</div>\s*</div>\s*</div>', re.DOTALL
)
ICON = re.compile(r"\bfa-([a-z-]+)")
# name:[width,height,[other names],"code","drawing"], in Font Awesome's program
ICON_DRAWING = re.compile(r'("[\w-]+"|[\w$]+):\[\d+,\d+,\[[^\]]*\],"[0-9a-f]+",(?:"[^"]*"|\[[^\]]*\])\],?')
IN_STATIC = re.compile(rf'((?:src|href)=")((?:\.\./)*){STATIC}/([^"?]+)')


def run_sphinx(sources: Path, site: Path, lab: bool) -> list[str]:
    """Build all languages at once, from sources/LANGUAGE to site/LANGUAGE; return warnings and errors."""
    began = {}
    for language in LANGUAGES:
        command = [sys.executable, "-m", "sphinx", "-b", "html", "-W", "--keep-going", "-q", "-t", language]
        command += ["-t", "lab"] if lab else []
        command += ["-c", CONFIGURATION, "-d", sources / f"doctrees-{language}", sources / language, site / language]
        # Sphinx imports tools.site and must not find an older conf.py's bytes.
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
        began[language] = subprocess.Popen(
            list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        )
    said = {language: process.communicate()[0] for language, process in began.items()}
    found = [f"{language}: {line}" for language, text in said.items() for line in text.splitlines() if line.strip()]
    for language, process in began.items():
        if process.returncode and not said[language].strip():
            found.append(f"{language}: Sphinx ended with {process.returncode}")
    return found


def lead_back(lab: Path) -> None:
    """Add to the pages of the lab a link to the lessons; raise ValueError for a page without a title."""
    for language, name in LAB_PAGE.items():
        text = (lab / name).read_text(encoding="utf-8")
        if "</h1>" not in text:
            raise ValueError(f"{name} of the lab has no <h1>, behind which the link to the lessons belongs")
        link = f'</h1>\n<a href="../{language}/index.html">{WORDS[language]["back"]}</a>'
        (lab / name).write_text(text.replace("</h1>", link, 1), encoding="utf-8")


def take_away(site: Path) -> None:
    """Delete what no page needs, and make pages and icons small."""
    shutil.rmtree(site / "jupyter_execute", ignore_errors=True)
    icons = set()
    for language in LANGUAGES:
        for pattern in NOT_NEEDED:
            for path in list((site / language).rglob(pattern)):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        for path in (site / language).rglob("*.html"):
            text = slim(path.read_text(encoding="utf-8"), keep_search=path.name == "search.html")
            path.write_text(text, encoding="utf-8")
            icons |= set(ICON.findall(text))
    for language in LANGUAGES:
        path = site / language / STATIC / "scripts" / "fontawesome.js"
        path.write_text(with_icons(path.read_text(encoding="utf-8"), icons), encoding="utf-8")


def slim(text: str, keep_search: bool = False) -> str:
    """Return a page without comments, indentation and the spans of code that no style colours.

    The programs of the search, with its index, are left to the page that searches.
    """
    pieces = VERBATIM.split(PLAIN_SPAN.sub(r"\1", FOR_PRINT.sub("", text)))
    pieces[::2] = [
        re.sub(r"\s*\n\s*", "\n", re.sub(r"<!--.*?-->", "", piece, flags=re.DOTALL)) for piece in pieces[::2]
    ]
    text = "".join(pieces)
    return text if keep_search else SEARCH_SCRIPT.sub("", text)


def with_icons(script: str, names: set[str]) -> str:
    """Return Font Awesome's program with these icons only; raise ValueError if it holds none that is found."""
    found = set()

    def kept(match: re.Match[str]) -> str:
        name = match[1].strip('"')
        found.add(name)
        return match[0] if name in names else ""

    small = ICON_DRAWING.sub(kept, script)
    if not found & names:
        raise ValueError("Font Awesome's program holds no icon in the form that is known here; look at ICON_DRAWING")
    return small


def share(site: Path) -> None:
    """Store the programs, styles and fonts that are the same in all languages once, in a folder beside them."""
    first, *others = (site / language / STATIC for language in LANGUAGES)
    same = {
        path.relative_to(first)
        for path in first.rglob("*")
        if path.is_file() and all((folder / path.relative_to(first)).is_file() for folder in others)
        if all(cmp(path, folder / path.relative_to(first), shallow=False) for folder in others)
    }
    for name in same:
        (site / STATIC / name).parent.mkdir(parents=True, exist_ok=True)
        (first / name).rename(site / STATIC / name)
        for folder in others:
            (folder / name).unlink()
    for language in LANGUAGES:
        for folder in sorted((site / language / STATIC).rglob("*"), reverse=True):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
        for page in (site / language).rglob("*.html"):
            text = page.read_text(encoding="utf-8")
            page.write_text(with_shared(text, {name.as_posix() for name in same}), encoding="utf-8")


def with_shared(text: str, shared: Iterable[str]) -> str:
    """Return the HTML of a page of a language with the addresses of shared files one folder further up."""
    names = set(shared)

    def moved(found: re.Match[str]) -> str:
        return f"{found[1]}../{found[2]}{STATIC}/{found[3]}" if found[3] in names else found[0]

    return IN_STATIC.sub(moved, text)
