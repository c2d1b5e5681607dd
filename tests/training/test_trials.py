"""The table of the trials."""

import json
from pathlib import Path

from training import trials


def test_trials_are_shown_in_a_table():
    row = {"held_right": 0.5, "held_wrong": 0.7, "held_low": 0.25, "background": 0.9}
    table = trials.results_as_markdown({"trials": {"base": row}})
    assert table.splitlines()[-1] == "| base | 0.500 | 0.700 | 0.250 | 90% |"


def test_the_readme_shows_what_was_measured():
    folder = Path(trials.__file__).parent
    results = json.loads((folder / "trials.json").read_text(encoding="utf-8"))
    assert trials.results_as_markdown(results) in (folder / "README.md").read_text(encoding="utf-8")
