"""Build the site into dist/site, whole or not at all.

python -m tools.site                 with the lab, which `make browser` has put into dist/browser
python -m tools.site --without-lab   without it, and without live panels
"""

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tools.site.build import lead_back, run_sphinx, share, take_away
from tools.site.check import Site
from tools.site.live import Live, download_megabytes, read_table
from tools.site.pages import LANGUAGES, ROOT
from tools.site.sources import FOLDER, LAB, Sources

BROWSER, SITE = ROOT / "dist" / "browser", ROOT / "dist" / "site"


def build(to: Path, browser: Path | None) -> list[str]:
    """Build the site into the folder `to`, in place of what is there, unless something is wrong; return what is.

    `browser` is the folder of the built lab, None for a site without it.
    """
    to.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".site-", dir=to.parent) as folder:
        sources, site = Path(folder) / "sources", Path(folder) / "site"
        live = None
        if browser is not None:
            shutil.copytree(browser, site / LAB)
            lead_back(site / LAB)
            live = Live(read_table(), download_megabytes(site / LAB))
        for language in LANGUAGES:
            Sources(language, sources / language, site, live).write()
        problems = run_sphinx(sources, site, lab=live is not None)
        if problems:
            return problems
        take_away(site)
        share(site)
        shutil.copy(FOLDER / "index.html", site)
        (site / ".nojekyll").touch()  # GitHub Pages would leave out _static
        problems = Site(site).problems()
        if not problems:
            shutil.rmtree(to, ignore_errors=True)
            site.rename(to)
        return problems


def main(arguments: list[str] | None = None) -> int:
    """Build the site, and say how large it is or what is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tools.site", description="Build the site of the lessons.")
    parser.add_argument("--without-lab", action="store_true", help="leave out the lab and the live panels")
    parser.add_argument("--to", type=Path, default=SITE, help="the folder, which is replaced")
    given = parser.parse_args(arguments)
    browser = None if given.without_lab else BROWSER
    if browser and not (browser / "index.html").exists():
        parser.error(f"there is no lab in {browser}; run `make browser` first, or give --without-lab")
    began = time.perf_counter()
    problems = build(given.to, browser)
    if problems:
        print(*problems, f"{len(problems)} problems; nothing written", sep="\n")
        return 1
    site = Site(given.to)
    print(f"{given.to}: {len(site.pages)} pages, {site.megabytes():.1f} MB, {time.perf_counter() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
