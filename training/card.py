"""The results of the evaluation as Markdown, for the model card."""

import inspect
from collections.abc import Callable

from tools.markdown import markdown_table
from training import curves as measured
from training.world import OBJECTS, STYLES


def results_as_markdown(results: dict) -> str:
    """Return the results of training/evaluate.py: shares, distances, sizes and times, then the curves."""
    heading = "### What each parameter does to it"
    parts = [_shares(results["rows"]), _asked_for(results), _notes(results), heading, *_curves(results["curves"])]
    return "\n\n".join(parts)


def _shares(rows):
    heads = ("background", "object", "style", "all three")
    return markdown_table(
        ("pictures", "n", *heads),
        [(name, row["object"]["pictures"], *(_percent(row[head]) for head in heads)) for name, row in rows.items()],
    )


def _percent(share):
    """Return a share and its interval as the tables show them."""
    low, high = share["interval"]
    return f"{100 * share['share']:.0f} % ({100 * low:.0f}-{100 * high:.0f})"


def _asked_for(results):
    """Return the table of what else a prompt may ask for: place, size, a shape's colour, two objects."""
    place, size, shapes, pairs = (results[name] for name in ("place", "size", "shapes", "pairs"))
    drawn, made = pairs["real drawings"], pairs["model"]
    colours = "a plain shape: its colour and the background's"
    rows = [
        ("place", place["real drawings"], place["model"], f"{100 * place['chance']:.0f} %"),
        ("size", size["real drawings"], size["model"], f"{100 * size['chance']:.0f} %"),
        (colours, shapes["colours"]["real drawings"], shapes["colours"]["model"], "1 %"),
        ("two objects, in the order asked for", drawn["ordered"], made["ordered"], "below 1 %"),
        ("two objects, in any order", drawn["any_order"], made["any_order"], "below 1 %"),
    ]
    return markdown_table(
        ("asked for in the prompt", "n", "real drawings", "model", "chance"),
        [
            (name, model["pictures"], _percent(drawings), _percent(model), chance)
            for name, drawings, model, chance in rows
        ],
    )


def _notes(results):
    """Return how it was measured, and a list of what is a number or two each."""
    settings, sizes, seconds = results["settings"], results["megabytes"], results["seconds_per_picture"]
    nearest = results["nearest"]
    held_out, training = results["round_trip"]["held_out"], results["round_trip"]["training"]
    parts = ", ".join(f"{part} {size} MB" for part, size in sizes.items() if part != "total" and size >= 0.1)
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    return (
        f"{settings['prompts']} prompts x {settings['seeds_per_prompt']} seeds of combinations never trained on; where "
        f"nothing else is said {settings['num_inference_steps']} steps of DDIM and guidance_scale "
        f"{settings['guidance_scale']:g}; in brackets the 95 % Wilson interval with prompts as the unit. Object and "
        f"style are named by {len(settings['judges'])} judge network(s), the lower share counts; the rest is measured "
        "without learning.\n"
        "\n"
        f"- VAE round trip: {held_out['psnr']} dB PSNR, the mean over {held_out['pictures']} of these "
        f"drawings ({held_out['psnr_of_mean_error']} dB of the mean error); {training['psnr']} dB on "
        f"{training['pictures']} scenes of the kind it trained on, plain shapes among them.\n"
        f"- It recalls drawings: cut out and laid over all {len(OBJECTS) * len(STYLES)} training drawings, the nearest "
        f"is the one asked for in {100 * nearest['is_the_asked_one']:.0f} % of {nearest['pictures']} pictures; it "
        f"lies {nearest['nearest']} grey levels away (median), the nearest of any other object "
        f"{nearest['nearest_of_another_object']}.\n"
        f"- One picture takes {seconds['median']} s on {results['threads']} CPU core(s) (median of "
        f"{seconds['pictures']}; the fastest {seconds['shortest']} s). Files: {sizes['total']} MB ({parts}).\n"
        f"- Versions: {versions}."
    )


def _asked(curve: Callable, name: str) -> int:
    """Return how many prompts, seeds or pictures a curve of training/curves.py is measured on."""
    return inspect.signature(curve).parameters[name].default


def _curves(curves):
    """Return the tables of training/curves.py, and below each how much it was measured on."""
    counts = ("5", "10", "25", "50")
    guidance, eta = measured.guidance_scale, measured.eta
    inpainted, objects, etas = curves["inpaint"], curves["inpaint_objects"], curves["eta"]
    return [
        markdown_table(
            ("guidance_scale", "prompt match", "diversity over seeds", "uneven border", "saturation", "clipped values"),
            [
                (scale, _whole_percent(row["match"]), f"{row['diversity']:.2f}", row["unevenness"],
                 f"{row['saturation']:.2f}", _whole_percent(row["clipped"]))
                for scale, row in curves["guidance_scale"].items()
            ],
        ),
        f"n = {_asked(guidance, 'prompts')} prompts, {_asked(guidance, 'seeds')} seeds each; with so few, ten points "
        "of prompt match can be chance.",
        markdown_table(
            ("scheduler", "5 steps", "10", "25", "50", "25 steps to DDIM's end"),
            [(name, *(row[count][0] for count in counts), row["25"][1]) for name, row in curves["steps"].items()],
        ),
        f"n = {_asked(measured.steps, 'prompts')} prompts, one seed each. Distance in grey levels (RMSE) to the same "
        "scheduler's result after 250 steps (249 for DPM++ 2M and UniPC: with 250 diffusers starts them at timestep "
        "751).",
        markdown_table(
            ("negative_prompt", "shown without it", "shown with it"),
            [
                (f"one {kind}, where the prompt leaves it free", f"{row['without']:.1%}", f"{row['with']:.1%}")
                for kind, row in curves["negative_prompt"].items()
            ],
        ),
        f"n = {_asked(measured.negative_prompt, 'count')} pictures.",
        markdown_table(("eta", *etas), [("pictures of one start apart, grey levels", *etas.values())]),
        f"n = {_asked(eta, 'prompts')} prompts, {_asked(eta, 'seeds')} pictures each.",
        markdown_table(
            ("strength", "distance to the start", "new prompt matched"),
            [(value, row["distance"], _whole_percent(row["match"])) for value, row in curves["strength"].items()],
        ),
        f"n = {_asked(measured.strength, 'count')} pictures.",
        markdown_table(
            ("width x height", "background right", "prompt matched"),
            [
                (value, _whole_percent(row["background"]), _whole_percent(row["match"]))
                for value, row in curves["sizes"].items()
            ],
        ),
        f"n = {_asked(measured.sizes, 'prompts')} prompts, one seed each.",
        f"Inpainting, n = {_asked(measured.inpaint, 'count')}: outside the mask the picture is "
        f"{inpainted['outside_against_round_trip']} grey levels from the input's VAE round trip "
        f"({inpainted['outside_against_input']} from the input itself); inside, values change by "
        f"{inpainted['inside_mean_change']} on average. Of {objects['pictures']} objects painted over another one at "
        f"strength 1, {_whole_percent(objects['share'])} are recognised.",
    ]  # fmt: skip


def _whole_percent(share):
    return f"{100 * share:.0f} %"
