"""What a benchmark found: one JSON file each in benchmarks/results/, and the tables of docs/benchmarks.md.

`python -m benchmarks.record` writes the tables from the files; each benchmark does so itself with `--write`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from datetime import date
from importlib.metadata import version
from pathlib import Path

import torch

from sdkit.files import write_whole
from tools.blocks import replace_block

FOLDER = Path(__file__).with_name("results")
PAGE = FOLDER.parent.parent / "docs" / "benchmarks.md"
LIBRARIES = ("torch", "diffusers", "transformers", "numpy")


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


def result_of(name: str, command: str, columns: list[str], rows: list[list], device="cpu", **settings) -> dict:
    """Return a benchmark's result: what was run where, on which day and versions, and the rows of its table."""
    return {
        "benchmark": name, "command": command, "date": date.today().isoformat(), "machine": machine(device),
        "versions": {"python": platform.python_version(), **{library: version(library) for library in LIBRARIES}},
        "settings": settings, "columns": columns, "rows": rows,
    }  # fmt: skip


def table(result: dict) -> str:
    """Return a result's rows as a Markdown table."""
    lines = [f"| {' | '.join(result['columns'])} |", "|-" * len(result["columns"]) + "|"]
    return "\n".join(lines + [f"| {' | '.join(map(_shown, row))} |" for row in result["rows"]])


def _shown(value):
    if value is None:
        return "not measured"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def described(result: dict) -> str:
    """Return a table with what stands below it: the command, the settings, the machine and the versions."""
    where = result["machine"]
    card = f"{where['card']} ({where['card_memory_gb']} GB), " if where["card"] else ""
    held = ", ".join(f"{name} {value}" for name, value in result["settings"].items())
    versions = ", ".join(f"{name} {value}" for name, value in result["versions"].items())
    return (
        f"{table(result)}\n\n`{result['command']}` ({held}), {result['date']}, on {card}{where['processor']}, "
        f"{where['cores']} cores, {where['threads']} threads, {where['memory_gb']} GB; {versions}."
    )


def report(result: dict, write: bool) -> None:
    """Print a result's table; with `write`, keep its JSON and renew its part of the page."""
    print(described(result))
    if write:
        text = json.dumps(result, indent=1, ensure_ascii=False) + "\n"
        write_whole(FOLDER / f"{result['benchmark']}.json", text.encode())
        write_page()


def results() -> dict[str, dict]:
    """Return all kept results by their names."""
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in sorted(FOLDER.glob("*.json"))}


def page_with(text: str) -> str:
    """Return the page's text with all kept tables in their places."""
    for name, result in results().items():
        text = replace_block(text, name, described(result))
    return text


def write_page() -> None:
    """Write all kept tables into the page."""
    write_whole(PAGE, page_with(PAGE.read_text(encoding="utf-8")).encode())


def options(description: str, **defaults) -> argparse.Namespace:
    """Read a benchmark's options from the command line: those given here, and `--write`."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in defaults.items():
        parser.add_argument(f"--{name}", type=type(value), default=value, help=f"default: {value}")
    parser.add_argument("--write", action="store_true", help="keep the result, and renew docs/benchmarks.md")
    return parser.parse_args()


if __name__ == "__main__":
    write_page()
