"""Check Japanese prose with textlint.

    python -m tools.textlint                all Japanese lessons, pages and messages
    python -m tools.textlint FILE ...       these notebooks and Markdown files

Prints each finding with its place and rule, and exits with 1 if there are any. Needs npm: the first run installs what
package-lock.json names, 140 MB.
"""

import argparse
import sys
from pathlib import Path

from tools.textlint.run import ROOT, NoNpmError, findings


def main(arguments: list[str] | None = None) -> int:
    """Check files, print what was found, and return 1 if that is anything."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.textlint", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "files", nargs="*", type=Path, help="notebooks, .md and .json files; all Japanese ones if none is given"
    )
    files = parser.parse_args(arguments).files or japanese_files()
    try:
        found = findings(files)
    except (NoNpmError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    for finding in found:
        print(finding)
    print(f"{len(found)} findings in {len(files)} files")
    return int(bool(found))


def japanese_files() -> list[Path]:
    """Return the Japanese lessons, pages and catalogues of messages of the repository."""
    return [
        *sorted((ROOT / "notebooks" / "ja").rglob("*.ipynb")),
        *sorted((ROOT / "docs" / "ja").glob("*.md")),
        *sorted(ROOT.glob("*.ja.md")),
        *sorted((ROOT / "sdkit").rglob("ja/*.json")),
    ]


if __name__ == "__main__":
    sys.exit(main())
