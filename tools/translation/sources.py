"""Which Japanese file translates which English one, and what of the English text a translation follows."""

import hashlib
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EN, JA = "notebooks/en", "notebooks/ja"
PAGES = "docs/ja"
OTHER_PAGES = {"README.md": "README.ja.md", "sdkit/model/README.md": f"{PAGES}/model.md"}
# Written by programs, in each language alike, or in one only: no translation becomes stale by it.
GENERATED = re.compile(r"<!-- (colab|coverage) -->.*?<!-- /\1 -->", re.DOTALL)


def fingerprint(text: str) -> str:
    """Return a short text that stands for what an English cell or page says."""
    return hashlib.sha256(GENERATED.sub("", text).strip().encode()).hexdigest()[:12]


def japanese_name(name: str) -> str | None:
    """Return the name of the Japanese file for an English one in the repository, None where none is possible."""
    if name in OTHER_PAGES:
        return OTHER_PAGES[name]
    if name.startswith(f"{EN}/"):
        return f"{JA}/{name.removeprefix(f'{EN}/')}"
    folder, _, page = name.rpartition("/")
    return f"{PAGES}/{page}" if folder == "docs" and page.endswith(".md") else None


def english_name(name: str) -> str | None:
    """Return the name of the English file that a Japanese one translates, None for a file that is no translation."""
    for english, japanese in OTHER_PAGES.items():
        if name == japanese:
            return english
    if name.startswith(f"{JA}/"):
        return f"{EN}/{name.removeprefix(f'{JA}/')}"
    folder, _, page = name.rpartition("/")
    return f"docs/{page}" if folder == PAGES else None


def notebooks(folder: str, root: Path = ROOT) -> list[str]:
    """Return the names of the notebooks below a folder of the repository, in order; copies of editors left out."""
    home = root / folder
    found = sorted(path for path in home.rglob("*.ipynb") if not any(part.startswith(".") for part in path.parts))
    return [path.relative_to(root).as_posix() for path in found]
