"""A VAE of 128 px pictures around the latents of the first one, so that the UNet stays as it is.

The latents keep their 4 x 16 x 16 numbers and their meaning: the new decoder makes 128 px of them, the new
encoder learns to give what the first encoder gives for the picture halved. Both start from the first VAE's
weights, with one more block outside that at first only enlarges (or halves).
A share of the decoder's latents went through the UNet, since what a prompt gives is never quite clean.

Run `python -m training.vae128 --part decoder --steps 6000`, then `--part encoder --steps 1000`; both resume. `--start
sdkit/model` takes the first VAE and the UNet from a model folder where the checkpoint folder has none; `--measure 200`
compares the round trip of held-out drawings with the first VAE's.
"""

import json
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F

from sdkit.files import write_whole
from training.denoiser import LATENT_STD, prepare, unpack, write_sheet
from training.judge import load_vae
from training.loop import CHECKPOINTS, Ema, Muon, normalise_in_float32, train, trapezoid, write_safetensors
from training.pictures import as_bytes
from training.pool import Pool
from training.prompts import combinations
from training.sampler import Sampler
from training.scenes import batch, caption, render
from training.vae import psnr, ssim
from training.world import LARGE, SIDE

if TYPE_CHECKING:
    from diffusers import AutoencoderKL

FOLDER = CHECKPOINTS / "vae128"
NOISE = 0.06  # at most, on the decoder's latents, of their standard deviation
REMADE = 0.25  # share of the decoder's latents that went through the UNet
REUSED = 4  # times a scene is used before a fresh one takes its place, on average
GROUP = 64  # scenes rendered at once
WIDTHS = (32, 32, 64, 128)


def build() -> "AutoencoderKL":
    """Return an untrained autoencoder (AutoencoderKL) of 128 px pictures and factor 8."""
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        in_channels=3, out_channels=3, latent_channels=4, sample_size=LARGE, layers_per_block=1,
        block_out_channels=WIDTHS, norm_num_groups=8, mid_block_add_attention=False,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
    )  # fmt: skip


@torch.no_grad()
def enlarged(first) -> "AutoencoderKL":
    """Return a VAE of LARGE pixels that starts out as the first one with its pictures halved and enlarged."""
    vae = build()
    taken = {
        re.sub(r"(?<=down_blocks\.)\d", lambda number: str(int(number[0]) + 1), name): value
        for name, value in first.state_dict().items()
    }  # the encoder's new block comes first, the decoder's last
    taken |= _halving(vae.encoder, taken.pop("encoder.conv_in.weight"), taken.pop("encoder.conv_in.bias"))
    vae.load_state_dict(vae.state_dict() | taken)
    for block in (vae.encoder.down_blocks[0], vae.decoder.up_blocks[-1]):
        for layer in block.resnets:  # what such a layer adds to its input is 0 at first
            layer.conv2.weight.zero_()
            layer.conv2.bias.zero_()
    _enlarge(vae.decoder.up_blocks[-2].upsamplers[0].conv)
    return vae


def _enlarge(conv):
    """Make a kernel (32, 32, 3, 3) turn pixels doubled by repetition into bilinear ones."""
    taps = torch.tensor([0.25, 0.5, 0.25])
    conv.weight.copy_(torch.eye(len(conv.weight))[:, :, None, None] * taps[:, None] * taps)
    conv.bias.zero_()


