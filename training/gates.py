"""What the shipped model must reach; `python -m training.evaluate --check` fails where it does not."""

from itertools import combinations as pairs_of

LOWEST_SHARES = {"background": 0.95, "object": 0.85, "style": 0.85, "place": 0.85, "size": 0.85}
JAPANESE_GAP = 0.05  # by which the shares may lie below those of English prompts
GUIDANCE_GAIN = 0.10  # by which guidance_scale 5 must raise the share of prompts matched at 1
PSNR = 32  # dB, of the VAE's round trip
MEGABYTES = 25
SECONDS = 1  # of one picture


def gates(results: dict) -> dict[str, tuple[bool, str]]:
    """Return {gate: (does it hold, what was measured)} of the results of training/evaluate.py."""
    rows = results["rows"]
    model, japanese = rows["model"], rows["model, Japanese prompts"]
    shares = {head: model[head]["share"] for head in ("background", "object", "style")}
    shares |= {name: results[name]["model"]["share"] for name in ("place", "size")}
    found = {
        name: (value >= LOWEST_SHARES[name], f"{value:.1%}, wanted {LOWEST_SHARES[name]:.0%}")
        for name, value in shares.items()
    }
    for head in ("background", "object", "style"):
        gap = model[head]["share"] - japanese[head]["share"]
        found[f"{head} in Japanese"] = (
            gap <= JAPANESE_GAP + 1e-9,
            f"{100 * gap:.1f} points below English, at most {100 * JAPANESE_GAP:.0f} wanted",
        )
    psnr, size = results["round_trip"]["held_out"]["psnr"], results["megabytes"]["total"]
    seconds = results["seconds_per_picture"]
    found["VAE round trip"] = psnr >= PSNR, f"{psnr} dB, wanted {PSNR}"
    found["files"] = size <= MEGABYTES, f"{size} MB, at most {MEGABYTES} wanted"
    found["time per picture"] = (
        seconds["median"] <= SECONDS,
        f"{seconds['median']} s, the fastest {seconds['shortest']} s; at most {SECONDS} wanted",
    )
    unguided, guided = (rows[name]["all three"]["share"] for name in ("model, guidance_scale 1", "model"))
    found["guidance 1 -> 5 raises prompt match"] = (
        guided - unguided >= GUIDANCE_GAIN,
        f"by {100 * (guided - unguided):.1f} points ({unguided:.1%} -> {guided:.1%}), "
        f"at least {100 * GUIDANCE_GAIN:.0f} wanted",
    )
    return {**found, **_gates_of_curves(results["curves"])}


def _gates_of_curves(curves):
    """Return the same of what the lessons build on, measured by training/curves.py."""
    diversity = {scale: row["diversity"] for scale, row in curves["guidance_scale"].items()}
    blank, spreads = curves["guidance_scale"]["20"]["blank"], curves["eta"]
    found = {
        "guidance 1 -> 5 lowers diversity": (diversity["5"] < diversity["1"], f"{diversity['1']} -> {diversity['5']}"),
        "guidance 20 makes no blank picture": (blank == 0, f"{blank} blank"),
        "eta 0 is exact, and the spread grows": (
            spreads["0"] == 0 and all(a < b for a, b in pairs_of(spreads.values(), 2)),
            str(list(spreads.values())),
        ),
    }
    for kind, row in curves["negative_prompt"].items():
        found[f"a negative {kind} halves it"] = (
            row["with"] <= row["without"] / 2 + 1e-9 and row["difference_at_guidance_1"] == 0,
            f"{row['without']:.1%} -> {row['with']:.1%}",
        )
    for name, row in curves["steps"].items():
        few, more = row["5"][0], row["25"][0]
        found[f"{name}: 25 steps nearer the end than 5"] = more < few, f"{few} -> {more}"
    return found
