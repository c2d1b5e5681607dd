"""The engine's JavaScript draws, reads and steps as Python does: browser/tests/ with Python's answers."""

import json
import random

import pytest
import torch

from sdkit import model_path
from sdkit.call.no_effect import words_cut
from sdkit.schedulers import scheduler_named
from tools.browser_models import SCHEDULERS

SEEDS = [0, 1, 2, 7, 42, 1234, 99999, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1, 2**32, 2**32 + 7, 2**53, 2**63 - 1, 2**63,
         2**63 + 2**31, 2**64 - 1, 12345678901234567, 987654321]  # fmt: skip
# Latents of 128, 64 and 72 pixels, sides that are no multiple of four, and so few that torch draws them one by one.
SHAPES = [(4, 16, 16), (4, 8, 8), (4, 9, 9), (4, 5, 7), (4, 24, 16), (4, 1, 1), (4, 1, 3), (17,), (15,), (1,)]
PROMPTS = 500
ODD = """ΑΣ ΣΑΣ|İstanbul|Straße|ﬁne|é|e\u0301|か゚が|👨‍👩‍👧|🇯🇵|❤️|１２３|½|don't I'LL we've|(cat:1.3)|[dog]|a--b|ﾈｺ
|㌔|𠮷野家|Ǆ
|mixed ねこcat猫DOG|ー〜～|…!?|한국어|مرحبا|हिन्दी|Ⅷ|²³|🫨
|<|endoftext|> a|<|startoftext|>|  two  spaces |\t\n||cat\u200d|\u00a0x|\ufeffx"""


def test_noise(node_test):
    answers = []
    for seed in SEEDS:
        generator = torch.Generator().manual_seed(seed)
        draws = [torch.randn(shape, generator=generator).flatten().tolist() for shape in SHAPES]
        answers.append({"seed": str(seed), "draws": draws})
    node_test("engine_random.test.js", random=answers)


def test_steps(pipe, node_test):
    cases = [
        steps_of(pipe, name, steps, begin, eta)
        for name in SCHEDULERS
        for steps in (1, 2, 3, 5, 20, 37, 999)
        for begin in sorted({0, steps // 3})
        for eta in ((0, 0.3, 1) if name == "DDIMScheduler" else (0,))
    ]
    node_test("engine_schedulers.test.js", schedulers=cases, alphas=pipe.scheduler.alphas_cumprod.tolist())


def steps_of(pipe, name, steps, begin, eta):
    """Return the first samples of a scheduler whose model answers with noise plus what it sees."""
    scheduler = scheduler_named(name, pipe.scheduler)
    scheduler.set_timesteps(steps)
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(begin)
    generator = torch.Generator().manual_seed(7)
    start, noise = (torch.randn(1, 4, 5, 6, generator=generator) for _ in range(2))
    rest = scheduler.timesteps[begin : begin + 9]
    sample = scheduler.add_noise(start, noise, rest[:1]) if begin else start * scheduler.init_noise_sigma
    samples = [sample]
    more = {"eta": eta} if name == "DDIMScheduler" else {}
    if name != "PNDMScheduler":
        more["generator"] = generator
    for timestep in rest:
        seen = scheduler.scale_model_input(sample, timestep)
        answer = torch.randn(sample.shape, generator=generator) + seen
        sample = scheduler.step(answer, timestep, sample, **more, return_dict=False)[0]
        samples.append(sample)
    config = {key: value for key, value in scheduler.config.items() if not key.startswith("_")}
    return {
        "name": name, "config": config, "steps": steps, "begin": begin, "eta": eta,
        "timesteps": [int(timestep) for timestep in scheduler.timesteps],
        "samples": [sample.flatten().tolist() for sample in samples],
    }  # fmt: skip


def prompts():
    """Return prompts of the model's own words in three languages, mixed with what a tokenizer may trip over."""
    draw = random.Random(0)
    known = json.loads((model_path() / "words.json").read_text(encoding="utf-8"))
    words, found = sorted(set(texts_in(known))), [*ODD.split("|"), "x" * 300, "猫 " * 60, "a cat, " * 40]
    while len(found) < PROMPTS:
        parts = [
            draw.choice(words) + draw.choice(["", " ", ", ", "の", "、", "  ", "!"]) for _ in range(draw.randint(1, 8))
        ]
        found.append("".join(parts).upper() if draw.random() < 0.3 else "".join(parts))
        if draw.random() < 0.2:  # any characters but surrogates
            found[-1] = "".join(
                chr(draw.choice([draw.randint(32, 0xD7FF), draw.randint(0xE000, 0x1FFFF)])) for _ in "a" * 12
            )
    return found


def texts_in(value):
    """Yield the texts in a nest of lists and dictionaries."""
    if isinstance(value, str) and value:
        yield value
    elif isinstance(value, (dict, list)):
        for part in [*value, *value.values()] if isinstance(value, dict) else value:
            yield from texts_in(part)


@pytest.mark.slow  # it may have to fetch the tokenizer first
def test_tokens(pipe, node_test, packages):
    folder = model_path() / "tokenizer"
    answers = [
        {
            "prompt": prompt,
            "tokens": pipe.tokenizer(prompt, padding="max_length", max_length=77, truncation=True).input_ids,
            "cut": words_cut(pipe, prompt),
        }
        for prompt in prompts()
    ]
    assert len(answers) == PROMPTS and any(answer["cut"] for answer in answers)
    file, config = (
        json.loads((folder / name).read_text(encoding="utf-8")) for name in ("tokenizer.json", "tokenizer_config.json")
    )
    node_test("engine_tokenizer.test.js", tokens={"file": file, "config": config, "prompts": answers})


@pytest.mark.parametrize("name", ["settings", "pipeline"])
def test_what_needs_no_python(name, node_test):
    node_test(f"engine_{name}.test.js")
