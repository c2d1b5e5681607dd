"""Run the lessons from top to bottom and store their outputs, the picture at the top (tools.strip), and where slides
begin (tools.slide_marks).

    python -m tools.notebooks run               all English lessons
    python -m tools.notebooks run FILE ...      these notebooks

A notebook is written only if every cell ran as it should, and always in the same form.
"""

import argparse
import os
import sys
import time
from pathlib import Path
from uuid import NAMESPACE_OID, uuid5

import nbformat
from ipykernel.kernelspec import RESOURCES, get_kernel_dict
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from tools import slide_marks, strip
from tools.lesson import LESSONS, Lesson

KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
WIDGET = "application/vnd.jupyter.widget-view+json"
CELL_SECONDS = 600
# transformers tells on stderr which image processors lack torchvision, whoever imports them first.
# What exercises say is stored in English, whatever the language of whoever runs them.
QUIET = {"TRANSFORMERS_VERBOSITY": "error", "DIFFUSERS_VERBOSITY": "error", "SDKIT_LANGUAGE": "en"}


class ThisPython(KernelSpecManager):
    """Start the kernel with this interpreter, whatever kernel is installed under the same name."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Return the specification of this environment's ipykernel."""
        return self.kernel_spec_class(resource_dir=RESOURCES, **{**get_kernel_dict(), "env": QUIET})


def run(path: Path) -> None:
    """Execute one notebook in its own folder and write it; raise ValueError for outputs that must not be stored."""
    book = nbformat.read(path, as_version=4)
    kernel = AsyncKernelManager(kernel_name=KERNEL["name"], kernel_spec_manager=ThisPython())
    # Without widget state nbclient 0.11 fails on Output widgets; `tidy` takes the state away.
    options = {"timeout": CELL_SECONDS, "record_timing": False, "store_widget_state": True, "coalesce_streams": True}
    folder = {"metadata": {"path": str(path.resolve().parent)}}
    NotebookClient(book, km=kernel, resources=folder, **options).execute(cleanup_kc=True)
    tidy(book)
    strip.put(book)
    slide_marks.mark(Lesson(path, book))
    write(book, path)


def tidy(book: nbformat.NotebookNode) -> None:
    """Bring an executed notebook into the canonical form, or raise ValueError."""
    book.nbformat_minor = 5
    book.metadata.pop("widgets", None)
    book.metadata.kernelspec = nbformat.from_dict(KERNEL)
    book.metadata.language_info = nbformat.from_dict({"name": "python"})
    for cell in book.cells:
        cell.metadata.pop("execution", None)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    for number, cell in enumerate(code, 1):
        if cell.execution_count != number:
            raise ValueError(f"cell {cell.id} has the count {cell.execution_count}, not {number}; is it empty?")
        # A progress bar, which shows itself only where a step is slow, leaves an output that holds nothing.
        cell.outputs = [output for output in cell.outputs if output.get("data") != {}]
        for place, output in enumerate(cell.outputs):
            if output.get("name") == "stderr":
                raise ValueError(f"cell {cell.id} wrote to stderr: {output.text.strip()}")
            data = output.get("data", {})
            if "image/png" in data:
                data.pop("image/jpeg", None)  # PIL pictures come in both
            if WIDGET in data:
                data[WIDGET]["model_id"] = uuid5(NAMESPACE_OID, f"{cell.id} {place}").hex  # else random
    nbformat.validate(book)


def write(book: nbformat.NotebookNode, path: Path) -> None:
    """Write a notebook whole or not at all."""
    new = path.with_name(f".{path.name}.new")
    new.write_text(nbformat.writes(book, indent=1).rstrip("\n") + "\n", encoding="utf-8", newline="\n")
    os.replace(new, path)


def main(arguments: list[str] | None = None) -> int:
    """Run the notebooks and return 1 if one failed."""
    parser = argparse.ArgumentParser(prog="python -m tools.notebooks", description="Run lessons and store the outputs.")
    parser.add_argument("command", choices=["run"])
    parser.add_argument("files", nargs="*", type=Path, help="notebooks; all English lessons if none is given")
    failed = False
    for path in parser.parse_args(arguments).files or sorted(LESSONS.glob("*.ipynb")):
        began = time.perf_counter()
        try:
            run(path)
        except (CellExecutionError, ValueError) as error:
            failed = True
            print(f"{path.name}: not written. {error}")
        else:
            print(f"{path.name}: {time.perf_counter() - began:.1f} s")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
