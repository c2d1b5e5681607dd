"""Pictures that a stranger made to do harm: each is read, or refused in our words, and does nothing else.

Nothing is downloaded, no other program is started, no other format than PNG is opened.
"""

import base64
import copy
import io
import json
import socket
import struct
import subprocess
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from sdkit import generate, model_path, read_settings, rebuild, save_picture

MISSING = object()
MOST_SECONDS = 20  # none takes more than a second or two on a quiet machine
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n"
WRONG = {"null": None, "list": [], "text": "abc", "number": 5, "table": {"a": 1}, "missing": MISSING}
CLASSES = ["FluxPipeline", "UNet2DConditionModel", "utils", "DiffusionPipeline", "__init__", "logging", "os.system"]
SETTINGS = {
    "seed": [None, -1, 2**64, 10**400, 1.5, "7", True, [1, 2], {"a": 1}, MISSING],
    "prompt": [None, 5, [], ["a", "b"], {"a": 1}, "x\0y", "\ud800", "a" * 1_000_001],
    "negative_prompt": [5, ["a"], {"png": "AAAA"}],
    "num_inference_steps": [0, 10**9, 1001, "5", None, 1e400, float("nan"), -3],
    "height": [7, 10**9, -8, 12.0, float("inf"), "64", 8192],
    "width": [4096, None, {"a": 1}],
    "guidance_scale": [float("nan"), float("inf"), -1, "x", [1], 1e308],
    "eta": [2, "x", float("nan")],
    "clip_skip": [99, -1, "x"],
    "timesteps": [[1, 2], "x", list(range(5000, 0, -1)), [1e400], [[1]]],
    "sigmas": [[1, 2], list(range(5000, 0, -1)), {"a": 1}],
    "generator_state": ["x", 5, {"tensor": "AAAA"}, {"tensor": 5}, [1, 2], {"array": "????"}],
    "generator_device": ["xyz", 5, None, "meta", "cuda:99", "x" * 1000],
    "generator": [{"a": 1}, "x"],
    "callback_on_step_end": ["os.system", {"not_recorded": "function"}, {"not_recorded": 5}, 5],
    "callback_on_step_end_tensor_inputs": ["x", [5], {"a": 1}],
    "latents": [{"tensor": "AAAA"}, {"tensor": None}, "x", [[1]], {"png": "AAAA"}],
    "prompt_embeds": [{"tensor": base64.b64encode(b"\xff" * 16).decode()}, "x"],
    "image": ["x", {"png": "AAAA"}, {"png": 5}, {"png": base64.b64encode(EPS).decode()}],
    "mask_image": [
        {"png": "AAAA", "mode": "F"}, {"pairs": [["not_recorded", 5]]}, "x",
        {"png": base64.b64encode(EPS).decode()},
    ],
    "ip_adapter_image": ["x", [{"png": "AAAA"}]],
    "cross_attention_kwargs": [{"a": 1}, "x", {"scale": 1e300}, {"a": {"b": {"c": 1}}}, {"scale": [1] * 100},
        {"pairs": [[1, 2]]}, {"pairs": [[[], 2]]}, {"pairs": {"a": 1}}, {"weights": {"pairs": [[2, 0.0]]}},
        {"maps": {"not_recorded": 5}}, {"maps": {"not_recorded": "x", "b": 1}}, {"maps": {"not_recorded": "x"}},
    ],
    "output_type": ["latent", "np", "x", 5],
    "num_images_per_prompt": [2, 1000, 0, "1"],
    "guidance_rescale": ["x", 5],
    "pipe": ["x"], "self": [1], "kwargs": [{"a": 1}], "model": ["stranger/model"], "ineffective": ["raise"],
    "return_dict": [False], "unknown_thing": [1], "__class__": ["x"],
}  # fmt: skip


def changed(record, place, value):
    """Return the text of a record with another value at a place in it."""
    record = copy.deepcopy(record)
    *above, last = place
    table = record
    for name in above:
        table = table[name]
    if value is MISSING:
        table.pop(last, None)
    else:
        table[last] = value
    return json.dumps(record)


