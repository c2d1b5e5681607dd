"""Gives the trained UNet the guidance axis of large models: vague at 1, best near 7.5, burnt at 20.

A large model's answer to a prompt is diffuse, so it needs guidance; this small one recalls its drawings, and a
guidance of 1 already draws them. So its answer to a prompt is moved towards that to the empty one by distillation
(as guidance was distilled in arXiv 2210.03142, here the other way round): a student learns

    student(prompt) = teacher("") + k (teacher(prompt) - teacher(""))        student("") = teacher("")

and a guidance of w acts as k w did before. k may change from `--k`, where all is noise, to `--late`, where none is
left: guidance on the last steps chooses nothing any more, it only hardens edges and colours (arXiv 2404.07724). The
student learns along the teacher's own ways from noise to picture, so that it sees the noisy latents that it will meet.
`--measure 1,2.5,7.5,20` trains nothing: it measures the axis of a perfect student, and so shows which k is wanted.

Run `python -m training.guidance --k 0.4 --steps 4000`; it resumes. `--start sdkit/model` takes the parts from a model
folder where the checkpoint folder has none. The result is `guidance/unet` in the checkpoint folder.
"""

import json
from collections.abc import Callable
from copy import deepcopy

import numpy as np
import torch

from sdkit.files import write_whole
from training.denoiser import LATENT_STD, encode_pool, prepare, unpack, write_sheet
from training.judge import load_vae
from training.loop import CHECKPOINTS, Ema, Muon, train, trapezoid, write_safetensors
from training.measures import unevenness
from training.pictures import as_bytes, small
from training.pool import Pool
from training.prompts import combinations, english
from training.sampler import Sampler, scheduler
from training.scenes import article, caption, random_scene
from training.verdicts import Judges, strictest
from training.world import BACKGROUNDS, SIDE, STYLES

FOLDER = CHECKPOINTS / "guidance"
GROUP = 16  # ways from noise to picture taken at once
EMPTY = 0.35  # share of empty prompts among the student's
FROM_PICTURES = 0.25  # share of ways that start from a noisy picture, as image-to-image does
LOWEST, HIGHEST = 0.3, 9.0  # guidance on the teacher's ways
SCALES = (1.0, 2.5, 5.0, 7.5, 12.0, 20.0)  # where the axis is measured


def prompt(rng) -> str:
    """Write a prompt for a random scene: mostly captions of all languages, some that name everything, some unusual."""
    scene, kind = random_scene(rng), rng.random()
    if kind < 0.6:
        return caption(scene, rng)
    if kind < 0.85 or scene.second:
        return english(scene, tell=("size", "place") if rng.random() < 0.3 else ())
    thing, background, style = article(scene.full_name), scene.background, STYLES[scene.style][1][0]
    other = list(BACKGROUNDS)[rng.integers(len(BACKGROUNDS))]
    return (
        scene.full_name, f"{thing}, masterpiece, best quality", background, f"{style}, {background} background",
        f"a photo of {thing} in front of {background}", f"{scene.full_name} {style} {background}",
        f"{thing} on {article(background)} background, {thing}", f"{thing}, not {other}", "something nice",
    )[rng.integers(9)]  # fmt: skip


def kept(t, k: float, late: float):
    """Return how much of the difference of its two answers a student keeps at timestep t: `late` at 0, k at 1000."""
    return late + (k - late) * t / 1000


