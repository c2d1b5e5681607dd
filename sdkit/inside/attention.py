"""Which words each place of a picture looks at: the cross-attention of a Stable Diffusion UNet, seen and changed.

In every attention layer each place of the picture shares itself out among the tokens of the prompt; the shares sum
to 1. They are the softmax that `diffusers.models.attention_processor.Attention.get_attention_scores` returns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from numbers import Integral
from typing import TYPE_CHECKING, Any

from sdkit.call.exclusive import calling
from sdkit.errors import plain_errors
from sdkit.inside.tokens import tokens
from sdkit.inside.unet_calls import for_one_picture
from sdkit.measure import pixels
from sdkit.parameters import short
from sdkit.show.drawing import Drawing, Section, lay_out
from sdkit.show.figure import new_figure

if TYPE_CHECKING:
    import PIL.Image
    import torch

    from sdkit.show.figure import ShownFigure

DARK = 0.12  # of a picture's brightness is left where a word is looked at least


class WordProcessor:
    """An attention processor whose names `cross_attention_kwargs` can use, for `pipe.unet.set_attn_processor`.

    maps: anything with `append`; it gets the shares of each cross-attention layer at each step, (N, places, tokens),
    the mean over the heads. N is the UNet's batch: with guidance the negative texts come first.
    factor: what the words say is multiplied by it; at 0 no word counts.
    weights: {place of a token: factor} for the shares of single tokens, in all texts of the batch. Places are those in
    the prompt, as `tokens` lists them: 0 is the start token, 1 the first of the text, 76 the last that is read.

    Without these three it is diffusers' own `AttnProcessor2_0`, bit for bit. Raises ValueError for a place that no
    token has.
    """

    def __init__(self):
        # Not the base class: then every name of sdkit could not be had without loading diffusers.
        from diffusers.models.attention_processor import AttnProcessor2_0

        self._usual = AttnProcessor2_0()

    def __call__(
        self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, temb=None,
        maps=None, factor=1.0, weights=None,
    ):  # fmt: skip
        """Return the hidden states (N, places, channels) after attention."""
        if encoder_hidden_states is None:  # the picture looks at itself
            return self._usual(attn, hidden_states, None, attention_mask, temb)
        if maps is not None or weights:
            told = attn.to_q(hidden_states), attn.to_k(encoder_hidden_states), attn.to_v(encoder_hidden_states)
            query, key, value = map(attn.head_to_batch_dim, told)
            shares = attn.get_attention_scores(query, key)
            if maps is not None:
                maps.append(shares.unflatten(0, (-1, attn.heads)).mean(1))
        if not weights:
            result = self._usual(attn, hidden_states, encoder_hidden_states, attention_mask, temb)
            return result if factor == 1 else factor * result
        factors = shares.new_ones(shares.shape[-1])
        for place, times in weights.items():
            if isinstance(place, bool) or not isinstance(place, Integral) or not 0 <= int(place) < len(factors):
                raise ValueError(
                    f"weights has the place {short(place)}; give whole numbers from 0, the start token, to "
                    f"{len(factors) - 1}: a token's place in the prompt, not its number in the vocabulary."
                )
            factors[place] = times
        result = attn.batch_to_head_dim((shares * factors) @ value)
        return factor * attn.to_out[1](attn.to_out[0](result))


@dataclass(frozen=True, eq=False)
class WordMaps:
    """A picture and how its places shared themselves out among the words of its prompt.

    `words` are the prompt's tokens in order, with "begin" and "end"; `shares` (tokens, height, width) are the means
    over the finest cross-attention layers, their heads and all steps, for every token of the text, of which `words`
    are the first. At each place they sum to 1. It shows itself with the map of each word.
    """

    picture: PIL.Image.Image
    words: list[str]
    shares: torch.Tensor

    @plain_errors
    def map_of(self, word: str | int) -> torch.Tensor:
        """Return the map (height, width) of a word, the first if it stands there twice, or of a token by its number.

        Raises ValueError for a word or a number that the prompt does not have.
        """
        return self.shares[self._number(word)]

    @plain_errors
    def lit(self, word: str | int) -> PIL.Image.Image:
        """Return the picture, lit where a word is looked at most; words are named as in `map_of`."""
        from PIL import Image
        from torch.nn.functional import interpolate

        values = pixels(self.picture)
        size = values.shape[:2]
        light = interpolate(self.map_of(word)[None, None], size, mode="bicubic")[0, 0].numpy()
        light = (light - light.min()) / max(light.max() - light.min(), 1e-9)
        return Image.fromarray((values * (DARK + (1 - DARK) * light[..., None])).astype("uint8"))

    @plain_errors
    def draw(self, *words: str | int) -> Drawing:
        """Draw the picture, and then once for each word, lit where that word is looked at most.

        Above each word stands its mean share in percent. Without words, all of the prompt's are drawn.
        """
        chosen = [self._number(word) for word in words] or range(1, len(self.words) - 1)
        labels = ["picture", *(f"{self.words[number]} {self.shares[number].mean() * 100:.1f} %" for number in chosen)]
        cells = [self.picture, *(self.lit(number) for number in chosen)]
        rows = [slice(start, start + 6) for start in range(0, len(cells), 6)]
        section = Section([cells[row] for row in rows], labels=[labels[row] for row in rows])
        names = ", ".join(self.words[number] for number in chosen)
        return lay_out([section], f"<Word maps: {names}>", f"a picture, and where these words are looked at: {names}")

    @plain_errors
    def draw_shares(self, places: Mapping[str, tuple[float, float]]) -> ShownFigure:
        """Return a chart of how single places share themselves out among the words, in percent.

        `places` are named by what lies there, and given as (x, y) from (0, 0), left and top, to (1, 1). What goes to
        no word, but to "begin", "end" and the filling after it, is said below the chart. Raises ValueError for no
        places, and for one outside the picture.
        """
        if not places or any(not 0 <= side <= 1 for place in places.values() for side in place):
            raise ValueError(f"places are {dict(places)}; give some as {{name: (x, y)}}, each number from 0 to 1.")
        height, width = self.shares.shape[1:]
        named = range(1, len(self.words) - 1)
        figure = new_figure((8.5, 2.8), f"Shares of attention at {', '.join(places)}, by word")
        axes = figure.subplots()
        thick = 0.8 / len(places)
        rest = []
        for order, (name, (x, y)) in enumerate(places.items()):
            here = self.shares[:, min(int(y * height), height - 1), min(int(x * width), width - 1)] * 100
            values = [float(here[number]) for number in named]
            axes.bar([place + order * thick for place in range(len(values))], values, thick, label=name)
            rest.append(f"{100 - sum(values):.0f} % of {name}")
        axes.set_xticks(
            [place + thick * (len(places) - 1) / 2 for place in range(len(named))],
            [self.words[number] for number in named],
        )
        axes.set_ylabel("share, percent")
        axes.set_xlabel(f"to no word: {', '.join(rest)}")
        axes.legend()
        return figure

    def __repr__(self):
        return f"<Word maps of {' '.join(self.words[1:-1])!r}>"

    def _repr_mimebundle_(self, include=None, exclude=None):
        return self.draw()._repr_mimebundle_()

    def _number(self, word: str | int) -> int:
        if isinstance(word, int) and not isinstance(word, bool) and 0 <= word < len(self.words):
            return word
        if word not in self.words:
            raise ValueError(f"word is {word!r}; give one of {', '.join(self.words)}.")
        return self.words.index(word)


class _Sums:
    """What the layers of each size say of the last text in the batch, added up."""

    def __init__(self):
        self.sums: dict[int, torch.Tensor] = {}
        self.counts: dict[int, int] = {}

    def append(self, shares):
        """Add the shares (N, places, tokens) of one layer."""
        places = shares.shape[1]
        self.sums[places] = self.sums.get(places, 0) + shares[-1].float().cpu()
        self.counts[places] = self.counts.get(places, 0) + 1

    def finest(self) -> torch.Tensor:
        """Return the means (places, tokens) of the layers with the most places."""
        places = max(self.sums)
        return self.sums[places] / self.counts[places]


@plain_errors
def word_maps(pipe, prompt: str, *, seed: int = 0, **arguments: Any) -> WordMaps:
    """Call a text-to-image pipeline for one picture and return which words its places looked at.

    `arguments` are those of the pipeline's own call, checked as `generate` checks them. The UNet's attention
    processors are put back afterwards. Raises what `generate` raises, and ValueError for several pictures, for a
    generator, since `seed` stands for one, and for another output_type than "pil".
    """
    passed = for_one_picture(pipe, prompt, arguments, seed)
    sums = _Sums()
    passed["cross_attention_kwargs"] = {**(passed.get("cross_attention_kwargs") or {}), "maps": sums}
    with calling(pipe, passed):
        before = pipe.unet.attn_processors
        pipe.unet.set_attn_processor(WordProcessor())
        try:
            picture = pipe(**passed).images[0]
        finally:
            pipe.unet.set_attn_processor(before)
    sides = picture.height // pipe.vae_scale_factor, picture.width // pipe.vae_scale_factor
    shares = sums.finest()
    words = [token.text for token in tokens(pipe, prompt) if token.is_read]
    return WordMaps(picture, words, shares.T.unflatten(1, _shape(sides, len(shares))))


def _shape(sides: tuple[int, int], places: int) -> tuple[int, int]:
    """Return the height and width of a layer with so many places; a UNet halves its latents, rounding up."""
    height, width = sides
    while height * width > places:
        height, width = ceil(height / 2), ceil(width / 2)
    return height, width