def safetensors(header, body=b""):
    text = json.dumps(header).encode()
    return base64.b64encode(struct.pack("<Q", len(text)) + text + body).decode()


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(side):
    """Return a small PNG of a black square with very many pixels."""
    packer, row = zlib.compressobj(9), bytes(1 + side)
    packed = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def record_cases():
    """Return crafted records by name, each a function from a good record to the text of the crafted one."""
    cases = {f"root {i}": text for i, text in enumerate(["null", "[]", '"x"', "5", "{}", "true", "NaN", "{", "", "\0"])}
    cases["huge integer"] = '{"settings":{"seed":' + "9" * 5000 + '},"origin":{}}'
    cases["deep lists"] = '{"settings":{"prompt":' + "[" * 100_000 + "]" * 100_000 + '},"origin":{}}'
    cases["900 lists"] = '{"settings":{"prompt":' + "[" * 900 + "]" * 900 + '},"origin":{}}'
    cases["900 tables"] = '{"settings":' + '{"a":' * 900 + "1" + "}" * 900 + ',"origin":{}}'
    cases["many lists"] = '{"settings":{"prompt":[' + "[]," * 4_000_000 + '[]]},"origin":{}}'
    made = {name: (lambda record, text=text: text) for name, text in cases.items()}

    def case(name, place, value):
        made[name] = lambda record: changed(record, place, value)

    for name, value in WRONG.items():
        for place in (
            ("settings",), ("origin",), ("seconds",), ("stored",),
            *(("origin", part) for part in (
                "pipeline", "model", "scheduler", "versions", "machine", "device", "dtype", "attention", "state",
                "adapters", "words", "unknown",
            )),
            *(("origin", "model", part) for part in ("name", "revision", "fingerprint")),
            *(("origin", "scheduler", part) for part in ("class", "config")),
        ):  # fmt: skip
            case(f"{'.'.join(place)} {name}", place, value)
    for name in CLASSES:
        case(f"pipeline {name}", ("origin", "pipeline"), name)
        case(f"scheduler {name}", ("origin", "scheduler", "class"), name)
    for name in ("FlowMatchEulerDiscreteScheduler", "RePaintScheduler", "SchedulerMixin", "VQDiffusionScheduler"):
        case(f"scheduler {name}", ("origin", "scheduler", "class"), name)
    for name in ("torch.load", "torch.hub", "torch.int64", "torch.nope", "__class__", "torch.float32.__class__"):
        case(f"dtype {name}", ("origin", "dtype"), name)
    config = ("origin", "scheduler", "config")
    for name, value in {
        "num_train_timesteps": 3 * 10**9, "beta_start": "x", "beta_schedule": "os.system", "timestep_spacing": [1],
        "prediction_type": "x" * 10_000, "trained_betas": [[1]], "steps_offset": 10**12, "_class_name": "UNet",
        "skip_prk_steps": {"a": 1}, "beta_end": float("nan"),
    }.items():  # fmt: skip
        case(f"scheduler config {name}", (*config, name), value)
    adapter = {"tensors": "a" * 64, "strengths": {"unet": 1}, "fused": False}
    for name, value in {
        "with a path": {"../../x": adapter}, "with a hash of letters": {"x": {**adapter, "tensors": "x" * 64}},
        "with a path for a hash": {"x": {**adapter, "tensors": "/etc/passwd"}}, "with less": {"x": {"tensors": None}},
        "with more": {"x": {**adapter, "file": "x"}}, "of no number": {"x": {**adapter, "strengths": {"unet": 1e999}}},
        "of many": {f"x{i}": adapter for i in range(9000)}, "missing": {"x": adapter}, "of no name": {"": adapter},
    }.items():  # fmt: skip
        case(f"adapters {name}", ("origin", "adapters"), value)
    for name, value in {
        "with a path": {"a": "/etc/passwd"},
        "missing": {"a": "b" * 64},
        "long": {"a" * 999: None},
    }.items():
        case(f"words {name}", ("origin", "words"), value)
    case("no training steps", (*config, "num_train_timesteps"), 0)
    case("a long table of betas", (*config, "trained_betas"), [0.1] * 200_000)
    case("a very long name", ("origin", "model", "name"), "x" * 100_000)
    case("a Hub id", ("origin", "model", "name"), "stranger/model")
    case("a folder beside", ("origin", "model", "name"), "./beside")
    case("a path", ("origin", "model", "name"), "/etc/passwd")
    for name, values in SETTINGS.items():
        for number, value in enumerate(values):
            case(f"{name} {number}", ("settings", name), value)
    for name, tensor in {
        "no value": safetensors({"other": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, bytes(4)),
        "empty": safetensors({}),
        "huge": safetensors({"value": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 4]}}, bytes(4)),
        "nothing": safetensors({"value": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}}),
        "other kind": safetensors({"value": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}, bytes(4)),
    }.items():
        case(f"tensor, {name}", ("settings", "latents"), {"tensor": tensor})
        case(f"array, {name}", ("settings", "latents"), {"array": tensor})
    small = base64.b64encode(bomb(8000)).decode()
    case("a picture of 400 megapixels inside", ("settings", "image"), {"png": base64.b64encode(bomb(20_000)).decode()})
    case("ten pictures of 64 megapixels inside", ("settings", "image"), [{"png": small}] * 10)
    dot = io.BytesIO()
    Image.new("L", (8, 8)).save(dot, "PNG")
    case("many pictures inside", ("settings", "image"), [{"png": base64.b64encode(dot.getvalue()).decode()}] * 1000)
    return made


