"""Training of the denoiser (UNet2DConditionModel), jointly with the warmed-up text encoder.

v-prediction (arXiv 2202.00512) on Stable Diffusion's own noise schedule. The loss weight is that of
Min-SNR (arXiv 2303.09556) + 0.15: outlines are learnt at middling noise, and what the prompt asks for
at high noise, where Min-SNR's own weight is nearly 0; training/trials.json has what others did. Whole
captions are dropped at 12 % for classifier-free guidance (arXiv 2207.12598).
Run `python -m training.denoiser --minutes 55` after training.vae and training.text; it resumes.
"""

import json
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from sdkit.files import whole
from training.loop import (
    CHECKPOINTS,
    Ema,
    Muon,
    normalise_in_float32,
    threads_for,
    train,
    trapezoid,
    write_safetensors,
)
from training.measures import background_of
from training.prompts import combinations, english
from training.scenes import batch, caption
from training.text import read, tokens
from training.world import SIDE

DROP = 0.12  # share of captions replaced by ""
WEIGHTS = {  # of the v loss, by the signal-to-noise ratio
    "clipped": lambda snr: (snr.clamp(max=5) + 1) / (snr + 1),
    "plain": torch.ones_like,
    "min_snr": lambda snr: snr.clamp(max=5) / (snr + 1),  # arXiv 2303.09556, for v prediction
    "raised": lambda snr: snr.clamp(max=5) / (snr + 1) + 0.15,  # the same, but not near 0 where all is noise
}
LATENT_STD = 1 / 0.18215  # so that SD's own scaling factor gives latents of unit variance

SCHEDULE = {
    "num_train_timesteps": 1000,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "prediction_type": "v_prediction",
    "steps_offset": 1,
    "clip_sample": False,
    "set_alpha_to_one": False,
}


def build():
    """Return the untrained UNet; the last layer of each block starts at zero, as in latent diffusion."""
    from diffusers import UNet2DConditionModel

    unet = UNet2DConditionModel(
        sample_size=SIDE // 4,
        in_channels=4,
        out_channels=4,
        layers_per_block=1,
        block_out_channels=(64, 128, 128),
        cross_attention_dim=128,
        attention_head_dim=4,
        norm_num_groups=16,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    )
    for name, module in unet.named_modules():
        if name.endswith(("conv2", "proj_out", "conv_out")):
            torch.nn.init.zeros_(module.weight)
            torch.nn.init.zeros_(module.bias)
    return unet


@torch.no_grad()
def normalise(vae, pictures):
    """Fold each latent channel's mean and scale into the 1x1 convolutions around the latents (exact)."""
    moments = torch.cat([vae.quant_conv(vae.encoder(part)) for part in pictures.split(64)])
    mean, std = moments[:, :4].mean((0, 2, 3)), moments[:, :4].std((0, 2, 3))
    scale = LATENT_STD / std
    before, after = vae.quant_conv, vae.post_quant_conv
    after.bias += after.weight[:, :, 0, 0] @ mean
    after.weight /= scale[None, :, None, None]
    before.weight[:4] *= scale[:, None, None, None]
    before.bias[:4] = (before.bias[:4] - mean) * scale
    before.bias[4:] += 2 * scale.log()
    return vae


class Denoising(torch.nn.Module):
    """Text encoder and UNet together, as they are optimised."""

    def __init__(self, encoder, unet):
        super().__init__()
        self.encoder, self.unet = encoder, unet


def kept_signal():
    """Return the share of signal variance (alpha bar) at each of the 1000 timesteps."""
    betas = torch.linspace(SCHEDULE["beta_start"] ** 0.5, SCHEDULE["beta_end"] ** 0.5, 1000) ** 2
    return (1 - betas).cumprod(0)


