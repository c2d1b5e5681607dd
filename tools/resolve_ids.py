"""Ask the Hugging Face Hub whether the models that the README and the lessons offer are still there.

    python -m tools.resolve_ids           every id
    python -m tools.resolve_ids ID ...    these

Exits with 1 if an id is dead, with 2 if the Hub could not be asked (then nothing is known). Offline
tests do not run this; they only check that the ids are found.
"""

import argparse
import re
import sys
from pathlib import Path

import nbformat

from tools.form import NOT_A_HUB_ID

ROOT = Path(__file__).resolve().parent.parent
QUOTED = re.compile(r"[\"'`]([A-Za-z][\w.-]*/[\w.-]+)[\"'`]")
EXAMPLES = re.compile(r"(?:a|owner|nobody)/")  # stand for any name
ALIVE, GATED, DEAD = "alive", "there, behind a form to accept", "dead, or private"


def model_ids(root: Path = ROOT) -> dict[str, list[str]]:
    """Return {Hub id: the files that name it in quotes}, from the README, docs/ and all lessons."""
    found: dict[str, list[str]] = {}
    for path in [root / "README.md", *sorted(root.glob("docs/*.md")), *sorted(root.glob("notebooks/*/*.ipynb"))]:
        for name in QUOTED.findall(_text(path)):
            if not NOT_A_HUB_ID.fullmatch(name) and not EXAMPLES.match(name) and not (root / name).exists():
                found.setdefault(name, []).append(path.relative_to(root).as_posix())
    return {name: sorted(set(files)) for name, files in sorted(found.items())}


def _text(path):
    if path.suffix != ".ipynb":
        return path.read_text(encoding="utf-8")
    return "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells)


def state_of(name: str) -> str:
    """Return what the Hub says of a model. Raises ConnectionError if the Hub cannot be asked."""
    from huggingface_hub import model_info
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError

    try:
        found = model_info(name, timeout=20)
    except GatedRepoError:
        return GATED
    except RepositoryNotFoundError:
        return DEAD
    except HfHubHTTPError as error:
        raise ConnectionError(f"the Hub answered for {name}: {error}") from error
    except Exception as error:  # httpx or requests, whichever this huggingface_hub uses, and its own offline mode
        raise ConnectionError(f"the Hub could not be reached: {type(error).__name__}: {error}") from error
    return ALIVE if found.id == name else f"{ALIVE}, but called {found.id} now"


def main(arguments: list[str] | None = None) -> int:
    """Print the state of each id; return 1 if one is dead, 2 if the Hub could not be asked."""
    parser = argparse.ArgumentParser(prog="python -m tools.resolve_ids", description="Look for dead Hub ids.")
    parser.add_argument("ids", nargs="*", help="Hub ids; default: all that README, docs and lessons name")
    named = model_ids()
    dead = 0
    for name in parser.parse_args(arguments).ids or named:
        try:
            state = state_of(name)
        except ConnectionError as error:
            print(f"No network, so nothing is known of {name} and what follows. {error}", file=sys.stderr)
            return 2
        dead += state == DEAD
        print(f"{name}: {state} (in {', '.join(named.get(name, ['no file']))})")
    return int(dead > 0)


if __name__ == "__main__":
    sys.exit(main())