def chunks_of(data):
    """Return the chunks of a PNG as (kind, data)."""
    found, place = [], 8
    while place < len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        found.append((data[place + 4 : place + 8], data[place + 8 : place + 8 + length]))
        place += 12 + length
    return found


def joined(chunks):
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*entry) for entry in chunks)


def file_cases():
    """Return crafted files by name, each a function from the bytes of a good PNG to those of the crafted one."""

    def with_first(kind, data):
        return lambda good: joined([chunks_of(good)[0], (kind, data), *chunks_of(good)[1:]])

    def size(width, height):
        header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
        return lambda good: joined([(b"IHDR", header), *chunks_of(good)[1:]])

    made = {
        "twice the record": lambda good: joined([*chunks_of(good)[:-1], (b"tEXt", b"sdkit\0[]"), chunks_of(good)[-1]]),
        "packed blanks": with_first(b"zTXt", b"sdkit\0\0" + zlib.compress(b" " * 100_000_000)),
        "100 MB of text": with_first(b"tEXt", b"sdkit\0" + b" " * 100_000_000),
        "no pixels": lambda good: joined([entry for entry in chunks_of(good) if entry[0] != b"IDAT"]),
        "no end": lambda good: joined(chunks_of(good)[:-1]),
        "wrong sum": lambda good: good.replace(b"IDAT", b"IDAX", 1),
        "size of nothing": size(0, 0),
        "largest size": size(2**31 - 1, 2**31 - 1),
        "other size": size(64, 65),
        "400 megapixels": lambda good: bomb(20_000),
        "other format, EPS": lambda good: EPS,
    }
    for kind in ("GIF", "TIFF", "WEBP", "BMP", "JPEG", "PPM", "ICO", "TGA"):
        other = io.BytesIO()
        Image.new("RGB", (8, 8)).save(other, kind)
        made[f"other format, {kind}"] = lambda good, other=other: other.getvalue()
    for length in (0, 8, 20, 33, 100, 400, 2000):
        made[f"cut after {length}"] = lambda good, length=length: good[:length]
    return made


def line(prompt="a cat", steps="2", sampler="Euler", cfg="7", seed="1", size="64x64", more=""):
    return f"{prompt}\nSteps: {steps}, Sampler: {sampler}, CFG scale: {cfg}, Seed: {seed}, Size: {size}{more}"