def pipeline(vae, encoder, tokenizer, unet):
    """Return the parts as a StableDiffusionPipeline with a DDIM scheduler."""
    from diffusers import DDIMScheduler, StableDiffusionPipeline

    pipe = StableDiffusionPipeline(
        vae=vae,
        text_encoder=encoder,
        tokenizer=tokenizer,
        unet=unet,
        scheduler=DDIMScheduler(**SCHEDULE),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def sheet(pictures, columns):
    """Paste equal uint8 pictures into one, row by row."""
    rows = -(-len(pictures) // columns)
    side = pictures[0].shape[0]
    page = np.full((rows * side, columns * side, 3), 255, np.uint8)
    for number, picture in enumerate(pictures):
        y, x = divmod(number, columns)
        page[y * side : (y + 1) * side, x * side : (x + 1) * side] = picture
    return page


def write_sheet(file: Path, pictures, columns: int) -> None:
    """Write equal uint8 pictures as one PNG, row by row."""
    with whole(file) as path:
        Image.fromarray(sheet(pictures, columns)).save(path, format="PNG")


def unpack(folder):
    """Copy the parts of a model of SIDE pixels into the checkpoint folder, to go on from them; what is there stays.

    Beside the parts there may be judges, the stages of an earlier training and its log, `denoiser.jsonl`.
    """
    folder, log = Path(folder), "denoiser.jsonl"
    side = json.loads((folder / "vae" / "config.json").read_text(encoding="utf-8"))["sample_size"]
    if side != SIDE:
        raise ValueError(
            f"The VAE in {folder} is of {side} pixels, and the trainings start from the first one, of {SIDE}: give the "
            "model of commit 209e261, the last that has it."
        )
    CHECKPOINTS.mkdir(parents=True, exist_ok=True)
    for part, name in (
        ("vae", "vae_normalised"),
        ("tokenizer", "tokenizer"),
        ("text_encoder", "text_encoder"),
        ("unet", "unet"),
        ("judge", "judge"),
        ("stages", "stages"),
    ):
        wanted = part not in ("judge", "stages") or (folder / part).exists()
        if wanted and not (CHECKPOINTS / name).exists():
            shutil.copytree(folder / part, CHECKPOINTS / name)
    if (folder / log).exists() and not (CHECKPOINTS / log).exists():
        shutil.copy(folder / log, CHECKPOINTS)


def load_unet(device):
    """Return the UNet to start from: the one of the checkpoint folder, else an untrained one."""
    from diffusers import UNet2DConditionModel

    if (CHECKPOINTS / "unet").exists():
        unet = UNet2DConditionModel.from_pretrained(CHECKPOINTS / "unet", low_cpu_mem_usage=False)
    else:
        unet = build()
    return unet.to(device, memory_format=torch.channels_last)


def load_parts(device):
    """Return vae (normalised), text encoder and tokenizer from the checkpoint folder."""
    from diffusers import AutoencoderKL
    from transformers import CLIPTextModel, CLIPTokenizer

    # float32: transformers 5 would load a float16 file, such as one to go on from, as it is
    encoder = CLIPTextModel.from_pretrained(CHECKPOINTS / "text_encoder", dtype=torch.float32).to(device)
    tokenizer = CLIPTokenizer.from_pretrained(CHECKPOINTS / "tokenizer")
    ready = CHECKPOINTS / "vae_normalised"
    if not ready.exists():
        vae = AutoencoderKL.from_pretrained(CHECKPOINTS / "vae")
        pictures = torch.from_numpy(batch(2048, np.random.default_rng(7))[0])
        write_safetensors(normalise(vae, pictures), ready)
    vae = AutoencoderKL.from_pretrained(ready, low_cpu_mem_usage=False)
    return vae.to(device, memory_format=torch.channels_last), encoder, tokenizer


@torch.no_grad()
def encode_pool(vae, count, rng, device):
    """Render `count` scenes and return their latents (unit variance, float16) and the scenes."""
    latents, scenes = [], []
    for _ in range(-(-count // 64)):
        pictures, described = batch(64, rng)
        pictures = torch.from_numpy(pictures).to(device, memory_format=torch.channels_last)
        with torch.autocast(device.split(":")[0], torch.bfloat16):
            moments = vae.quant_conv(vae.encoder(pictures))
        latents.append((moments[:, :4].float() / LATENT_STD).half().cpu())
        scenes += described
    return torch.cat(latents), scenes


def denoising_loss(both, tokenizer, pool, rng, arguments, drop=DROP, weight="raised", late=0.0, noises=1):
    """Return the loss of a training step, as training.loop calls it: weighted v prediction on noisy latents.

    `drop` is the share of captions replaced by "", `late` that of the timesteps drawn from the noisiest 400 only,
    `noises` how many noisy latents share a caption.
    """
    latents, scenes = pool
    device, kept = arguments.device, kept_signal().to(arguments.device)
    captions_per_call = arguments.batch // noises // threads_for(device)
    run = torch.compile(both.unet.forward) if arguments.compile else both.unet.forward

    def loss(step):
        index = rng.integers(len(scenes), size=captions_per_call)
        texts = ["" if rng.random() < drop else caption(scenes[i], rng) for i in index]
        states = read(both.encoder, tokens(tokenizer, texts).to(device))
        states = states.repeat_interleave(noises, 0)
        clean = latents[torch.from_numpy(index)].float().to(device).repeat_interleave(noises, 0)
        noise = torch.randn_like(clean)
        t = timesteps(len(clean), late).to(device)
        noisy, target = noised(clean, noise, kept[t])
        made = run(noisy.contiguous(memory_format=torch.channels_last), t, states).sample.float()
        error = (made - target).square().mean((1, 2, 3))
        high = t >= 700
        value = (WEIGHTS[weight](kept[t] / (1 - kept[t])) * error).mean()
        error = error.detach()
        means = {"v_high": error[high].mean(), "v_low": error[~high].mean()}
        return value, {name: float(mean.nan_to_num()) for name, mean in means.items()}

    return loss


def timesteps(count, late):
    """Draw timesteps, a share `late` of them from the noisiest 400 only."""
    lowest = 600 * (torch.rand(count) < late)
    return (lowest + torch.rand(count) * (1000 - lowest)).long().clamp(max=999)


def noised(clean, noise, kept):
    """Return the noisy latents and the v target (arXiv 2202.00512) for the kept signal variance of each."""
    signal, spread = kept.sqrt()[:, None, None, None], (1 - kept).sqrt()[:, None, None, None]
    return signal * clean + spread * noise, signal * noise - spread * clean


class Unseen:
    """Fresh scenes and held-out prompts, on which training is watched."""

    def __init__(self, vae, tokenizer, device):
        words = np.random.default_rng(5)
        latents, scenes = encode_pool(vae, 256, np.random.default_rng(10**6), device)
        self.vae, self.tokenizer, self.device = vae, tokenizer, device
        self.clean, self.texts = latents.float().to(device), [caption(scene, words) for scene in scenes]
        self.prompts = combinations(40, np.random.default_rng(3))

    @torch.no_grad()
    def v_loss(self, both, texts, low, high):
        """Return the plain v loss between two timesteps, always with the same noise."""
        t = torch.linspace(low, high, len(self.clean), device=self.device).long()
        noise = torch.randn(self.clean.shape, generator=torch.Generator("cpu").manual_seed(2)).to(self.device)
        noisy, target = noised(self.clean, noise, kept_signal().to(self.device)[t])
        states = read(both.encoder, tokens(self.tokenizer, texts).to(self.device))
        return float((both.unet(noisy, t, states).sample - target).square().mean())

    def losses(self, both):
        """Return the v loss at high noise with each picture's caption and with another's, and at low noise."""
        wrong = self.texts[128:] + self.texts[:128]
        found = {
            "held_right": self.v_loss(both, self.texts, 600, 990),
            "held_wrong": self.v_loss(both, wrong, 600, 990),
            "held_low": self.v_loss(both, self.texts, 10, 590),
        }
        return {name: round(value, 4) for name, value in found.items()}

    @torch.no_grad()
    def pictures(self, both):
        """Return a picture of each held-out prompt, and the share whose background is right."""
        pipe = pipeline(self.vae, both.encoder, self.tokenizer, both.unet)
        made = pipe(
            [english(s) for s in self.prompts],
            num_inference_steps=15,
            guidance_scale=4.0,
            generator=torch.Generator("cpu").manual_seed(1),
            output_type="np",
        ).images
        pictures = (made * 255).round().astype(np.uint8)
        right = np.mean([background_of(p) == s.background for p, s in zip(pictures, self.prompts)])
        return pictures, round(float(right), 3)


def prepare(unet):
    """Make a UNet fast to train in bfloat16 on a CPU."""
    from diffusers.models.attention_processor import AttnProcessor

    normalise_in_float32(unet)
    unet.set_attn_processor(AttnProcessor())  # in bfloat16 on a CPU, torch 2.13's fused backward is 8x slower
    return unet


def main(arguments):
    """Train the denoiser and the text encoder for the given minutes; write both sets of averages."""
    device, threads = arguments.device, threads_for(arguments.device)
    rng = np.random.default_rng()  # a resumed run must see new scenes, not the first run's again
    if arguments.start:
        unpack(arguments.start)
    vae, encoder, tokenizer = load_parts(device)
    pool = encode_pool(vae, arguments.pool, rng, device)
    both = Denoising(encoder, prepare(load_unet(device)))
    fast, slow = Ema(both, 0.999), Ema(both, 0.9997)
    unseen = Unseen(vae, tokenizer, device)

    def check():
        with fast.swapped_in(both):
            losses, (pictures, right) = unseen.losses(both), unseen.pictures(both)
        page = Image.fromarray(sheet(list(pictures), 10)).resize((1280, 512), Image.Resampling.NEAREST)
        with whole(CHECKPOINTS / "sheet.png") as path:
            page.save(path, format="PNG")
        number = len(list((CHECKPOINTS / "stages").glob("*.png")))
        write_sheet(CHECKPOINTS / "stages" / f"{number:03d}.png", list(pictures[:10]), 10)
        return {"background": right, **losses}

    train(
        "denoiser",
        both,
        fast,
        denoising_loss(both, tokenizer, pool, rng, arguments),
        check,
        arguments,
        every=600,
        watch=(slow,),
        optimizer=partial(Muon, threads=threads),
        threads=threads,
        rate=lambda done: trapezoid(done, arguments.rate, 1e-6),
    )
    for name, ema in (("fast", fast), ("slow", slow)):
        with ema.swapped_in(both):
            for part, model in (("unet", both.unet), ("text_encoder", encoder)):
                model.save_pretrained(CHECKPOINTS / name / part)


if __name__ == "__main__":
    from training.loop import options

    main(options(__doc__, batch=64, pool=40000, rate=2e-3, start=""))
