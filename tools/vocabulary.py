"""The vocabulary of CLIP's tokenizer, read at build time from a package that ships it.

The file `bpe_simple_vocab_16e6.txt.gz` is OpenAI's (github.com/openai/CLIP, MIT licence); the PyPI
package open_clip_torch (github.com/mlfoundations/open_clip, MIT licence) carries it unchanged. It is
kept in .cache/ and not part of this repository.
"""

import gzip
import json
import subprocess
import sys
import tempfile
import zipfile
from hashlib import sha256
from pathlib import Path

from sdkit.files import write_whole

CACHE = Path(__file__).resolve().parent.parent / ".cache" / "checkpoints"
PACKAGE, FILE = "open_clip_torch==3.3.0", "bpe_simple_vocab_16e6.txt.gz"
SHA256 = "924691ac288e54409236115652ad4aa250f48203de50a9e4722a6ecd48d6804a"
START, END = "<|startoftext|>", "<|endoftext|>"
TOKENS = 49_408  # 256 bytes, the same at a word's end, the merges, and the two above
MERGES = TOKENS - 2 * 256 - 2


def vocabulary_file(cache: Path = CACHE) -> Path:
    """Return the path of the vocabulary file, fetched with pip the first time.

    Raises RuntimeError if pip cannot get the package, ValueError if the file is not the known one.
    """
    path = cache / FILE
    if not path.exists():
        write_whole(path, _downloaded())
    found = sha256(path.read_bytes()).hexdigest()
    if found != SHA256:
        raise ValueError(f"{path} has the SHA-256 {found}, not {SHA256}; delete it and fetch it again.")
    return path


def _downloaded():
    """Return the bytes of the vocabulary file out of the package, which pip downloads."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, PACKAGE]
        done = subprocess.run(command, capture_output=True, text=True)
        wheels = list(Path(folder).glob("*.whl"))
        if not wheels:
            last = (done.stderr.strip().splitlines() or ["nothing"])[-1]
            raise RuntimeError(
                f"pip could not download {PACKAGE}, which holds CLIP's vocabulary; connect to a package "
                f'index, or take the vocabulary "built-in". pip said: {last}'
            )
        with zipfile.ZipFile(wheels[0]) as wheel:
            return wheel.read(f"open_clip/{FILE}")


def clip_vocabulary(cache: Path = CACHE) -> tuple[dict[str, int], list[str]]:
    """Return CLIP's {token: number} and its merges as "left right", the first one made first.

    Radford et al. 2021 (arXiv 2103.00020): byte-level pair encoding after Sennrich et al. 2016,
    with `</w>` at a word's end.
    """
    lines = gzip.decompress(vocabulary_file(cache).read_bytes()).decode("utf-8").splitlines()
    merges = lines[1 : 1 + MERGES]  # the first line is a heading; CLIP leaves out the rest
    letters = _letters()
    ends = [f"{letter}</w>" for letter in letters]
    tokens = [*letters, *ends, *(pair.replace(" ", "") for pair in merges), START, END]
    return {token: number for number, token in enumerate(tokens)}, merges


def _letters():
    """Return a visible character for each byte, in the order of CLIP's vocabulary: visible ones stand for themselves.

    The others are numbered from 256 on, and come last.
    """
    visible = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    hidden = 256 - len(visible)
    return [chr(code) for code in [*visible, *range(256, 256 + hidden)]]


def write_tokenizer(folder: str | Path, cache: Path = CACHE) -> None:
    """Write CLIP's tokenizer into a folder, as Stable Diffusion v1 checkpoints hold it.

    Raises what `vocabulary_file` raises.
    """
    numbers, merges = clip_vocabulary(cache)
    special = {"bos_token": START, "eos_token": END, "unk_token": END, "pad_token": END}
    texts = {
        "vocab.json": json.dumps(numbers, ensure_ascii=False),
        "merges.txt": "\n".join(["#version: 0.2", *merges, ""]),
        "special_tokens_map.json": json.dumps(special, indent=2),
        "tokenizer_config.json": json.dumps(
            {"tokenizer_class": "CLIPTokenizer", "model_max_length": 77, "do_lower_case": True, **special}, indent=2
        ),
    }
    for name, text in texts.items():
        write_whole(Path(folder) / name, text.encode("utf-8"))