FOREIGN = {
    "steps below zero": line(steps="-2"), "very many steps": line(steps="9" * 5000), "no guidance": line(cfg="nan"),
    "digits of another script": line(steps="２", cfg="７", seed="１"), "seed below zero": line(seed="-1"),
    "seed too large": line(seed=str(2**64)), "half a size": line(size="64"), "three sizes": line(size="64x64x64"),
    "no seed": "a cat\nSteps: 2, Sampler: Euler", "nothing": "", "a letter": "x", "a list": line(sampler='"[1]"'),
    "half a character": line(sampler='"\\ud800"'), "a zero": line("a\0b"), "clip skip": line(more=", Clip skip: 99"),
    "a large size": line(size="8192x8192"), "infinite strength": line(more=", Denoising strength: inf"),
    "unclosed JSON": line(more=', Civitai resources: [{"a":' + "[" * 5000),
    "JSON of another": json.dumps({"sui_image_params": 5}),
    "Fooocus": json.dumps({"version": "Fooocus v2", "steps": []}),
    "long JSON": json.dumps({"version": "Fooocus v2", "prompt": "x" * 2_000_000}),
}  # fmt: skip
OTHER_TEXTS = {
    "ComfyUI, a list": {"prompt": "[]", "workflow": "{}"},
    "ComfyUI, no JSON": {"prompt": "{", "workflow": "{"},
    "ComfyUI, a ring": {"prompt": json.dumps({str(i): {"class_type": "KSampler", "inputs": {
        "sampler_name": "euler", "steps": 2, "cfg": 1, "positive": [str((i + 1) % 50), 0]}} for i in range(50)})},
    "ComfyUI, wrong kinds": {"prompt": json.dumps({"1": {"class_type": 5, "inputs": {
        "sampler_name": [], "steps": {}, "cfg": None, "seed": "x"}}})},
    "InvokeAI, a list": {"invokeai_metadata": "[]"},
    "InvokeAI, wrong kinds": {"invokeai_metadata": json.dumps({"scheduler": [], "steps": {}, "model": 5})},
    "InvokeAI, blanks": {"Dream": '"x"' + " " * 2_000_000},
    "InvokeAI, a number": {"sd-metadata": "5"},
    "NovelAI, a list": {"Software": "NovelAI", "Comment": "[]", "Description": "x"},
    "NovelAI, blanks": {"Software": "NovelAI", "Comment": '{"sampler": "x"}', "Source": "a" + " " * 500_000 + "b"},
}  # fmt: skip
RECORDS, FILES = record_cases(), file_cases()
CASES = [
    *(("record", name) for name in RECORDS), *(("file", name) for name in FILES),
    *(("foreign", name) for name in FOREIGN), *(("texts", name) for name in OTHER_TEXTS),
]  # fmt: skip


def test_there_are_enough_cases():
    assert len(CASES) >= 300


@pytest.fixture(scope="module")
def good(pipe, tmp_path_factory):
    """Return the bytes of a good picture of ours, and its record."""
    shot = generate(pipe, "a cat", seed=1, num_inference_steps=1)[0]
    data = save_picture(shot, tmp_path_factory.mktemp("good") / "good.png").read_bytes()
    return data, json.loads(Image.open(io.BytesIO(data)).info["sdkit"])


@pytest.fixture
def crafted(good, request, tmp_path):
    """Write the file of a case."""
    kind, name = request.param
    data, record = good
    path = tmp_path / "crafted.png"
    if kind == "file":
        path.write_bytes(FILES[name](data))
        return path
    texts = {
        "record": lambda: {"sdkit": RECORDS[name](record)},
        "foreign": lambda: {"parameters": FOREIGN[name]},
        "texts": lambda: OTHER_TEXTS[name],
    }[kind]()
    info = PngInfo()
    for key, text in texts.items():
        info.add_text(key, text)
    pixels = np.asarray(Image.open(io.BytesIO(data)))
    Image.fromarray(pixels).save(path, pnginfo=info)
    return path


@pytest.fixture
def reached(monkeypatch):
    """Return a list of everything that reaches out: sockets, programs, formats."""
    found = []

    def noted(what):
        def refuse(*args, **kwargs):
            found.append((what, args))
            raise OSError(f"the test allows no {what}")

        return refuse

    monkeypatch.setattr(socket, "getaddrinfo", noted("address"))
    monkeypatch.setattr(socket.socket, "connect", noted("connection"))
    monkeypatch.setattr(subprocess, "Popen", noted("program"))
    opened = Image.open  # as it was

    def open_picture(source, mode="r", formats=None):
        if formats != ("PNG",):
            found.append(("format", formats))
        return opened(source, mode, formats)

    monkeypatch.setattr(Image, "open", open_picture)
    return found


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("crafted", CASES, ids=lambda case: f"{case[0]}: {case[1]}", indirect=True)
def test_a_crafted_picture_is_read_or_refused_in_our_words(crafted, pipe, reached):
    before = pipe.scheduler, pipe.unet
    for read in (read_settings, lambda path: rebuild(path, pipe)):
        began = time.perf_counter()
        try:
            read(crafted)
        except ValueError as error:
            assert "crafted.png" in str(error), "the message names the file"
            assert len(str(error)) < 2000
        assert time.perf_counter() - began < MOST_SECONDS
    assert reached == []
    assert (pipe.scheduler, pipe.unet) == before


# What a file names is not what is loaded.


def crafted_with(good, path, change):
    data, record = copy.deepcopy(good)
    change(record)
    info = PngInfo()
    info.add_text("sdkit", json.dumps(record))
    Image.open(io.BytesIO(data)).save(path, pnginfo=info)
    return path


