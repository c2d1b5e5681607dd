"""What a benchmark found: one JSON file each in benchmarks/results/, and the tables of the pages in docs/.

`python -m benchmarks.record` writes the tables from the files; each benchmark does so itself with `--write`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from pathlib import Path
from statistics import median

import torch

from sdkit.files import write_whole
from tools.blocks import replace_block
from tools.markdown import markdown_table

FOLDER = Path(__file__).with_name("results")
DOCS = FOLDER.parent.parent / "docs"
PAGES = ("benchmarks.md", "cluster.md", "browser.md")  # each result has its place in one of them
LIBRARIES = ("torch", "diffusers", "transformers", "numpy")


def options(name: str, description: str, given: list[str] | None, **defaults) -> argparse.Namespace:
    """Read a benchmark's options, those of `defaults` and `--write`; `result` and `command` name the run.

    The command holds what was given besides the defaults, of a model's folder the name alone.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m benchmarks.{name}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for option, value in defaults.items():
        parser.add_argument(f"--{option}", type=type(value), default=value, help=f"default: {value or 'as usual'}")
    parser.add_argument("--write", action="store_true", help="keep the result, and renew its table in docs/")
    found = parser.parse_args(given)
    changed = {option: getattr(found, option) for option, value in defaults.items() if getattr(found, option) != value}
    if "model" in changed:
        changed["model"] = Path(changed["model"]).name
    found.result = "-".join([name, *(changed[option] for option in ("model", "device") if option in changed)])
    found.command = " ".join([parser.prog, *(f"--{option} {value}" for option, value in changed.items())])
    return found


def seconds_of(function: Callable) -> float:
    """Return the seconds that a call takes."""
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def median_seconds(function: Callable, times: int) -> float:
    """Return the median seconds of some calls, after a first one that does not count."""
    function()
    return median(seconds_of(function) for _ in range(times))


def machine(device="cpu") -> dict:
    """Return what a benchmark ran on: processor, its cores and instructions, memory in GB, and the card if used."""
    found = {
        "system": f"{platform.system()} {platform.machine()}", "processor": _processor(),
        "instructions": torch.backends.cpu.get_cpu_capability(), "cores": os.cpu_count(),
        "threads": torch.get_num_threads(), "memory_gb": _memory(), "card": None,
    }  # fmt: skip
    if torch.device(device).type == "cuda":
        card = torch.cuda.get_device_properties(device)
        found |= {"card": card.name, "card_memory_gb": round(card.total_memory / 1e9, 1)}
    return found


def _processor():
    names = [line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"


def _memory():
    sizes = [int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")]
    return round(sizes[0] * 1024 / 1e9) if sizes else None


def _lines(file):
    return Path(file).read_text(encoding="utf-8").splitlines() if Path(file).exists() else []


def report(
    arguments: argparse.Namespace, columns: list[str], rows: list[list], device="cpu", more: str = "", **settings
) -> None:
    """Print a benchmark's table; with `--write`, keep it as JSON and renew its part of the page.

    `settings` tell what was held, `more` is Markdown that follows from the rows.
    """
    result = {
        "command": arguments.command, "date": date.today().isoformat(), "machine": machine(device),
        "versions": {"python": platform.python_version(), **{library: version(library) for library in LIBRARIES}},
        "settings": settings, "columns": columns, "rows": rows, "more": more,
    }  # fmt: skip
    print(described(result))
    if arguments.write:
        text = json.dumps(result, indent=1, ensure_ascii=False) + "\n"
        write_whole(FOLDER / f"{arguments.result}.json", text.encode())
        write_pages()


def described(result: dict) -> str:
    """Return a result as Markdown: its table, and below it the command, the settings, the machine and the versions."""
    table = markdown_table(result["columns"], [list(map(_cell, row)) for row in result["rows"]])
    ran_on = result["machine"]
    card = f"{ran_on['card']} ({ran_on['card_memory_gb']} GB), " if ran_on["card"] else ""
    settings = ", ".join(f"{name} {value}" for name, value in result["settings"].items())
    versions = ", ".join(f"{name} {value}" for name, value in result["versions"].items())
    note = (
        f"`{result['command']}`{f' ({settings})' if settings else ''}, {result['date']}, on {card}"
        f"{ran_on['processor']}, {ran_on['cores']} cores, {ran_on['threads']} threads, {ran_on['memory_gb']} GB; "
        f"{versions}."
    )
    return "\n\n".join([table, note, *([result["more"]] if result["more"] else [])])


def _cell(value):
    if value is None:
        return "not measured"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def results() -> dict[str, dict]:
    """Return all kept results by their names."""
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in sorted(FOLDER.glob("*.json"))}


def pages() -> dict[Path, str]:
    """Return the text of each page with all kept tables in their places. Raises ValueError if one has no place."""
    texts = {DOCS / name: (DOCS / name).read_text(encoding="utf-8") for name in PAGES}
    for name, result in results().items():
        page = next((path for path, text in texts.items() if f"<!-- {name} -->" in text), None)
        if page is None:
            raise ValueError(f"no page has a place for {name}: write <!-- {name} --> and <!-- /{name} --> into one.")
        texts[page] = replace_block(texts[page], name, described(result))
    return texts


def write_pages() -> None:
    """Write all kept tables into the pages."""
    for path, text in pages().items():
        write_whole(path, text.encode())


if __name__ == "__main__":
    write_pages()
