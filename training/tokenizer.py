"""A small CLIP tokenizer that also splits Japanese written without spaces.

CLIP's pre-tokenizer takes a run of letters for one word, and Japanese has no spaces: byte-pair
encoding trained on captions would learn whole phrases as single tokens, and nothing would compose.
Three rules prevent it: merges are learnt from single words, never across them; the bytes of each
character are merged before any two characters are; each merge (a, b) is mirrored as (a, b</w>), so
that a word is found in the middle of a run as well as at its end.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from training.scenes import lexicon

if TYPE_CHECKING:
    from transformers import CLIPTokenizer

START, END = "<|startoftext|>", "<|endoftext|>"


def _merges(words, stand_in):
    """Yield merges (left, right) in order: each character's bytes first, then characters into words.

    `stand_in` gives the printable character that CLIP's files write for a byte.
    """
    from tokenizers import Tokenizer, normalizers
    from tokenizers.models import BPE
    from tokenizers.trainers import BpeTrainer

    def spell(text):
        return "".join(stand_in[byte] for byte in text.encode())

    learner = Tokenizer(BPE())
    learner.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    learner.train_from_iterator(words * 20, BpeTrainer(vocab_size=8000, min_frequency=2, show_progress=False))
    for character in sorted(set("".join(words))):
        spelled = spell(character)
        yield from ((spelled[:cut], spelled[cut]) for cut in range(1, len(spelled)))
    for pair in json.loads(learner.to_str())["model"]["merges"]:
        left, right = pair if isinstance(pair, list) else pair.split(" ")
        yield spell(left), spell(right)


def build(folder: str | Path) -> "CLIPTokenizer":
    """Write the tokenizer's files to `folder` and return the CLIPTokenizer read back from them."""
    from transformers import CLIPTokenizer
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    stand_in = bytes_to_unicode()
    bytes_alone = sorted(stand_in.values())
    tokens, merges = bytes_alone + [byte + "</w>" for byte in bytes_alone], []
    for left, right in dict.fromkeys(_merges(lexicon(), stand_in)):
        for end in (right, right + "</w>"):
            merges.append(f"{left} {end}\n")
            tokens.append(left + end)
    tokens = [*dict.fromkeys(tokens), START, END]
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = {token: number for number, token in enumerate(tokens)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(merges), encoding="utf-8")
    special = {"bos_token": START, "eos_token": END, "unk_token": END, "pad_token": END}
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "CLIPTokenizer", "model_max_length": 77, **special}), encoding="utf-8"
    )
    return CLIPTokenizer.from_pretrained(folder)