@pytest.mark.parametrize("name", ["stranger/model", "./beside", "beside", "~/beside"])
def test_a_file_does_not_choose_what_is_loaded(good, reached, tmp_path, monkeypatch, name):
    (tmp_path / "beside").symlink_to(model_path())
    monkeypatch.chdir(tmp_path)
    path = crafted_with(good, tmp_path / "x.png", lambda record: record["origin"]["model"].update(name=name))
    reached.clear()  # of what the test itself has opened
    with pytest.raises(ValueError, match="a file does not choose what is loaded"):
        rebuild(path)
    assert reached == []


def test_a_folder_called_built_in_is_not_the_built_in_model(good, tmp_path, monkeypatch):
    (tmp_path / "built-in").mkdir()
    monkeypatch.chdir(tmp_path)
    path = crafted_with(good, tmp_path / "x.png", lambda record: None)
    assert rebuild(path).max_difference <= 2


def test_the_caller_allows_a_model(good, pipe, tmp_path):
    path = crafted_with(good, tmp_path / "x.png", lambda record: record["origin"]["model"].update(name="theirs"))
    assert rebuild(path, model=model_path()).max_difference <= 2
    with pytest.raises(ValueError, match="pipe and model are both given"):
        rebuild(path, pipe, model=model_path())


@pytest.mark.parametrize("how", ["built in", "pipe", "model"])
def test_the_fingerprint_is_always_asked_for(good, pipe, tmp_path, how):
    given = {"built in": {}, "pipe": {"pipe": pipe}, "model": {"model": model_path()}}[how]
    other = crafted_with(
        good, tmp_path / "x.png", lambda record: record["origin"]["model"].update(fingerprint="0" * 16)
    )
    with pytest.raises(ValueError, match="the weights differ"):
        rebuild(other, **given)
    none = crafted_with(good, tmp_path / "y.png", lambda record: record["origin"]["model"].pop("fingerprint"))
    with pytest.raises(ValueError, match="no fingerprint"):
        rebuild(none, **given)


def test_a_revision_in_a_file_is_not_asked_for(good, tmp_path, monkeypatch):
    asked = []
    load = __import__("sdkit.record.png", fromlist=["load_pipeline"]).load_pipeline
    monkeypatch.setattr("sdkit.record.png.load_pipeline", lambda *args, **options: asked.append(options) or load(*args))
    rebuild(
        crafted_with(good, tmp_path / "x.png", lambda record: record["origin"]["model"].update(revision="refs/pr/1"))
    )
    assert asked == [{}]


# Time grows with the length of a text, not with its square.

LONG = 300_000
TEXTS = {
    "one key": "a" * LONG, "blanks": "x," + " " * LONG, "colons": "a:" * LONG, "open brackets": "[" * LONG,
    "brackets and colons": "[:" * LONG, "digits": "(a:" + "1" * LONG, "quotes": '", "' * LONG, "escapes": '\\"' * LONG,
    "unclosed quotes": ', a: "' * (LONG // 6), "unclosed JSON": ", a: [{" * (LONG // 7),
    "lines": "\nSteps: 1" * (LONG // 9),
    "tags": "<a" * LONG, "blanks before commas": " ," * LONG, "JSON in quotes": ', a: {"' * (LONG // 7),
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("where", ["prompt", "settings"])
def test_long_texts_of_the_web_ui_take_little_time(tmp_path, name, where):
    text = line(prompt=TEXTS[name]) if where == "prompt" else line(more=", X: " + TEXTS[name])
    info = PngInfo()
    info.add_text("parameters", text)
    Image.new("RGB", (64, 64)).save(tmp_path / "long.png", pnginfo=info)
    began = time.process_time()
    try:
        read_settings(tmp_path / "long.png")
    except ValueError as error:
        assert "long.png" in str(error)
    assert time.process_time() - began < MOST_SECONDS


def test_paths_that_are_no_files_are_named(tmp_path):
    for path in (tmp_path, "", "a\0b", "x" * 5000, tmp_path / "no.png" / "x.png", "~nobody-here/x.png"):
        with pytest.raises(FileNotFoundError, match="there is no file"):
            read_settings(path)
    for path in (None, 5, b"x"):
        with pytest.raises(TypeError, match="give a text or a Path"):
            read_settings(path)
    assert not Path("a").exists()
