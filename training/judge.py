"""Training of the judge that recognises object and style (its network is in sdkit/judge.py).

It learns from single drawings of every object, style, background, size and place, those held out
from the generator included, because it must recognise them; from blurred, noisy, tinted ones, and
from pictures that went through the VAE. It never sees a generated picture: a judge that did would
learn to forgive the generator's mistakes (the design of PaintSkills, arXiv 2202.04053).
Run `python -m training.judge --minutes 3` after training.vae; a second judge that differs in seed
and shape is `python -m training.judge --name judge2 --width 24 --kernel 5 --down average --seed 1`.
"""

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F

from sdkit.files import whole, write_whole
from sdkit.judge import build
from training.loop import CHECKPOINTS, Ema, cosine, options, train
from training.scenes import Scene, render
from training.world import BACKGROUNDS, OBJECTS, PLACES, SHAPES, SIDE, SIZES, STYLES, THINGS

if TYPE_CHECKING:
    from diffusers import AutoencoderKL

HEADS = {"object": list(THINGS), "style": list(STYLES)}
FOLDER = CHECKPOINTS / "judge"
ROUND_TRIP_SHARE = 0.3  # of training pictures that went through the VAE, with a little noise on the latents
HALF_SHARE = 0.12  # of training pictures that are one half of a pair


def _choose(names, rng):
    names = list(names)
    return names[rng.integers(len(names))]


def single(rng) -> Scene:
    """Draw a single-object scene; unlike training.scenes.random_scene it may be a held-out one."""
    scene = Scene(*(_choose(names, rng) for names in (THINGS, STYLES, BACKGROUNDS, SIZES, PLACES)))
    if scene.thing not in SHAPES:
        return scene
    colour = _choose([name for name in BACKGROUNDS if name != scene.background], rng)
    return replace(scene, style="flat", colour=colour)


