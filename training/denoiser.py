"""Training of the denoiser (UNet2DConditionModel), jointly with the warmed-up text encoder.

v-prediction (arXiv 2202.00512) on Stable Diffusion's own noise schedule; the loss weight
(min(SNR, 5) + 1) / (SNR + 1) is the v loss clipped on the clean side only (after Min-SNR, arXiv
2303.09556), because object, style and place are decided at high noise. Whole captions are dropped
at 12 % for classifier-free guidance (arXiv 2207.12598).
Run `python -m training.denoiser --minutes 55` after training.vae and training.text; it resumes.
"""

from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from training.loop import CHECKPOINTS, Ema, train, trapezoid, write_safetensors, write_whole
from training.scenes import Scene, article, batch, caption
from training.text import read, tokens
from training.world import BACKGROUNDS, OBJECTS, SIDE, STYLES, held_out

NOISES = 2  # noise draws that share one caption's text states
DROP = 0.12  # share of captions replaced by ""
LATENT_STD = 1 / 0.18215  # so that SD's own scaling factor gives latents of unit variance

SCHEDULE = {
    "num_train_timesteps": 1000, "beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012,
    "prediction_type": "v_prediction", "steps_offset": 1, "clip_sample": False, "set_alpha_to_one": False,
}


def build():
    """Return the untrained UNet; the last layer of each block starts at zero, as in latent diffusion."""
    from diffusers import UNet2DConditionModel

    unet = UNet2DConditionModel(
        sample_size=SIDE // 4, in_channels=4, out_channels=4, layers_per_block=1,
        block_out_channels=(64, 96, 128), cross_attention_dim=128, attention_head_dim=4, norm_num_groups=16,
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


def normalise_in_float32(model):
    """Let GroupNorm compute in float32: in bfloat16 with channels last it is 4x slower on a CPU."""

    def forward(norm, x):
        return F.group_norm(x.float(), norm.num_groups, norm.weight, norm.bias, norm.eps).to(x.dtype)

    for module in model.modules():
        if isinstance(module, torch.nn.GroupNorm):
            module.forward = partial(forward, module)


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
        vae=vae, text_encoder=encoder, tokenizer=tokenizer, unet=unet, scheduler=DDIMScheduler(**SCHEDULE),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def held_out_scenes(count, rng):
    """Draw single-object scenes of combinations that training never shows."""
    scenes = []
    while len(scenes) < count:
        parts = [list(table)[rng.integers(len(table))] for table in (OBJECTS, STYLES, BACKGROUNDS)]
        if held_out(*parts):
            scenes.append(Scene(*parts))
    return scenes


def full_caption(scene):
    """Describe a single-object scene completely enough for a test, in English."""
    return f"{article(scene.thing)} on {article(scene.background)} background, {STYLES[scene.style][1][0]}"


def border_background(picture):
    """Name the background nearest to the median of a picture's border (2 px, uint8 RGB array)."""
    edge = np.concatenate([picture[:2].reshape(-1, 3), picture[-2:].reshape(-1, 3),
                           picture[:, :2].reshape(-1, 3), picture[:, -2:].reshape(-1, 3)])
    middle = np.median(edge, axis=0)
    return min(BACKGROUNDS, key=lambda name: np.abs(middle - BACKGROUNDS[name][0]).sum())


def sheet(pictures, columns):
    """Paste equal uint8 pictures into one, row by row."""
    rows = -(-len(pictures) // columns)
    side = pictures[0].shape[0]
    page = np.full((rows * side, columns * side, 3), 255, np.uint8)
    for number, picture in enumerate(pictures):
        y, x = divmod(number, columns)
        page[y * side : (y + 1) * side, x * side : (x + 1) * side] = picture
    return page


def load_parts(device):
    """Return vae (normalised), text encoder and tokenizer from the checkpoint folder."""
    from diffusers import AutoencoderKL
    from transformers import CLIPTextModel, CLIPTokenizer

    encoder = CLIPTextModel.from_pretrained(CHECKPOINTS / "text_encoder").to(device)
    tokenizer = CLIPTokenizer.from_pretrained(CHECKPOINTS / "tokenizer")
    ready = CHECKPOINTS / "vae_normalised"
    if not ready.exists():
        vae = AutoencoderKL.from_pretrained(CHECKPOINTS / "vae")
        pictures = torch.from_numpy(batch(2048, np.random.default_rng(7))[0])
        write_safetensors(normalise(vae, pictures), ready)
    return AutoencoderKL.from_pretrained(ready).to(device), encoder, tokenizer


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


def main(arguments):
    """Train the denoiser and the text encoder for the given minutes; write both sets of averages."""
    from diffusers.models.attention_processor import AttnProcessor

    device = arguments.device
    rng = np.random.default_rng()  # a resumed run must see new scenes, not the first run's again
    vae, encoder, tokenizer = load_parts(device)
    latents, scenes = encode_pool(vae, arguments.pool, rng, device)
    unet = build().to(device, memory_format=torch.channels_last)
    normalise_in_float32(unet)
    unet.set_attn_processor(AttnProcessor())  # in bfloat16 on a CPU, torch 2.13's fused backward is 8x slower
    both = Denoising(encoder, unet)
    fast, slow = Ema(both, 0.999), Ema(both, 0.9997)
    kept = kept_signal().to(device)
    run = torch.compile(unet.forward) if arguments.compile else unet.forward
    captions_per_step = arguments.batch // NOISES

    def loss(step):
        index = rng.integers(len(scenes), size=captions_per_step)
        texts = ["" if rng.random() < DROP else caption(scenes[i], rng) for i in index]
        states = read(encoder, tokens(tokenizer, texts).to(device))
        states = states.repeat_interleave(NOISES, 0)
        clean = latents[torch.from_numpy(index)].float().to(device).repeat_interleave(NOISES, 0)
        noise = torch.randn_like(clean)
        t = torch.randint(0, 1000, (len(clean),), device=device)
        late = torch.rand(len(clean), device=device) < 0.3  # more of the steps that decide what is drawn
        t = torch.where(late, torch.randint(600, 1000, t.shape, device=device), t)
        signal, spread = kept[t].sqrt()[:, None, None, None], (1 - kept[t]).sqrt()[:, None, None, None]
        noisy = (signal * clean + spread * noise).contiguous(memory_format=torch.channels_last)
        made = run(noisy, t, states).sample.float()
        error = (made - (signal * noise - spread * clean)).square().mean((1, 2, 3))
        snr = kept[t] / (1 - kept[t])
        high = t >= 700
        value = ((snr.clamp(max=5) + 1) / (snr + 1) * error).mean()
        error = error.detach()
        means = {"v_high": error[high].mean(), "v_low": error[~high].mean()}
        return value, {name: float(mean.nan_to_num()) for name, mean in means.items()}

    tests = held_out_scenes(40, np.random.default_rng(3))

    @torch.no_grad()
    def check():
        with fast.swapped_in(both):
            pipe = pipeline(vae, encoder, tokenizer, unet)
            made = pipe([full_caption(s) for s in tests], num_inference_steps=15, guidance_scale=4.0,
                        generator=torch.Generator("cpu").manual_seed(1), output_type="np").images
        pictures = (made * 255).round().astype(np.uint8)
        right = np.mean([border_background(p) == s.background for p, s in zip(pictures, tests)])
        page = Image.fromarray(sheet(list(pictures), 10)).resize((1280, 512), Image.Resampling.NEAREST)
        write_whole(CHECKPOINTS / "sheet.png", lambda path: page.save(path, format="PNG"))
        return {"background": round(float(right), 3)}

    train("denoiser", both, fast, loss, check, arguments, watch=(slow,),
          rate=lambda done: trapezoid(done, arguments.rate, 1e-6))
    for name, ema in (("fast", fast), ("slow", slow)):
        with ema.swapped_in(both):
            for part, model in (("unet", unet), ("text_encoder", encoder)):
                model.save_pretrained(CHECKPOINTS / name / part)


if __name__ == "__main__":
    from training.loop import options

    main(options(__doc__, batch=64, pool=30000, rate=1e-3))
