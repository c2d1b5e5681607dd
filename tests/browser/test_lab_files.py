"""What the lab writes, a PNG with its record and Python code, is what sdkit writes of the same call, and reads."""

import ast
import base64
import json
import random
import subprocess
from pathlib import Path
from shutil import which

import numpy as np
import pytest
from PIL import Image

import sdkit as sd
from sdkit.record.encoding import encode
from sdkit.record.plain_code import plain_code
from sdkit.schedulers import scheduler_named
from sdkit.words import marks_of_other_programs

BROWSER = Path(__file__).parents[2] / "browser"
BACKEND = {"provider": "wasm", "threads": 1, "version": "1.30.0"}
CASES = (
    {"prompt": 'a cat (blue), "flat" [1]: it\'s', "num_inference_steps": 1},
    {"prompt": "青い背景の猫🐱\u200d\u3000\\n", "negative_prompt": "red\nbackground", "eta": 0.5},
    {"prompt": "a house", "scheduler": "PNDMScheduler", "guidance_scale": 3, "guidance_rescale": 0.7, "width": 64},
    {"prompt": "a fox", "scheduler": "EulerAncestralDiscreteScheduler", "seed": 2**53 - 1, "height": 64, "width": 64},
    {"prompt": "a red house", "strength": 0.5, "num_inference_steps": 2, "seed": 3},
)
START = Image.linear_gradient("L").resize((128, 128)).convert("RGB")


@pytest.fixture(scope="module")
def shots(pipe, img2img):
    """Make the pictures of CASES in Python."""
    return [shot_of(case, pipe, img2img) for case in CASES]


def shot_of(case, pipe, img2img):
    settings = {"num_inference_steps": 1, "height": 128, "width": 128, **case}
    used, own = (img2img, img2img.scheduler) if "strength" in case else (pipe, pipe.scheduler)
    if "strength" in case:
        settings = {"image": START, **settings}
        del settings["height"], settings["width"]
    kind = settings.pop("scheduler", "DDIMScheduler")
    try:
        used.scheduler = own if kind == "DDIMScheduler" else scheduler_named(kind, own)
        return sd.generate(used, **settings)[0]
    finally:
        used.scheduler = own


@pytest.fixture(scope="module")
def written(shots):
    """Return what the lab's code writes of the same calls."""
    origins = [shot.origin for shot in shots]
    model = {
        "name": origins[0].model,
        "fingerprint": origins[0].fingerprint,
        "versions": origins[0].versions,
        "schedulers": {origin.scheduler: origin.scheduler_config for origin in origins},
    }
    results = [result_of(shot) for shot in shots]
    return answered("lab_texts.js", {"backend": BACKEND, "model": model, "results": results})


def answered(script, given):
    """Return what a script of browser/tests answers."""
    node = which("node") or pytest.skip("Node.js is missing, for example: apt-get install npm")
    command = [node, BROWSER / "tests" / script]
    run = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, encoding="utf-8")
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def result_of(shot):
    names = ("prompt", "seed", "num_inference_steps", "guidance_scale", "eta", "guidance_rescale", "height", "width")
    call = {name: shot.settings[name] for name in (*names, "strength") if name in shot.settings}
    call |= {"negative_prompt": shot.settings["negative_prompt"] or "", "scheduler": shot.origin.scheduler}
    if "image" in shot.settings:
        call["image"] = list(START.convert("RGBA").tobytes())
    pixels = list(shot.image.convert("RGBA").tobytes())
    return {"call": call, "width": shot.image.width, "height": shot.image.height, "pixels": pixels, "seconds": 1.5}


@pytest.mark.parametrize("number", range(len(CASES)))
def test_the_record_is_that_of_save_picture(shots, written, tmp_path, number):
    ours, theirs = tmp_path / "ours.png", tmp_path / "lab.png"
    sd.save_picture(shots[number], ours)
    theirs.write_bytes(base64.b64decode(written[number]["png"]))
    assert np.array_equal(np.asarray(Image.open(theirs)), np.asarray(shots[number].image))
    expected, found = sd.read_settings(ours), sd.read_settings(theirs)
    assert list(found["settings"]) == list(expected["settings"])
    assert without_picture(found) == without_picture(expected)
    if "image" in expected["settings"]:
        assert np.array_equal(np.asarray(found["settings"]["image"]), np.asarray(START))
    for name in ("pipeline", "model", "scheduler", "dtype", "adapters"):
        assert found["origin"][name] == expected["origin"][name], name
    assert Image.open(theirs).info["parameters"] == Image.open(ours).info["parameters"]