def half(picture, right: bool) -> np.ndarray:
    """Return the left or right half of a picture (SIDE, SIDE, 3), centred in a full one of its border's colour."""
    part = picture[:, SIDE // 2 :] if right else picture[:, : SIDE // 2]
    edge = np.concatenate([part[:2].reshape(-1, 3), part[-2:].reshape(-1, 3)])
    full = np.broadcast_to(np.median(edge, axis=0).astype(picture.dtype), (SIDE, SIDE, 3)).copy()
    full[:, SIDE // 4 : SIDE // 4 + SIDE // 2] = part
    return full


def examples(count: int, rng) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Return pictures, float (count, 3, SIDE, SIDE) in -1..1, and {head: class numbers (count,)}."""
    pictures, scenes = [], []
    for _ in range(count):
        scene = single(rng)
        if rng.random() < HALF_SHARE and not scene.colour:
            pair = Scene(scene.thing, scene.style, scene.background, "small", "center", _choose(OBJECTS, rng))
            right = bool(rng.integers(2))
            scene = Scene(pair.second if right else pair.thing, pair.style, pair.background)
            pictures.append(half(render(pair, rng), right))
        else:
            pictures.append(render(scene, rng))
        scenes.append(scene)
    labels = {
        "object": torch.tensor([HEADS["object"].index(scene.thing) for scene in scenes]),
        "style": torch.tensor([HEADS["style"].index(scene.style) for scene in scenes]),
    }
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float(), labels


def blurred(pictures, sigma) -> torch.Tensor:
    """Return pictures (N, 3, SIDE, SIDE), each blurred with its own Gaussian (7 taps; sigma in pixels, (N,))."""
    taps = torch.arange(-3, 4, device=pictures.device)
    kernel = torch.exp(-(taps**2) / (2 * sigma[:, None] ** 2))
    kernel = (kernel / kernel.sum(1, keepdim=True)).repeat_interleave(3, 0)
    flat = F.pad(pictures.reshape(1, -1, SIDE, SIDE), (3, 3, 3, 3), mode="replicate")
    flat = F.conv2d(flat, kernel[:, None, :, None], groups=len(kernel))
    return F.conv2d(flat, kernel[:, None, None, :], groups=len(kernel)).reshape(pictures.shape)


def disturbed(pictures) -> torch.Tensor:
    """Return pictures (N, 3, SIDE, SIDE) in -1..1, half of them blurred, all of them a little tinted and noisy."""
    count, device = len(pictures), pictures.device
    sigma = (0.3 + 0.9 * torch.rand(count, device=device)) * (torch.rand(count, device=device) < 0.5)
    gain = 1 + 0.16 * (torch.rand(count, 3, 1, 1, device=device) - 0.5)
    tint = 0.12 * (torch.rand(count, 3, 1, 1, device=device) - 0.5)
    noise = 0.2 * torch.rand(count, 1, 1, 1, device=device) * (torch.rand_like(pictures) * 2 - 1)
    return (blurred(pictures, sigma.clamp(min=0.05)) * gain + tint + noise).clamp(-1, 1)


def load_vae() -> "AutoencoderKL | None":
    """Return the trained VAE, or None where there is none yet."""
    from diffusers import AutoencoderKL

    for name in ("vae_tuned", "vae_normalised", "vae"):
        if (CHECKPOINTS / name / "config.json").exists():
            return AutoencoderKL.from_pretrained(CHECKPOINTS / name)
    return None


@torch.no_grad()
def round_trip(vae, pictures, spread: float = 0.0) -> torch.Tensor:
    """Return pictures (N, 3, SIDE, SIDE) in -1..1 encoded and decoded, on the CPU.

    Noise of up to `spread` times the latents' standard deviation is added to each picture's latents.
    """
    device = next(vae.parameters()).device
    made = []
    for part in pictures.split(64):
        latents = vae.encode(part.to(device)).latent_dist.mode().float()
        strength = spread * latents.std() * torch.rand(len(part), 1, 1, 1, device=device)
        latents = latents + strength * torch.randn_like(latents)
        made.append(vae.decode(latents).sample.clamp(-1, 1).cpu())
    return torch.cat(made).float()


def accuracy(network, pictures, labels) -> dict[str, float]:
    """Return the share of right classes per head, of pictures (N, 3, SIDE, SIDE) in -1..1."""
    logits = torch.cat([network(part) for part in pictures.split(64)]).float().cpu()
    parts = logits.split([len(names) for names in HEADS.values()], 1)
    return {head: round(float((part.argmax(1) == labels[head]).float().mean()), 4) for head, part in zip(HEADS, parts)}


def main(arguments) -> None:
    """Train one judge for the given minutes and write it, in float16, with its class names."""
    from safetensors.torch import save_file

    FOLDER.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(arguments.seed)
    device, rng = arguments.device, np.random.default_rng()  # a resumed run must see new pictures
    shape = {"width": arguments.width, "kernel": arguments.kernel, "down": arguments.down}
    network = build(sum(map(len, HEADS.values())), **shape).to(device, memory_format=torch.channels_last)
    compiled = torch.compile(network) if arguments.compile else network
    vae = load_vae()
    pool, labels = examples(arguments.pool, rng)
    fresh, fresh_labels = examples(480, np.random.default_rng(10**6))
    tests = {"": fresh}
    if vae is None:
        print("There is no trained VAE yet: this judge learns without VAE round trips.", flush=True)
    else:
        vae, count = vae.to(device), int(ROUND_TRIP_SHARE * len(pool))
        with torch.autocast(device.split(":")[0], torch.bfloat16):
            pool[:count] = round_trip(vae, pool[:count], spread=0.2)
        tests["vae_"] = round_trip(vae, fresh)
    pool = (pool * 127.5 + 127.5).round().to(torch.uint8)

    def loss(step):
        index = torch.randint(len(pool), (arguments.batch,))
        pictures = disturbed((pool[index].float() / 127.5 - 1).to(device))
        logits = compiled(pictures.contiguous(memory_format=torch.channels_last)).float()
        parts = logits.split([len(names) for names in HEADS.values()], 1)
        losses = {head: F.cross_entropy(part, labels[head][index].to(device)) for head, part in zip(HEADS, parts)}
        return sum(losses.values()), {head: float(value.detach()) for head, value in losses.items()}

    @torch.no_grad()
    def check():
        network.eval()
        found = {name: accuracy(network, pictures.to(device), fresh_labels) for name, pictures in tests.items()}
        network.train()
        return {f"{name}{head}_right": share for name, shares in found.items() for head, share in shares.items()}

    # The averages of training.loop leave batch norm's statistics out; the falling rate averages enough.
    train(
        f"judge/{arguments.name}",
        network,
        Ema(network, 0.99),
        loss,
        check,
        arguments,
        rate=lambda done: cosine(done, 2e-3, 1e-6),
        every=12 * arguments.minutes,
    )
    weights = {key: value.detach().cpu().contiguous() for key, value in network.state_dict().items()}
    weights = {key: value.half() if value.is_floating_point() else value for key, value in weights.items()}
    with whole(FOLDER / f"{arguments.name}.safetensors") as path:
        save_file(weights, path)
    text = json.dumps({"heads": HEADS, "network": shape}, indent=2)
    write_whole(FOLDER / f"{arguments.name}.json", f"{text}\n".encode())


if __name__ == "__main__":
    main(options(__doc__, batch=64, pool=16000, name="judge", width=40, kernel=3, down="max"))
