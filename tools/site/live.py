"""The live panels: for each lesson, which controls of the lab it shows and how they start (site/live.json)."""

import json
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from tools.site.pages import LAB_PAGE, ROOT
from tools.site.words import WORDS

TABLE = ROOT / "site" / "live.json"
# The lab's settings, as browser/src/lab/settings.js names them. `strength` brings the start picture with it.
CONTROLS = (
    "prompt", "seed", "num_inference_steps", "guidance_scale", "scheduler", "negative_prompt", "eta",
    "guidance_rescale", "height", "width", "strength",
)  # fmt: skip
STARTS = ("house", "fish", "apple")  # drawings to begin from, named by the setting `start`


def read_table(path: Path = TABLE) -> dict[str, dict[str, Any]]:
    """Return {lesson: {"controls": names, "settings": start values, "note": {language: what is different here}}}.

    Raises ValueError for a name that the lab does not know.
    """
    table = json.loads(path.read_text(encoding="utf-8"))
    for lesson, row in table.items():
        unknown = set(row) - {"controls", "settings", "note"}
        unknown |= {*row.get("controls", []), *row.get("settings", {})} - {*CONTROLS, "start"}
        if unknown:
            raise ValueError(f"{path.name}, {lesson}: {sorted(unknown)} is unknown; the lab has {', '.join(CONTROLS)}")
        if row.get("settings", {}).get("start", STARTS[0]) not in STARTS:
            raise ValueError(f"{path.name}, {lesson}: start is not one of {', '.join(STARTS)}")
        if not row.get("controls"):
            raise ValueError(f"{path.name}, {lesson}: name at least one control")
    return table


def download_megabytes(lab: Path) -> int:
    """Return how much the lab in a folder downloads at most: its models and the larger one of its two runtimes."""
    sizes = [path.stat().st_size for path in (lab / "runtime").iterdir()]
    models = sum(path.stat().st_size for path in (lab / "models").iterdir())
    return round((models + max(sizes)) / 1e6)


@dataclass(frozen=True)
class Live:
    """What the blocks of the lessons need to know."""

    table: dict[str, dict[str, Any]]
    megabytes: int  # that the first panel downloads

    def block(self, lesson: str, language: str, lab: str) -> str:
        """Return a lesson's live panel, with its heading in Markdown; `lab` leads from the page to the lab's folder."""
        row, words = self.table[lesson], WORDS[language]
        options = {
            "base": f"{lab}/",
            "language": language,
            "controls": row["controls"],
            "settings": row.get("settings", {}),
            "autorun": True,  # a button was pressed before
        }
        note = row.get("note", {}).get(language, "")
        said = {name: words[f"live_{name}"] for name in ("wait", "failed", "file")}
        about = words["live_about"].format(megabytes=self.megabytes)
        return "\n".join(
            [
                f"## {words['live']}\n",
                f'<div class="live" data-options="{_data(options)}" data-words="{_data(said)}">',
                f"<p>{note}{' ' if note and language == 'en' else ''}{about}</p>",
                f'<p><button type="button" hidden>{words["live_button"]}</button>',
                f'<a href="{lab}/{LAB_PAGE[language]}">{words["lab"]}</a></p>',
                f"<noscript><p>{words['live_without']}</p></noscript>",
                '<p class="live-message" role="status"></p>',
                "</div>",
            ]
        )


def _data(value: Any) -> str:
    return escape(json.dumps(value, ensure_ascii=False))
