"""The text encoder and its warm start.

Cross-attention that starts from random text states spends thousands of steps blind to the prompt.
So the encoder first learns to predict a scene's attributes from its caption (minutes); words that
mean the same, in either language, come to mean the same to the denoiser from its first step.
Run `python -m training.text --minutes 3`.
"""

from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F

from training.loop import CHECKPOINTS, Ema, cosine, options, train, write_safetensors
from training.scenes import caption, random_scene
from training.tokenizer import build as build_tokenizer
from training.world import BACKGROUNDS, OBJECTS, PLACES, SIZES, STYLES, THINGS

if TYPE_CHECKING:
    from transformers import CLIPTextModel

WIDTH = 128  # of a token's state
LENGTH = 77  # tokens of a prompt, as in CLIP
ATTRIBUTES = {
    "thing": list(THINGS),
    "second": ["", *OBJECTS],
    "style": list(STYLES),
    "background": list(BACKGROUNDS),
    "colour": ["", *BACKGROUNDS],
    "size": list(SIZES),
    "place": list(PLACES),
}


def build(tokenizer) -> "CLIPTextModel":
    """Return an untrained CLIPTextModel of 2 layers for the tokenizer's vocabulary."""
    from transformers import CLIPTextConfig, CLIPTextModel

    return CLIPTextModel._from_config(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=WIDTH,
            intermediate_size=4 * WIDTH,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=LENGTH,
            projection_dim=WIDTH,
            hidden_act="quick_gelu",
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def read(encoder, ids) -> torch.Tensor:
    """Return the states (N, 77, WIDTH) of token ids (N, 77) in float32: in bfloat16 a CPU is 4x slower here."""
    with torch.autocast(ids.device.type, enabled=False):
        return encoder(ids).last_hidden_state


def tokens(tokenizer, captions) -> torch.Tensor:
    """Return the token ids of captions, padded to 77 as the pipeline pads them: (N, 77)."""
    return tokenizer(captions, padding="max_length", max_length=LENGTH, truncation=True, return_tensors="pt").input_ids


class Reading(torch.nn.Module):
    """The text encoder with one linear head per attribute."""

    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder
        self.heads = torch.nn.ModuleDict(
            {name: torch.nn.Linear(WIDTH, len(values)) for name, values in ATTRIBUTES.items()}
        )

    def forward(self, ids, position):
        """Return {attribute: logits (N, values)} of ids (N, 77), read at `position` (N,), the end token or after it."""
        states = read(self.encoder, ids)
        state = states[torch.arange(len(ids)), position]
        return {name: head(state) for name, head in self.heads.items()}


def main(arguments) -> None:
    """Warm the text encoder up and write it, with its tokenizer, to the checkpoint folder."""
    rng = np.random.default_rng(arguments.seed)
    tokenizer = build_tokenizer(CHECKPOINTS / "tokenizer")
    reader = Reading(build(tokenizer)).to(arguments.device)
    ema = Ema(reader, 0.99)

    def draw(generator, count):
        scenes = [random_scene(generator) for _ in range(count)]
        ids = tokens(tokenizer, [caption(scene, generator) for scene in scenes])
        targets = {
            name: torch.tensor([values.index(getattr(scene, name)) for scene in scenes])
            for name, values in ATTRIBUTES.items()
        }
        return ids, targets

    def position(ids, padding_too):
        """Return for each caption the place of its end token, or a random one from there to the end of its padding."""
        end = (ids == tokenizer.eos_token_id).int().argmax(1)
        return (end + (torch.rand(len(ids)) * (LENGTH - end)).long()) if padding_too else end

    def loss(step):
        ids, targets = draw(rng, arguments.batch)
        logits = reader(ids.to(arguments.device), position(ids, padding_too=step % 2 == 1))
        losses = {
            name: F.cross_entropy(logits[name].float(), target.to(arguments.device)) for name, target in targets.items()
        }
        return sum(losses.values()), {name: float(value.detach()) for name, value in losses.items()}

    train("text", reader, ema, loss, dict, arguments, rate=lambda done: cosine(done, 2e-3, 2e-5), every=60)
    with ema.swapped_in(reader):
        write_safetensors(reader.encoder, CHECKPOINTS / "text_encoder")


if __name__ == "__main__":
    main(options(__doc__, batch=128))
