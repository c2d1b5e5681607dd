"""Training of the autoencoder: 64x64 pictures to 16x16x4 latents and back.

Run `python -m training.vae --minutes 17`; it resumes from its checkpoint.
Loss: L1 + MSE + 0.2 (1 - SSIM), without the LPIPS and GAN terms of latent diffusion (arXiv 2112.10752):
flat drawings do not need them. Noise is added to the latents before decoding, so that the
denoiser's small errors do not show.
"""

import torch
import torch.nn.functional as F

from training.loop import CHECKPOINTS, Ema, cosine, normalise_in_float32, train, write_safetensors
from training.scenes import batch
from training.world import SIDE

LATENT_NOISE = 0.03  # of the latents' standard deviation


def build():
    """Return the untrained autoencoder (AutoencoderKL, factor 4)."""
    from diffusers import AutoencoderKL

    vae = AutoencoderKL(
        in_channels=3,
        out_channels=3,
        latent_channels=4,
        sample_size=SIDE,
        layers_per_block=1,
        block_out_channels=(32, 64, 128),
        norm_num_groups=8,
        mid_block_add_attention=False,
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
    )
    # Nearly no sampling noise: noise relative to the latents' own scale is added in training
    # instead, so that the decoder is tolerant whatever scale the latents take.
    with torch.no_grad():
        vae.quant_conv.weight[4:] = 0
        vae.quant_conv.bias[4:] = -16
    return vae


def ssim(a, b):
    """Return the mean structural similarity of two batches in -1..1 (Wang et al. 2004; 7x7 mean window)."""

    def mean(x):
        return F.avg_pool2d(F.avg_pool2d(x, (7, 1), 1), (1, 7), 1)  # 14 sums for each pixel instead of 49

    mean_a, mean_b = mean(a), mean(b)
    var_a, var_b = mean(a * a) - mean_a**2, mean(b * b) - mean_b**2
    covariance = mean(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * 2) ** 2, (0.03 * 2) ** 2
    score = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    return (score / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))).mean()


class Autoencoding(torch.nn.Module):
    """The autoencoder with its loss, so that both compile into one graph."""

    def __init__(self, vae):
        super().__init__()
        self.vae = vae

    def forward(self, pictures, noise):
        latents = self.vae.quant_conv(self.vae.encoder(pictures))[:, :4].float()
        noisy = latents + noise * latents.detach().std() * LATENT_NOISE
        made = self.vae.decoder(self.vae.post_quant_conv(noisy)).float()
        error = (made - pictures).abs().mean()
        square = (made - pictures).square().mean()
        return error + square + 0.2 * (1 - ssim(made, pictures)), error


def psnr(made, real):
    """Return the peak signal-to-noise ratio in dB of pictures in -1..1."""
    return float(10 * torch.log10(4 / F.mse_loss(made.float(), real.float())))


def main(arguments):
    """Train for the given minutes and write the EMA weights to the checkpoint folder."""
    import numpy as np

    rng = np.random.default_rng(arguments.seed)
    pool = torch.from_numpy((batch(arguments.pool, rng)[0] * 127.5 + 127.5).round().clip(0, 255).astype("uint8"))
    test = torch.from_numpy(batch(256, np.random.default_rng(10**6))[0])
    vae = build().to(arguments.device, memory_format=torch.channels_last)
    normalise_in_float32(vae)
    step_loss = Autoencoding(vae)
    compiled = torch.compile(step_loss) if arguments.compile else step_loss
    ema = Ema(vae, 0.998)

    def loss(step):
        index = torch.randint(len(pool), (arguments.batch,))
        pictures = (pool[index].float() / 127.5 - 1).to(arguments.device, memory_format=torch.channels_last)
        noise = torch.randn(arguments.batch, 4, SIDE // 4, SIDE // 4, device=arguments.device)
        value, error = compiled(pictures, noise)
        return value, {"l1": float(error.detach())}

    @torch.no_grad()
    def check():
        with ema.swapped_in(vae):
            made = vae(test.to(arguments.device)).sample
            return {"psnr": round(psnr(made, test.to(arguments.device)), 2)}

    train("vae", vae, ema, loss, check, arguments, rate=lambda done: cosine(done, arguments.rate, 1e-5), every=60)
    with ema.swapped_in(vae):
        write_safetensors(vae, CHECKPOINTS / "vae")


if __name__ == "__main__":
    from training.loop import options

    main(options(__doc__, batch=32, pool=30000, rate=2e-3))
