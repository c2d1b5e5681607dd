"""Put the lessons into the wheel; pyproject.toml says everything else."""

import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

sys.path.insert(0, str(Path(__file__).resolve().parent))
from sdkit.lessons.source import PACKED, pack  # noqa: E402  (needs the path, and nothing but Python)


class WithLessons(build_py):
    """Build as always, then add the lessons without outputs; an editable install reads them where they are."""

    def run(self):
        super().run()
        if not self.editable_mode:
            pack(Path(self.build_lib) / PACKED.relative_to(Path(__file__).resolve().parent))


setup(cmdclass={"build_py": WithLessons})
