"""The UNet with its text encoder, sampled step by step with DDIM, for trainings that need what is on the way."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from training.denoiser import SCHEDULE
from training.loop import CHECKPOINTS
from training.text import read, tokens

if TYPE_CHECKING:
    from diffusers import DDIMScheduler

STEPS = 20  # of each picture, where nothing else is said


def scheduler(steps: int) -> "DDIMScheduler":
    """Return a DDIM scheduler set to some steps."""
    from diffusers import DDIMScheduler

    made = DDIMScheduler(**SCHEDULE)
    made.set_timesteps(steps)
    return made


def trained_folder() -> Path:
    """Return the folder of the trained UNet and text encoder: the shorter average, else the weights to go on from."""
    return CHECKPOINTS / "fast" if (CHECKPOINTS / "fast").exists() else CHECKPOINTS


class Sampler:
    """A UNet and its text encoder; latents here have unit variance, as the UNet sees them."""

    def __init__(self, unet, encoder, tokenizer):
        self.unet, self.encoder, self.tokenizer = unet, encoder, tokenizer

    @classmethod
    def trained(cls, device: str = "cpu") -> "Sampler":
        """Return the sampler of the checkpoint folder's UNet: the trained average, else the one to go on from."""
        from diffusers import UNet2DConditionModel
        from transformers import CLIPTextModel, CLIPTokenizer

        folder = trained_folder()
        unet = UNet2DConditionModel.from_pretrained(folder / "unet", low_cpu_mem_usage=False, torch_dtype=torch.float32)
        encoder = CLIPTextModel.from_pretrained(folder / "text_encoder", dtype=torch.float32)
        tokenizer = CLIPTokenizer.from_pretrained(CHECKPOINTS / "tokenizer")
        unet.to(device, memory_format=torch.channels_last)
        return cls(unet.eval().requires_grad_(False), encoder.to(device).eval().requires_grad_(False), tokenizer)

    @torch.no_grad()
    def states(self, texts: list[str]) -> torch.Tensor:
        """Return the text encoder's states (N, 77, width) of prompts."""
        return read(self.encoder, tokens(self.tokenizer, texts).to(self.encoder.device))

    def answers(self, noisy, t, states, empty) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the UNet's answers (N, 4, 16, 16) to the empty prompt and to a prompt, from their states."""
        return self.unet(torch.cat([noisy, noisy]), t, torch.cat([empty, states])).sample.float().chunk(2)

    @torch.no_grad()
    def walk(self, noisy, states, scale, steps: int = STEPS, last: int | None = None) -> Iterator[tuple]:
        """Take the `last` of DDIM's steps (or all), yielding (t, latents, both answers, latents after it) for each.

        `scale` is the guidance, a number or a tensor (N, 1, 1, 1); unlike a pipeline's it may be below 1.
        """
        plan, empty = scheduler(steps), self.states([""]).expand(len(noisy), -1, -1)
        for t in plan.timesteps[-(last or steps) :]:
            without, answer = self.answers(noisy, t, states, empty)
            after = plan.step(without + scale * (answer - without), t, noisy).prev_sample
            yield t, noisy, without, answer, after
            noisy = after

    def sample(self, texts: list[str], seeds, scale: float, steps: int = STEPS, at_once: int = 16) -> torch.Tensor:
        """Return the latents (N, 4, 16, 16) of one picture for each prompt and seed."""
        noise = [torch.randn(1, 4, 16, 16, generator=torch.Generator("cpu").manual_seed(seed)) for seed in seeds]
        made = []
        for start in range(0, len(texts), at_once):
            part = slice(start, start + at_once)
            noisy = torch.cat(noise[part]).to(self.encoder.device)
            *_, (*_, latents) = self.walk(noisy, self.states(texts[part]), scale, steps)
            made.append(latents)
        return torch.cat(made)

    def remade(self, latents, texts: list[str], rng, most: int = 4) -> torch.Tensor:
        """Return latents as the UNet gives them back: with noise as before one of DDIM's last steps, then denoised.

        So little noise (at most that before the last `most` steps) leaves them the same picture, now with the
        UNet's own errors; the guidance is drawn for each.
        """
        last, states = int(rng.integers(1, most + 1)), self.states(texts)
        scale = torch.from_numpy(rng.uniform(1, 5, (len(texts), 1, 1, 1))).to(latents)
        plan = scheduler(STEPS)
        noisy = plan.add_noise(latents, torch.randn_like(latents), plan.timesteps[-last:][:1])
        *_, (*_, again) = self.walk(noisy, states, scale, last=last)
        return again
