"""Copy the lessons into a folder of your own, and open them there.

python -m sdkit.lessons                copy them into ./my-lessons; what you changed there stays as it is
python -m sdkit.lessons --lab          the same, then open JupyterLab; what follows --lab is passed on to it
python -m sdkit.lessons --reset 06     start lesson 6 afresh; your version is kept beside it
python -m sdkit.lessons --reset exercises/06   the same for its exercises
python -m sdkit.lessons --language ja --lab   the lessons in Japanese, in ./my-lessons-ja
"""

import argparse
import os
import sys
from pathlib import Path

from sdkit.language import LANGUAGES, VARIABLE, language
from sdkit.lessons.copies import FOLDER, FOLDERS, Copied, Reset, copy_lessons, reset_lesson


def main(arguments: list[str] | None = None) -> int:
    """Copy, reset or open lessons, say what was done, and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m sdkit.lessons", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    folders = f"{FOLDER} in the current folder, {FOLDERS['ja']} for Japanese"
    parser.add_argument("--folder", help=f"your folder; default: {folders}")
    parser.add_argument(
        "--language", choices=LANGUAGES, help=f"default: what {VARIABLE} says in the environment, else en"
    )
    parser.add_argument("--outputs", choices=["clear", "keep"], default="clear", help="keep: with the stored outputs")
    parser.add_argument("--reset", metavar="LESSON", help="start this lesson afresh: its number or file name")
    parser.add_argument("--lab", nargs=argparse.REMAINDER, metavar="FLAG", help="open JupyterLab, with these flags")
    given = parser.parse_args(arguments)
    outputs = given.outputs == "keep"
    try:
        chosen = language(given.language)
        if given.reset is not None:
            print(_told_reset(reset_lesson(given.reset, given.folder, outputs, chosen)))
            return 0
        copied = copy_lessons(given.folder, outputs, chosen)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(_told_copied(copied, chosen))
    return 0 if given.lab is None else _open(copied.folder, given.lab, chosen)


def _told_copied(copied: Copied, chosen: str) -> str:
    lines = [f"Your lessons are in {copied.folder}: change what you like, it will not be overwritten."]
    for word, names in (("Added", copied.added), ("Renewed", copied.renewed)):
        if names:
            lines.append(f"{word}: {_few(names)}.")
    for name in copied.newer:
        lesson = name.split("_")[0]
        flag, variable = ("", "") if chosen == "en" else (f"--language {chosen} ", f" {VARIABLE}={chosen}")
        fetch = f"`python -m sdkit.lessons {flag}--reset {lesson}` (or `make reset LESSON={lesson}{variable}`)"
        if not name.endswith(".ipynb"):
            fetch = "delete yours and run this again: that"
        lines.append(f"{name}: you changed it, so it stays, but there is a newer one: {fetch} fetches it.")
    return "\n".join(lines)


def _told_reset(reset: Reset) -> str:
    kept = f" Yours is now {reset.kept.name}, beside it." if reset.kept else ""
    return f"{reset.path} is fresh.{kept} If it is open, reload it: File > Reload Notebook from Disk."


def _few(names: tuple[str, ...]) -> str:
    return ", ".join(names) if len(names) <= 3 else f"{names[0]} and {len(names) - 1} more files"


def _open(folder: Path, flags: list[str], chosen: str) -> int:
    """Run JupyterLab in this process until it is stopped; its kernels speak the chosen language."""
    try:
        from jupyterlab.labapp import LabApp
    except ImportError:
        print(f"JupyterLab is not installed here. Open {folder} in your own Jupyter, or: pip install jupyterlab")
        return 1
    os.environ[VARIABLE] = chosen
    # The first lesson is part of the address that JupyterLab prints, so that copying it works too.
    LabApp.launch_instance([f"--ServerApp.root_dir={folder}", "--LabApp.default_url=/lab/tree/01_start.ipynb", *flags])
    return 0


if __name__ == "__main__":
    sys.exit(main())
