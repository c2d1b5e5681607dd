"""Further training of the VAE's decoder alone, after the denoiser or beside it.

The denoiser depends on the encoder only, so the decoder can still be sharpened when the latents
are fixed. Run `python -m training.decoder --minutes 12` after training.denoiser has written
`vae_normalised`; it resumes, and training.export takes its result where there is one.
"""

import numpy as np
import torch

from training.denoiser import load_parts
from training.loop import CHECKPOINTS, Ema, cosine, normalise_in_float32, train, write_safetensors
from training.scenes import batch
from training.vae import psnr, ssim

NOISE = 0.02  # on the latents, of their standard deviation: the denoiser's small errors must not show


class Decoding(torch.nn.Module):
    """The part of the VAE that is trained here."""

    def __init__(self, vae):
        super().__init__()
        self.first, self.decoder = vae.post_quant_conv, vae.decoder

    def forward(self, latents):
        """Return pictures (N, 3, SIDE, SIDE) of latents as the VAE's encoder gives them."""
        return self.decoder(self.first(latents)).float()


def main(arguments):
    """Train for the given minutes and write the whole VAE, with the averaged decoder, as `vae_tuned`."""
    rng = np.random.default_rng()  # a resumed run must see new scenes
    device = arguments.device
    vae = load_parts(device)[0].requires_grad_(False)
    pictures, latents = [], []
    for _ in range(-(-arguments.pool // 64)):
        drawn = torch.from_numpy(batch(64, rng)[0])
        pictures.append((drawn * 127.5 + 127.5).round().clip(0, 255).to(torch.uint8))
        with torch.no_grad(), torch.autocast(device.split(":")[0], torch.bfloat16):
            moments = vae.quant_conv(vae.encoder(drawn.to(device, memory_format=torch.channels_last)))
        latents.append(moments[:, :4].float().cpu())
    pictures, latents = torch.cat(pictures), torch.cat(latents)
    test = torch.from_numpy(batch(256, np.random.default_rng(10**6))[0]).to(device)
    model = Decoding(vae).requires_grad_(True)
    normalise_in_float32(model)
    ema, spread = Ema(model, 0.998), float(latents.std()) * NOISE

    def loss(step):
        index = torch.randint(len(pictures), (arguments.batch,))
        real = (pictures[index].float() / 127.5 - 1).to(device)
        noisy = latents[index].to(device, memory_format=torch.channels_last)
        made = model(noisy + spread * torch.randn_like(noisy))
        error = (made - real).abs().mean()
        return error + 2 * (made - real).square().mean() + 0.1 * (1 - ssim(made, real)), {"l1": float(error.detach())}

    @torch.no_grad()
    def check():
        with ema.swapped_in(model):
            made = vae(test).sample
            each = torch.stack([torch.tensor(psnr(a, b)) for a, b in zip(made, test)])
            return {"psnr": round(psnr(made, test), 2), "mean_psnr": round(float(each.mean()), 2)}

    print("decoder before", check(), flush=True)
    train("decoder", model, ema, loss, check, arguments, every=120,
          rate=lambda done: cosine(done, arguments.rate, 1e-5))  # fmt: skip
    with ema.swapped_in(model):
        write_safetensors(vae, CHECKPOINTS / "vae_tuned")


if __name__ == "__main__":
    from training.loop import options

    main(options(__doc__, batch=32, pool=24000, rate=1e-3))