def _halving(encoder, kernel, bias):
    """Return the new block's tensors: together its two convolutions halve and do what the old first one did.

    The old kernel of 3 x 3 halved pixels covers 6 x 6 whole ones; two kernels of 3 x 3 reach 5 x 5, so the
    outermost row and column are read one pixel further in.
    """
    copy = torch.zeros_like(encoder.conv_in.weight)  # channel 9 c + 3 y + x: colour c moved by (y - 1, x - 1)
    for c in range(3):
        for y in range(3):
            for x in range(3):
                copy[9 * c + 3 * y + x, c, y, x] = 1
    down = torch.zeros_like(encoder.down_blocks[0].downsamplers[0].conv.weight)
    # pixel of a row or column -> tap of the second kernel, tap of the first
    reach = {-2: (0, 0), -1: (0, 0), 0: (0, 1), 1: (1, 1), 2: (2, 1), 3: (2, 2)}
    for row, (down_y, y) in reach.items():
        for column, (down_x, x) in reach.items():
            for c in range(3):
                down[:, 9 * c + 3 * y + x, down_y, down_x] += kernel[:, c, (row + 2) // 2, (column + 2) // 2] / 4
    return {
        "encoder.conv_in.weight": copy, "encoder.conv_in.bias": torch.zeros_like(encoder.conv_in.bias),
        "encoder.down_blocks.0.downsamplers.0.conv.weight": down,
        "encoder.down_blocks.0.downsamplers.0.conv.bias": bias,
    }  # fmt: skip


def halved(pictures) -> torch.Tensor:
    """Return pictures (N, 3, LARGE, LARGE) averaged to (N, 3, SIDE, SIDE)."""
    return F.avg_pool2d(pictures, LARGE // SIDE)


def doubled(pictures) -> torch.Tensor:
    """Return pictures (N, 3, SIDE, SIDE) enlarged to (N, 3, LARGE, LARGE), as an image viewer would."""
    return F.interpolate(pictures, scale_factor=LARGE // SIDE, mode="bicubic")


@torch.no_grad()
def encode(first, pictures) -> torch.Tensor:
    """Return the latents (N, 4, 16, 16) that the first VAE has for pictures (N, 3, LARGE, LARGE), halved."""
    small = halved(pictures).contiguous(memory_format=torch.channels_last)
    return first.quant_conv(first.encoder(small))[:, :4].float()


def scenes_with_latents(first, sampler: Sampler | None, rng) -> Callable:
    """Return a function that renders GROUP scenes: uint8 (N, 3, LARGE, LARGE) and latents (N, 4, 16, 16) of each.

    With a sampler (training.sampler) a share of the latents has gone through its UNet.
    """

    def make():
        pictures, scenes = batch(GROUP, rng, LARGE)
        pictures = torch.from_numpy(pictures)
        with torch.autocast(first.device.type, torch.bfloat16):
            latents = encode(first, pictures.to(first.device))
            if sampler:
                some = int(GROUP * REMADE)
                latents[:some] = remade(sampler, latents[:some], scenes[:some], rng)
        return torch.from_numpy(as_bytes(pictures)), latents.cpu()

    return make


def remade(sampler: Sampler, latents, scenes, rng) -> torch.Tensor:
    """Return a VAE's latents (N, 4, 16, 16) of scenes after they went through the UNet, with captions of theirs."""
    return sampler.remade(latents / LATENT_STD, [caption(scene, rng) for scene in scenes], rng) * LATENT_STD


def difference(made, real) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the decoder's loss (absolute and squared error and SSIM) and the mean absolute error alone."""
    error = (made - real).abs().mean()
    return error + 2 * (made - real).square().mean() + 0.15 * (1 - ssim(made, real)), error


class Decoding(torch.nn.Module):
    """The part of the VAE from latents to pictures."""

    def __init__(self, vae):
        super().__init__()
        self.first, self.decoder = vae.post_quant_conv, vae.decoder

    def forward(self, latents):
        """Return pictures (N, 3, LARGE, LARGE) of latents (N, 4, 16, 16) as the encoder gives them."""
        return self.decoder(self.first(latents.contiguous(memory_format=torch.channels_last))).float()


class Encoding(torch.nn.Module):
    """The part of the VAE from pictures to latents."""

    def __init__(self, vae):
        super().__init__()
        self.encoder, self.last = vae.encoder, vae.quant_conv

    def forward(self, pictures):
        """Return latents (N, 4, 16, 16) of pictures (N, 3, LARGE, LARGE)."""
        return self.last(self.encoder(pictures.contiguous(memory_format=torch.channels_last)))[:, :4].float()


def examples(pool: Pool, arguments) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a batch of pictures in -1..1 and their latents."""
    pictures, latents = (part.to(arguments.device) for part in pool.draw(arguments.batch))
    return pictures.float() / 127.5 - 1, latents


def decoder_loss(model, pool: Pool, arguments) -> Callable:
    """Return the decoder's loss of a training step, as training.loop calls it."""

    def loss(step):
        real, latents = examples(pool, arguments)
        strength = NOISE * LATENT_STD * torch.rand(len(latents), 1, 1, 1, device=latents.device)
        value, error = difference(model(latents + strength * torch.randn_like(latents)), real)
        return value, {"l1": float(error.detach())}

    return loss


def encoder_loss(model, pool: Pool, arguments) -> Callable:
    """Return the encoder's loss: the squared distance to the first encoder's latents, of their variance."""

    def loss(step):
        real, latents = examples(pool, arguments)
        value = ((model(real) - latents) / LATENT_STD).square().mean()
        return value, {"rmse": float(value.detach().sqrt())}

    return loss


def edge(pictures, width: int = 4) -> torch.Tensor:
    """Return the outermost pixels of pictures (N, 3, H, W), flattened, where a halo would be."""
    strips = pictures[..., :width, :], pictures[..., -width:, :], pictures[..., :width], pictures[..., -width:]
    return torch.cat([strip.flatten() for strip in strips])


@torch.no_grad()
def quality(made, real) -> dict[str, float]:
    """Return dB (of the mean error, and the mean over pictures), SSIM and dB at the edge of pictures in -1..1."""
    made = made.clamp(-1, 1)
    each = [psnr(picture, wanted) for picture, wanted in zip(made, real)]
    found = {"psnr": psnr(made, real), "mean_psnr": float(np.mean(each)), "ssim": float(ssim(made, real)),
             "edge_psnr": psnr(edge(made), edge(real))}  # fmt: skip
    return {name: round(value, 4 if name == "ssim" else 2) for name, value in found.items()}


@torch.no_grad()
def compare(vae, first, pictures) -> dict:
    """Return what a VAE of LARGE pixels and the first one, enlarged, make of pictures (N, 3, LARGE, LARGE).

    Each entry is as `quality` gives it: the round trip, the new decoder on the first encoder's latents, the first
    VAE's round trip enlarged, the picture itself halved and enlarged; and the encoder's error, of the latents' spread.
    """
    rows = {"round_trip": [], "decoder": [], "first_enlarged": [], "halved_enlarged": []}
    errors = []
    for part in pictures.split(32):
        latents, own = encode(first, part), Encoding(vae)(part)
        errors.append((own - latents).square().mean() / latents.var())
        rows["round_trip"].append(Decoding(vae)(own))
        rows["decoder"].append(Decoding(vae)(latents))
        rows["first_enlarged"].append(doubled(Decoding(first)(latents)))
        rows["halved_enlarged"].append(doubled(halved(part)))
    found = {name: quality(torch.cat(made), pictures) for name, made in rows.items()}
    return found | {"encoder_error": round(float(torch.stack(errors).mean().sqrt()), 4)}


def seconds(sampler: Sampler, vaes, steps: int = 25, turns: int = 5) -> list[float]:
    """Return for each VAE the shortest time of one picture with guidance, measured in turns."""

    def picture(vae):
        start = time.perf_counter()
        latents = sampler.sample(["a cat on a blue background"], [0], 7.5, steps)
        with torch.no_grad():
            vae.decode(latents * LATENT_STD)
        return time.perf_counter() - start

    times = [[picture(vae) for vae in vaes] for _ in range(turns)]
    return [round(min(column), 3) for column in zip(*times)]


def measure(vae, first, count: int) -> None:
    """Print and write what `compare` finds on held-out combinations, and the time of a picture."""
    rng = np.random.default_rng(12)
    drawn = np.stack([render(scene, rng, LARGE) for scene in combinations(count, rng)]).transpose(0, 3, 1, 2)
    found = compare(vae, first, torch.from_numpy(np.ascontiguousarray(drawn))) | {"pictures": count}
    found["seconds"] = dict(zip(("new", "first"), seconds(Sampler.trained(), [vae, first])))
    text = json.dumps(found, indent=2)
    print(text, flush=True)
    write_whole(CHECKPOINTS / "vae128.json", f"{text}\n".encode())


def load() -> "tuple[AutoencoderKL, AutoencoderKL]":
    """Return the VAE of the checkpoint folder and the first one; a new VAE starts out as the first, enlarged."""
    from diffusers import AutoencoderKL

    first = load_vae()
    if first is None:
        raise FileNotFoundError(f"There is no VAE in {CHECKPOINTS}. Run training.vae first, or use --start.")
    first.requires_grad_(False)
    if LARGE // first.config.sample_size != 2:
        raise ValueError("The VAE in the checkpoint folder is not the first one, of 64 pixels.")
    found = (FOLDER / "config.json").exists()
    return AutoencoderKL.from_pretrained(FOLDER, low_cpu_mem_usage=False) if found else enlarged(first), first


class Watched:
    """Fresh scenes on which the training of a part is watched."""

    def __init__(self, first, sampler: Sampler, count: int = 96):
        drawn, scenes = batch(count, np.random.default_rng(10**6), LARGE)
        self.real = torch.from_numpy(drawn).to(first.device)
        self.latents = encode(first, self.real)
        self.first = doubled(Decoding(first)(self.latents[:24]))
        torch.manual_seed(2)
        self.again = remade(sampler, self.latents[:24], scenes[:24], np.random.default_rng(5))

    def error(self, encoding) -> dict[str, float]:
        """Return the encoder's error, of the latents' spread."""
        own = torch.cat([encoding(part) for part in self.real.split(16)])
        return {"error": round(float((own - self.latents).square().mean().sqrt() / self.latents.std()), 4)}

    def pictures(self, decoding) -> dict[str, float]:
        """Return the decoder's quality, also on latents from the UNet, and write `vae128.png`.

        Its rows: the scenes, what the first VAE makes of them (enlarged), the new one, the new one after the UNet.
        """
        made, again = (torch.cat([decoding(part) for part in some.split(16)]) for some in (self.latents, self.again))
        rows = self.real, self.first, made, again
        shown = torch.cat([row[start : start + 8] for start in (0, 8, 16) for row in rows])
        write_sheet(CHECKPOINTS / "vae128.png", list(as_bytes(shown.permute(0, 2, 3, 1).cpu())), 8)
        return quality(made, self.real) | {"remade_psnr": quality(again, self.real[:24])["psnr"]}


def main(arguments) -> None:
    """Train one part for the given steps (or minutes), or measure; the averaged VAE is written at each check."""
    if arguments.start:
        unpack(arguments.start)
    vae, first = load()
    if arguments.measure:
        measure(vae, first, arguments.measure)
        return
    for autoencoder in (vae, first):
        normalise_in_float32(autoencoder.to(arguments.device, memory_format=torch.channels_last))
    sampler = Sampler.trained(arguments.device)
    prepare(sampler.unet)
    watched = Watched(first, sampler)
    if arguments.part == "decoder":
        model, part_loss, look = Decoding(vae), decoder_loss, watched.pictures
    else:
        model, part_loss, look, sampler = Encoding(vae), encoder_loss, watched.error, None
    pool = Pool(arguments.pool, scenes_with_latents(first, sampler, np.random.default_rng()), REUSED)
    ema = Ema(model, 0.999)

    def check():
        with torch.no_grad(), ema.swapped_in(model):
            write_safetensors(vae, FOLDER)
            return look(model)

    train(f"vae128_{arguments.part}", model, ema, part_loss(model, pool, arguments), check, arguments,
          optimizer=Muon, every=150, rate=lambda done: trapezoid(done, arguments.rate, 1e-6))  # fmt: skip


if __name__ == "__main__":
    from training.loop import options

    main(options(__doc__, part="decoder", batch=16, pool=12000, rate=1e-3, start="", measure=0))
