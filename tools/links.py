"""Write into each notebook's first cell how to run it, here and on Colab.

The repository's address comes from [project.urls] in pyproject.toml and from nowhere else.

    python -m tools.links            write
    python -m tools.links --check    write nothing; exit with 1 if something would change
"""

import argparse
import sys
import tomllib
from pathlib import Path

import nbformat

from tools.blocks import replace_block

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES = ("en", "ja")

# What lies between these comments in a head cell is ours; the rest of the cell is not touched.
START, END = "<!-- colab -->", "<!-- /colab -->"

BADGE = "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({url})"
COLAB = "https://colab.research.google.com/github/{repository}/blob/main/{notebook}"
GITHUB = "https://github.com/"

RUN = {
    "en": "**Shift+Enter** runs a cell. On Colab, first: {first}.",
    "ja": "**Shift+Enter**でセルを実行します。Colabでは最初に{first}。",
}
FROM_ADDRESS = {
    "en": "`%pip install git+{address}` in a new cell",
    "ja": "新しいセルで`%pip install git+{address}`を実行してください",
}
FROM_WHEEL = {
    "en": "upload the wheel that `make wheel` builds, then `%pip install {wheel}` in a new cell",
    "ja": "`make wheel`で作ったwheelをアップロードします。次に新しいセルで`%pip install {wheel}`を実行してください",
}


def read_project(root: Path) -> dict:
    """Return the [project] table of pyproject.toml."""
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def colab_line(project: dict, notebook: str, language: str) -> str:
    """Return the line of Markdown that tells how to run one notebook, and how to install what it needs on Colab."""
    address = project.get("urls", {}).get("Repository")
    if address is None:
        wheel = f"{project['name'].replace('-', '_')}-{project['version']}-py3-none-any.whl"
        return RUN[language].format(first=FROM_WHEEL[language].format(wheel=wheel))
    if not address.startswith(GITHUB):
        raise ValueError(f"Repository is {address!r}; Colab opens only addresses that start with {GITHUB}")
    repository = address.removeprefix(GITHUB).removesuffix("/").removesuffix(".git")
    badge = BADGE.format(url=COLAB.format(repository=repository, notebook=notebook))
    return f"{badge} {RUN[language].format(first=FROM_ADDRESS[language].format(address=GITHUB + repository))}"


def with_block(source: str, line: str) -> str:
    """Return a head cell's text with `line` between the comments, at its end if it has none."""
    if START in source:
        return replace_block(source, "colab", line)
    return f"{source.rstrip()}\n\n{START}\n{line}\n{END}"


def update(path: Path, project: dict, root: Path, check: bool = False) -> bool:
    """Write one notebook's link, unless `check`, and return whether that changes the notebook."""
    book = nbformat.read(path, as_version=4)
    head = next((cell for cell in book.cells if cell.get("id") == "head"), None)
    if head is None or head.cell_type != "markdown":
        raise ValueError(f"{path.relative_to(root)} has no Markdown cell with the id 'head'")
    notebook = path.relative_to(root)
    line = colab_line(project, notebook.as_posix(), notebook.parts[1])
    source = with_block(head.source, line)
    changed = source != head.source
    if changed and not check:
        head.source = source
        nbformat.write(book, path)
    return changed


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Write or check the links of all notebooks and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.links", description="Write the Colab links.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if something would change")
    check = parser.parse_args(arguments).check
    project = read_project(root)
    changed = 0
    for path in sorted(
        path for language in LANGUAGES for path in (root / "notebooks" / language).rglob("[0-9]*.ipynb")
    ):
        if update(path, project, root, check):
            changed += 1
            print("out of date:" if check else "written:", path.relative_to(root).as_posix())
    return 1 if check and changed else 0


if __name__ == "__main__":
    sys.exit(main())
