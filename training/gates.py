"""What the shipped model must reach; `python -m training.evaluate --check` fails where it does not."""

from itertools import combinations as pairs_of

from training.measures import wilson

DEFAULTS = "model, diffusers' defaults: 50 steps"
LOWEST_SHARES = {"background": 0.98, "object": 0.96, "style": 0.94, "place": 0.95, "size": 0.95}
JAPANESE_GAP = 0.03  # by which the shares may lie below those of English prompts
VAGUE, GUIDED = 0.35, 0.95  # share of prompts matched, at most at guidance_scale 1 and at least at 7.5
BURNT, CLEAN = 2.5, 1.3  # times as uneven as at 7.5 a border is at 20, at least; and at 7.5 as at 2.5, at most
PNDM = 0.85  # share of objects that PNDM draws right with 25 steps
INPAINTED = 0.875  # share of objects that inpainting at strength 1 draws right
PSNR = 29  # dB, of the VAE's round trip
MEGABYTES = 28
SECONDS = 1  # of one picture


def gates(results: dict) -> dict[str, tuple[bool, str]]:
    """Return {gate: (does it hold, what was measured)} of the results of training/evaluate.py."""
    rows = results["rows"]
    model, japanese = rows["model"], rows["model, Japanese prompts"]
    shares = {head: rows[DEFAULTS][head]["share"] for head in ("background", "object", "style")}
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
    found["vague at guidance 1"] = unguided <= VAGUE, f"{unguided:.1%} matched, at most {VAGUE:.0%} wanted"
    found["good at guidance 7.5"] = guided >= GUIDED, f"{guided:.1%} matched, at least {GUIDED:.0%} wanted"
    objects = rows["model, PNDM, 25 steps"]["object"]["share"]
    found["PNDM"] = objects >= PNDM, f"{objects:.1%} of objects, wanted {PNDM:.0%}"
    return {**found, **_gates_of_curves(results["curves"])}


def _gates_of_curves(curves):
    """Return the same of what the lessons build on, measured by training/curves.py."""
    guided = curves["guidance_scale"]
    diversity, match, uneven = ({scale: row[name] for scale, row in guided.items()}
                                for name in ("diversity", "match", "unevenness"))  # fmt: skip
    blank, spreads, best = guided["20"]["blank"], curves["eta"], max(match.values())
    low, high = wilson(match["7.5"], guided["7.5"]["prompts"])
    inpainted = curves["inpaint_objects"]["share"]
    found = {
        "guidance 7.5 is among the best": (low <= best <= high, f"{match['7.5']:.1%}, the best {best:.1%}"),
        "guidance 20 is burnt": (
            uneven["20"] >= BURNT * uneven["7.5"],
            f"unevenness {uneven['20']}, at least {BURNT} x {uneven['7.5']} wanted",
        ),
        "guidance 7.5 is clean": (
            uneven["7.5"] <= CLEAN * uneven["2.5"],
            f"unevenness {uneven['7.5']}, at most {CLEAN} x {uneven['2.5']} wanted",
        ),
        "inpainting draws what is asked": (inpainted >= INPAINTED, f"{inpainted:.1%}, wanted {INPAINTED:.1%}"),
        "guidance lowers diversity": (diversity["7.5"] < diversity["1"], f"{diversity['1']} -> {diversity['7.5']}"),
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
    noisy, plain = (curves["steps"][name]["50"][0] for name in ("Euler a", "DDIM"))
    found["Euler a has no end to come near"] = noisy > 5 * plain, f"50 steps lie {noisy} from 250, of DDIM {plain}"
    for name, row in curves["steps"].items():
        few, more = row["5"][0], row["25"][0]
        if name != "Euler a":  # which draws fresh noise at each step
            found[f"{name}: 25 steps nearer the end than 5"] = more < few, f"{few} -> {more}"
    return found