def without_picture(read):
    return {name: value for name, value in read["settings"].items() if name != "image"}


def test_the_record_says_that_a_browser_made_the_picture(written, tmp_path):
    path = tmp_path / "lab.png"
    path.write_bytes(base64.b64decode(written[0]["png"]))
    origin = sd.read_settings(path)["origin"]
    assert origin["device"] == "wasm" and origin["machine"]["processor"] == "WebAssembly"
    assert origin["versions"]["onnxruntime-web"] == "1.30.0" and "torch" not in origin["versions"]
    again = sd.rebuild(path)
    assert again.max_difference == 0  # its pixels were made here
    assert "a browser" in repr(again) and "device wasm -> cpu" in repr(again)


@pytest.mark.parametrize("number", range(len(CASES)))
def test_the_plain_code_is_that_of_sdkit(shots, written, number):
    assert written[number]["plain"] == plain_code(shots[number])


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_the_code_for_sdkit_makes_the_same_picture(shots, written, tmp_path, monkeypatch, number):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "picture.png").write_bytes(base64.b64decode(written[number]["png"]))
    names: dict = {}
    exec(compile(ast.parse(written[number]["sdkit"]), "code", "exec"), names)
    shot = names["shot"]
    assert np.array_equal(np.asarray(shot.image), np.asarray(shots[number].image))
    assert {**encode(shot.settings), "image": None} == {**encode(shots[number].settings), "image": None}


def test_unknown_words_and_marks_are_those_of_sdkit():
    known = sorted(sd.known_words())
    prompts = [
        "a kat on a bleu background", "a dragon and a unicorn", "青い背景のドラゴンと恐竜", "🦖 on a 🐱, x² ½",
        "Ünïcode straße 2cat cat2 123", "ひこうきぐも", "CAT a_b c_d", "", *mixed_up(known), *MARKED, *UNMARKED,
    ]  # fmt: skip
    found = answered("lab_words.js", {"known": known, "prompts": prompts})
    marks = [[mark.text for mark in marks_of_other_programs(prompt)] for prompt in prompts]
    assert [one["marks"] for one in found] == marks and all(marks[-len(MARKED) - len(UNMARKED) : -len(UNMARKED)])
    unknown = [
        {word: near for word, near in sd.unknown_words(prompt).items() if word not in of_prompt}
        for prompt, of_prompt in zip(prompts, marks)
    ]
    assert [one["unknown"] for one in found] == unknown


# One for each pattern of sdkit/words.py, and what looks like a mark and is none.
MARKED = (
    "a (cat:1.3) on blue", "(青いねこ:1.2)", "（cat：1.3）", "(cat:2)", "a ((blue)) cat", "（（青い））ねこ",
    "a ((cat):1.3)", "a (((cat", "a [red:blue:0.5] cat", "{{cat}}", "a {cat|dog}", "an __animal__", "a (blue cat)++",
    "a (cat)1.3",
    "a cat++ on blue", "🐱 ねこ--", "1.2::cat::", "cat::2 dog::1", "a <wildcard:animal>", "a cat <lora:x:1>",
    "cat, embedding:bad.pt", "a cat AND a dog, BREAK, AND_PERP", '("a", "b").and()', "a cat --ar 16:9",
)  # fmt: skip
UNMARKED = (
    "a cat (small)", "(16:9)", "(John 3:16)", "(a happy cat :3)", "SAND", "A CAT AND A DOG", '"TAKE A BREAK"',
    "🐱 (ねこ) :-)",
    "a C++ book", "a cat--a dog", "note [1]", "<blob> cat", "20+ cats", "snake__case", "a cat {sleeping}", "12:30::45",
)  # fmt: skip


def mixed_up(known):
    """Yield prompts of known words, most with a letter changed."""
    chance = random.Random(0)
    for _ in range(30):
        words = [list(chance.choice(known)) for _ in range(4)]
        for word in words[1:]:
            word[chance.randrange(len(word))] = chance.choice("abcdeあ犬竜x")
        yield chance.choice([" ", ""]).join(map("".join, words))


def test_the_parts_of_the_lab_pass_their_own_tests(node_test):
    node_test("lab.test.js")