class Perfect(Sampler):
    """The teacher, answering as a student that had learnt all would: what a training for a k can come to."""

    def __init__(self, teacher: Sampler, k: float, late: float):
        super().__init__(teacher.unet, teacher.encoder, teacher.tokenizer)
        self.k, self.late = k, late

    def answers(self, noisy, t, states, empty) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the answers (N, 4, 16, 16) to the empty prompt and to a prompt, from their states."""
        without, answer = super().answers(noisy, t, states, empty)
        return without, without + kept(t, self.k, self.late) * (answer - without)


def ways(teacher: Sampler, clean, rng) -> Callable:
    """Return a function that follows the teacher from noise to picture for GROUP prompts.

    It returns what was met at each step: noisy latents (N, 4, 16, 16), timestep, the answers to the empty prompt and
    to the prompt, and the prompt's states (N, 77, width), float16. `clean` are latents (M, 4, 16, 16) of pictures.
    """

    def make():
        steps = int(rng.integers(12, 26))
        last, noisy = steps, torch.randn(GROUP, 4, SIDE // 4, SIDE // 4, device=clean.device)
        if rng.random() < FROM_PICTURES:
            last, plan = int(rng.integers(steps // 4, steps)), scheduler(steps)
            pictures = clean[torch.from_numpy(rng.integers(len(clean), size=GROUP))]
            noisy = plan.add_noise(pictures, noisy, plan.timesteps[-last:][:1])
        states = teacher.states([prompt(rng) for _ in range(GROUP)])
        scale = np.exp(rng.uniform(np.log(LOWEST), np.log(HIGHEST), (GROUP, 1, 1, 1)))
        way = teacher.walk(noisy, states, torch.from_numpy(scale).to(noisy), steps, last)
        met_there = [(noisy, t.to(noisy.device).expand(GROUP), *answers) for t, noisy, *answers, _ in way]
        parts = [torch.cat(part).cpu() for part in zip(*met_there)]
        return [*parts, states.cpu().repeat(last, 1, 1).half()]

    return make


def distillation_loss(student, pool: Pool, empty, arguments) -> Callable:
    """Return the loss of a training step, as training.loop calls it: the squared distance to the wanted answers."""

    def loss(step):
        noisy, t, without, answer, states = (part.to(arguments.device) for part in pool.draw(arguments.batch))
        left_out = torch.rand(len(t), device=t.device) < EMPTY
        states = torch.where(left_out[:, None, None], empty, states.float())
        share = torch.where(left_out, 0.0, kept(t, arguments.k, arguments.late))
        target = without + share[:, None, None, None] * (answer - without)
        made = student(noisy.contiguous(memory_format=torch.channels_last), t, states).sample.float()
        error = (made - target).square().mean((1, 2, 3))
        parts = {"empty": error[left_out], "prompt": error[~left_out]}
        return error.mean(), {name: float(part.detach().mean().nan_to_num()) for name, part in parts.items()}

    return loss


@torch.no_grad()
def met(student, examples, empty, k: float, late: float) -> dict[str, float]:
    """Return how well k is met on held-out examples (as `ways` makes them).

    `kept` is what is left of the teacher's difference between its two answers, `asked` what was to be left. `drift` is
    the squared change of the answer to the empty prompt, as a share of that squared difference; `missed` the squared
    distance of the answer to a prompt from its target, as a share of its first value.
    """
    sums = dict.fromkeys(("gap", "kept", "asked", "drift", "far", "way"), 0.0)
    for noisy, t, without, answer, states in zip(*(part.split(64) for part in examples)):
        states, share = states.float(), kept(t, k, late)[:, None, None, None]
        ours, own = student(torch.cat([noisy, noisy]), torch.cat([t, t]),
                            torch.cat([empty.expand_as(states), states])).sample.float().chunk(2)  # fmt: skip
        apart = answer - without
        for name, part in (
            ("gap", apart.square()), ("kept", (own - ours) * apart), ("asked", share * apart.square()),
            ("drift", (ours - without).square()), ("far", (own - without - share * apart).square()),
            ("way", ((1 - share) * apart).square()),
        ):  # fmt: skip
            sums[name] += float(part.sum())
    found = {name: sums[name] / sums["gap"] for name in ("kept", "asked", "drift")}
    return {name: round(value, 4) for name, value in (found | {"missed": sums["far"] / sums["way"]}).items()}


@torch.no_grad()
def decoded(vae, latents) -> np.ndarray:
    """Return pictures, uint8 (N, H, W, 3), of latents (N, 4, 16, 16) of unit variance."""
    made = torch.cat([vae.decode(part * LATENT_STD).sample for part in latents.split(16)])
    return as_bytes(made.permute(0, 2, 3, 1).cpu())


def axis(sampler: Sampler, vae, judges: Judges, scales, prompts: int, seeds: int) -> tuple[dict, dict]:
    """Return {guidance: measures} of pictures of held-out prompts, 20 steps of DDIM, and the pictures {guidance: ...}.

    Shares are those of the judge that finds fewer right; `unevenness` is that of the border, in grey levels.
    """
    scenes = [scene for scene in combinations(prompts, np.random.default_rng(11)) for _ in range(seeds)]
    texts, numbers = [english(scene) for scene in scenes], list(range(len(scenes)))
    rows, made = {}, {}
    for scale in scales:
        made[scale] = decoded(vae, sampler.sample(texts, numbers, scale))
        reduced = small(made[scale])
        right = {}
        for head, wanted in (("object", "thing"), ("style", "style")):
            found = judges.right(reduced, head, [getattr(scene, wanted) for scene in scenes])
            right[head] = strictest(found)
        right["all"] = strictest({name: judges.match(reduced, scenes, name) for name in judges.names})
        rows[scale] = {name: round(float(verdict.mean()), 4) for name, verdict in right.items()}
        rows[scale]["unevenness"] = round(float(np.mean([unevenness(picture) for picture in made[scale]])), 2)
    return rows, made


def table(rows: dict) -> str:
    """Return the axis as a Markdown table."""
    lines = ["| guidance | object | style | all right | unevenness |", "|-|-|-|-|-|"]
    for scale, row in rows.items():
        shares = " | ".join(f"{row[name]:.0%}" for name in ("object", "style", "all"))
        lines.append(f"| {scale:g} | {shares} | {row['unevenness']} |")
    return "\n".join(lines)


def measure(sampler: Sampler, vae, name: str, scales, prompts: int, seeds: int) -> None:
    """Measure an axis, print it, and write `name`.json and a sheet, one row of pictures for each guidance."""
    rows, made = axis(sampler, vae, Judges(CHECKPOINTS / "judge"), scales, prompts, seeds)
    print(table(rows), flush=True)
    write_whole(FOLDER / f"{name}.json", f"{json.dumps(rows, indent=2)}\n".encode())
    shown = min(12, prompts)
    write_sheet(FOLDER / f"{name}.png", [picture for some in made.values() for picture in some[::seeds][:shown]], shown)


def main(arguments) -> None:
    """Train the student for the given steps (or minutes) and measure its axis, or measure a perfect student's."""
    if arguments.start:
        unpack(arguments.start)
    device, sample = arguments.device, (arguments.prompts, arguments.seeds)
    teacher, vae = Sampler.trained(device), load_vae().to(device)
    k, late = arguments.k, arguments.late
    if arguments.measure:
        scales = [float(scale) for scale in arguments.measure.split(",")]
        measure(Perfect(teacher, k, late), vae, f"perfect_{k}_{late}", scales, *sample)
        return
    rng = np.random.default_rng()  # a resumed run must see new prompts
    clean = encode_pool(vae, 1024, rng, device)[0].float().to(device)
    student = deepcopy(teacher.unet).requires_grad_(True)
    prepare(teacher.unet)
    prepare(student)
    empty, ema = teacher.states([""]), Ema(student, 0.998)
    torch.manual_seed(1)
    make_held = ways(teacher, clean, np.random.default_rng(10**6))
    held = [torch.cat(part) for part in zip(*(make_held() for _ in range(8)))]  # of all timesteps
    some = torch.randperm(len(held[0]))[:256]
    held = [part[some].to(device) for part in held]

    def check():
        with ema.swapped_in(student):
            write_safetensors(student, FOLDER / "unet")
            return met(student, held, empty, k, late)

    pool = Pool(arguments.pool, ways(teacher, clean, rng))
    train(
        "guidance",
        student,
        ema,
        distillation_loss(student, pool, empty, arguments),
        check,
        arguments,
        optimizer=Muon,
        every=120,
        rate=lambda done: trapezoid(done, arguments.rate, 1e-6),
    )
    with ema.swapped_in(student):
        measure(Sampler(student, teacher.encoder, teacher.tokenizer), vae, "student", SCALES, *sample)


if __name__ == "__main__":
    from training.loop import options

    main(options(__doc__, batch=32, pool=8192, rate=5e-4, k=0.4, late=0.4, start="", measure="", prompts=40, seeds=2))
