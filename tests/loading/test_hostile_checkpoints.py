"""Folders that a stranger may have made: each is refused in our words, and none runs code, asks, or downloads.

Every case damages a copy of the built-in model's folder. What the copies would run writes a file, so that it shows.
"""

import builtins
import json
import os
import pickle
import shutil
import socket
import sys
import threading
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

import huggingface_hub
import pytest
import torch
from diffusers import StableDiffusionPipeline
from safetensors.torch import load_file, save_file

import sdkit
from sdkit import load_pipeline, model_path, plan_load
from sdkit.loading.locate import HUB_SECONDS
from sdkit.loading.parts import ALLOWED
from sdkit.loading.pipeline import is_loaded_from
from sdkit.sweeping.variants import Parts, Variants
from tools.checkpoints import Options, write_checkpoint, write_hub_cache

INDEX = "model_index.json"
UNET, UNET_CONFIG = "unet/diffusion_pytorch_model.safetensors", "unet/config.json"
VAE, TEXT = "vae/config.json", "text_encoder/config.json"
SCHEDULER, TOKENIZER = "scheduler/scheduler_config.json", "tokenizer/tokenizer_config.json"
SHARDS = "unet/diffusion_pytorch_model.safetensors.index.json"
SECONDS = 20  # far more than any case takes, far less than what the giant ones took


@dataclass(frozen=True)
class Home:
    """Where copies are made; `evil` writes the file `mark` when it is imported."""

    path: Path

    @property
    def mark(self):
        return self.path / "mark"

    @property
    def evil(self):
        return (
            f"import pathlib; pathlib.Path({str(self.mark)!r}).write_text('x')\n"
            "from diffusers import PNDMScheduler, StableDiffusionPipeline, UNet2DConditionModel\n"
            "from transformers import CLIPTextModel, CLIPTokenizer\n"
            "class Evil(PNDMScheduler): pass\n"
            "class EvilTokenizer(CLIPTokenizer): pass\n"
            "class EvilUNet(UNet2DConditionModel): pass\n"
            "class EvilPipeline(StableDiffusionPipeline): pass\n"
        )

    def copy(self, name="model"):
        """Return a copy of the built-in model's folder."""
        folder = self.path / name
        for part in ("scheduler", "text_encoder", "tokenizer", "unet", "vae"):
            shutil.copytree(model_path() / part, folder / part)
        shutil.copy(model_path() / INDEX, folder / INDEX)
        return folder

    def pickle(self, path):
        """Write a pickle that leaves the mark once it is opened."""
        path.write_bytes(pickle.dumps(_Touch(str(self.mark))))


class _Touch:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Give a place whose evil.py lies on the path as beside a notebook; nothing there may run, ask or download."""

    def refuse(*_, **__):
        raise AssertionError("a stranger's file reached out")

    found = Home(tmp_path)
    (tmp_path / "evil.py").write_text(found.evil)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(builtins, "input", refuse)
    yield found
    assert not found.mark.exists(), "code of a stranger ran"
    assert "evil" not in sys.modules


def edit(name, **changes):
    """Return a change of a file in a folder: a table with other values."""

    def change(folder, home):
        path = folder / name
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return change


def write(name, text):
    """Return a change of a folder: a file with another content."""
    return lambda folder, home: (folder / name).write_text(text)


def code_in(part, *changes):
    """Return changes of a folder after code was put into a part's folder."""

    def change(folder, home):
        (folder / part).mkdir(exist_ok=True)
        (folder / part / "evil.py").write_text(home.evil)
        for inner in changes:
            inner(folder, home)

    return change


def declared_as_model(part, library, kind, config, weights):
    """Return a change of a folder: a part without weights is said to be a model, and its weights are a pickle."""

    def change(folder, home):
        (folder / part).mkdir(exist_ok=True)
        (folder / part / "preprocessor_config.json").write_text("{}")
        shutil.copy(folder / config, folder / part / "config.json")
        home.pickle(folder / part / weights)
        edit(INDEX, **{part: [library, kind]})(folder, home)

    return change


def without_unet(then):
    """Return a change of a folder: the UNet's weights are taken away, and something else is put there."""

    def change(folder, home):
        (folder / UNET).unlink()
        then(folder, home)

    return change


def tensors(change_of):
    """Return a change of a folder: other tensors in the UNet's file."""

    def change(folder, home):
        save_file(change_of(load_file(folder / UNET)), folder / UNET)

    return change


def tokens_beyond(folder, home):
    for name in ("tokenizer.json", "vocab.json"):
        path = folder / "tokenizer" / name
        content = json.loads(path.read_text())
        vocabulary = content["model"]["vocab"] if name == "tokenizer.json" else content
        for word in list(vocabulary)[300:]:
            vocabulary[word] += 10**5
        path.write_text(json.dumps(content))


def index_of_pickle(folder, home):
    home.pickle(folder / "unet" / "x.bin")
    write(SHARDS, json.dumps({"weight_map": {"a": "x.bin"}}))(folder, home)


CASES = {
    "scheduler's code": code_in("scheduler", edit(INDEX, scheduler=["evil", "Evil"])),
    "scheduler beside the notebook": edit(INDEX, scheduler=["evil", "Evil"]),
    "tokenizer's code": code_in("tokenizer", edit(INDEX, tokenizer=["evil", "EvilTokenizer"])),
    "tokenizer beside the notebook": edit(INDEX, tokenizer=["evil", "EvilTokenizer"]),
    "tokenizer's auto map": code_in(
        "tokenizer", edit(TOKENIZER, auto_map={"AutoTokenizer": ["evil.EvilTokenizer", None]})
    ),
    "automatic tokenizer": code_in("tokenizer", edit(INDEX, tokenizer=["transformers", "AutoTokenizer"])),
    "text encoder's auto map": code_in("text_encoder", edit(TEXT, auto_map={"AutoModel": "evil.Evil"})),
    "automatic text encoder": code_in(
        "text_encoder",
        edit(INDEX, text_encoder=["transformers", "AutoModel"]),
        edit(TEXT, auto_map={"AutoModel": "evil.Evil", "AutoConfig": "evil.Evil"}, model_type="evil"),
    ),
    "scheduler's auto map": code_in("scheduler", edit(SCHEDULER, auto_map={"AutoModel": "evil.Evil"})),
    "unet's auto map": code_in("unet", edit(UNET_CONFIG, auto_map={"AutoModel": "evil.EvilUNet"})),
    "automatic unet": code_in("unet", edit(INDEX, unet=["diffusers", "AutoModel"])),
    "unet is a pipeline": code_in("unet", edit(INDEX, unet=["diffusers", "DiffusionPipeline"])),
    "unet's code": code_in("unet", edit(INDEX, unet=["evil", "EvilUNet"])),
    "pipeline's code": code_in("unet", edit(INDEX, _class_name=["evil", "EvilPipeline"])),
    "os.system": edit(INDEX, scheduler=["os", "system"]),
    "torch.load": edit(INDEX, scheduler=["torch", "load"]),
    "library by path": edit(INDEX, scheduler=["../evil", "Evil"]),
    "scheduler is a pipeline": edit(INDEX, scheduler=["stable_diffusion", "StableDiffusionPipeline"]),
    "scheduler is a unet": edit(INDEX, scheduler=["diffusers", "UNet2DConditionModel"]),
    "scheduler is a module": edit(INDEX, scheduler=["diffusers", "schedulers"]),
    "scheduler unknown": edit(INDEX, scheduler=["diffusers", "EvilScheduler"]),
    "a part more": code_in("extra", edit(INDEX, extra=["evil", "Evil"])),
    "text encoder of another kind": edit(INDEX, text_encoder=["transformers", "T5EncoderModel"]),
    "kernel of the Hub": edit(TEXT, attn_implementation="nobody/kernel"),
    "quantized": edit(UNET_CONFIG, quantization_config={"quant_method": "bitsandbytes"}),
    "tokenizer's files elsewhere": edit(TOKENIZER, vocab_file="/etc/passwd"),
    "feature extractor is a text encoder": declared_as_model(
        "feature_extractor", "transformers", "CLIPTextModel", TEXT, "pytorch_model.bin"
    ),
    "feature extractor is a unet": declared_as_model(
        "feature_extractor", "diffusers", "UNet2DConditionModel", UNET_CONFIG, "diffusion_pytorch_model.bin"
    ),
    "tokenizer is a text encoder": declared_as_model(
        "tokenizer", "transformers", "CLIPTextModel", TEXT, "pytorch_model.bin"
    ),
    "scheduler is a pickled unet": declared_as_model(
        "scheduler", "diffusers", "UNet2DConditionModel", UNET_CONFIG, "diffusion_pytorch_model.bin"
    ),
    "pickle only": without_unet(lambda folder, home: home.pickle((folder / UNET).with_suffix(".bin"))),
    "pickle renamed": without_unet(lambda folder, home: home.pickle(folder / UNET)),
    "pickle in an index": without_unet(index_of_pickle),
    "adapter with a pickle": write("text_encoder/adapter_config.json", '{"base_model_name_or_path": "nobody/x"}'),
    "shard outside": write(SHARDS, '{"weight_map": {"a": "../../outside.safetensors"}}'),
    "shard of the system": write(SHARDS, '{"weight_map": {"a": "/etc/passwd"}}'),
    "no shards": write(SHARDS, "{}"),
    "link to the system": without_unet(lambda folder, home: (folder / UNET).symlink_to("/etc/passwd")),
    "link to itself": without_unet(lambda folder, home: (folder / UNET).symlink_to(folder / UNET)),
    "pipe for weights": without_unet(lambda folder, home: os.mkfifo(folder / UNET)),
    "folder for weights": without_unet(lambda folder, home: (folder / UNET).mkdir()),
    "pipe for a configuration": lambda folder, home: ((folder / VAE).unlink(), os.mkfifo(folder / VAE)),
    "three words": edit(INDEX, unet=["diffusers", "UNet2DConditionModel", "x"]),
    "one word": edit(INDEX, unet=["diffusers"]),
    "deep index": write(INDEX, "[" * 100_000 + "]" * 100_000),
    "deep configuration": write(UNET_CONFIG, '{"a": ' * 50 + "1" + "}" * 50),
    "long configuration": write(UNET_CONFIG, '{"a": "' + "x" * 20_000_000 + '"}'),
    "number of many digits": write(UNET_CONFIG, '{"in_channels": ' + "9" * 10_000 + "}"),
    "mark of byte order": write(INDEX, "\ufeff{}"),
    "not UTF-8": lambda folder, home: (folder / UNET_CONFIG).write_bytes(b'{"a": "\xff"}'),
    "huge side": edit(UNET_CONFIG, sample_size=10**9),
    "negative side": edit(UNET_CONFIG, sample_size=-16),
    "sides of zero": edit(UNET_CONFIG, sample_size=[0, 0]),
    "wide unet": edit(UNET_CONFIG, block_out_channels=[32_000] * 3),
    "wide vae": edit(VAE, block_out_channels=[32_000] * 3),
    "many blocks": edit(UNET_CONFIG, block_out_channels=[64] * 10_000),
    "many layers in a block": edit(UNET_CONFIG, layers_per_block=10**6),
    "many transformers in a block": edit(UNET_CONFIG, transformer_layers_per_block=[[10**6]]),
    "many classes": edit(UNET_CONFIG, num_class_embeds=10**6),
    "large vocabulary": edit(TEXT, vocab_size=10**9),
    "vocabulary twice too large": edit(TEXT, vocab_size=10**6),
    "many layers": edit(TEXT, num_hidden_layers=10**6),
    "long texts": edit(TEXT, max_position_embeddings=10**6),
    "number as text": edit(TEXT, hidden_size="128"),
    "heads that do not divide": edit(TEXT, num_attention_heads=7),
    "no heads": edit(TEXT, num_attention_heads=0),
    "blocks of an unknown kind": edit(UNET_CONFIG, down_block_types=["Evil"] * 3),
    "blocks of fewer kinds": edit(UNET_CONFIG, down_block_types=["DownBlock2D"]),
    "unknown activation": edit(UNET_CONFIG, act_fn="evil"),
    "no number": write(SCHEDULER, '{"beta_start": NaN}'),
    "many training steps": edit(SCHEDULER, num_train_timesteps=3 * 10**9),
    "no training steps": edit(SCHEDULER, num_train_timesteps=0),
    "training steps as text": edit(SCHEDULER, num_train_timesteps="1000"),
    "unknown noise levels": edit(SCHEDULER, beta_schedule="evil"),
    "noise levels as text": edit(SCHEDULER, beta_start="0.1"),
    "texts without end": edit(TOKENIZER, model_max_length=10**30),
    "texts of 500 tokens": edit(TOKENIZER, model_max_length=500),
    "texts of no tokens": edit(TOKENIZER, model_max_length=0),
    "tokens beyond the text encoder": tokens_beyond,
    "tokenizer file damaged": write("tokenizer/tokenizer.json", '{"model": 3}'),
    "another shape": tensors(lambda found: {**found, "conv_in.weight": torch.zeros(3, 3)}),
    "whole numbers": tensors(lambda found: {name: tensor.to(torch.int32) for name, tensor in found.items()}),
    "no tensors": tensors(lambda found: {}),
    "other tensors": tensors(lambda found: {f"x.{name}": tensor for name, tensor in found.items()}),
}
WRONG_TYPES = {"null": None, "list": [], "text": "x", "number": -5}
for _kind, _value in WRONG_TYPES.items():
    for _file in (INDEX, UNET_CONFIG, VAE, TEXT, SCHEDULER, TOKENIZER):
        CASES[f"{_file} is {_kind}"] = write(_file, json.dumps(_value))
    CASES[f"unet is {_kind}"] = edit(INDEX, unet=_value)
    CASES[f"safety checker is {_kind}"] = edit(INDEX, safety_checker=_value)
    CASES[f"library is {_kind}"] = edit(INDEX, unet=[_value, "UNet2DConditionModel"])
    CASES[f"class is {_kind}"] = edit(INDEX, unet=["diffusers", _value])
    CASES[f"side is {_kind}"] = edit(UNET_CONFIG, sample_size=_value)
    CASES[f"widths are {_kind}"] = edit(VAE, block_out_channels=_value)
    CASES[f"channels are {_kind}"] = edit(UNET_CONFIG, in_channels=_value)
    CASES[f"shards are {_kind}"] = write(SHARDS, json.dumps({"weight_map": _value}))
# Told by the loaders once they open the files.
LATE = ("another shape", "other tensors")


def test_sides_that_are_no_multiples_of_8_are_named(home):
    folder = home.copy()
    blocks = {"down_block_types": ["DownEncoderBlock2D"] * 3, "up_block_types": ["UpDecoderBlock2D"] * 3}
    edit(VAE, block_out_channels=[32, 64, 128], **blocks)(folder, home)  # a VAE of factor 4
    edit(UNET_CONFIG, sample_size=5)(folder, home)
    with pytest.raises(ValueError, match="makes pictures of 20 pixels; Stable Diffusion's sides are multiples of 8"):
        plan_load(folder)


def test_there_are_many_cases():
    assert len(CASES) >= 95


@pytest.mark.parametrize("case", CASES)
def test_a_hostile_folder_is_refused_in_our_words(home, case):
    folder = home.copy()
    CASES[case](folder, home)
    began = time.monotonic()
    for load in (load_pipeline,) if case in LATE else (plan_load, load_pipeline):
        with pytest.raises((ValueError, FileNotFoundError)) as caught:
            load(folder)
        last = traceback.extract_tb(caught.value.__traceback__)[-1]
        assert Path(last.filename).is_relative_to(Path(sdkit.__file__).parent) and last.line.startswith("raise")
        assert str(folder) in str(caught.value)
        assert len(str(caught.value)) < 1000
    assert time.monotonic() - began < SECONDS


@pytest.mark.parametrize(
    "change",
    [
        lambda folder, home: (folder / "pipeline.py").write_text(home.evil),
        lambda folder, home: home.pickle((folder / UNET).with_suffix(".bin")),
        edit(SCHEDULER, _class_name="Evil"),
    ],
    ids=["pipeline.py", "pickle beside", "class in the configuration"],
)
def test_what_is_not_asked_for_is_not_opened(home, change):
    folder = home.copy()
    change(folder, home)
    assert type(load_pipeline(folder)).__name__ == "StableDiffusionPipeline"


@pytest.fixture(scope="module")
def single(tmp_path_factory):
    """Write a small model as a folder with a single file in it."""
    folder = tmp_path_factory.mktemp("single") / "sd"
    write_checkpoint(folder, Options(size="small", single_file=True))
    return folder


@pytest.mark.parametrize("place", ["in its folder", "config="])
@pytest.mark.parametrize(
    "change",
    [
        edit(INDEX, scheduler=["evil", "Evil"]),
        edit(INDEX, tokenizer=["evil", "EvilTokenizer"]),
        code_in("scheduler", edit(INDEX, scheduler=["evil", "Evil"])),
        code_in("tokenizer", edit(TOKENIZER, auto_map={"AutoTokenizer": ["evil.EvilTokenizer", None]})),
        edit(INDEX, _class_name=["evil", "EvilPipeline"]),
        edit(INDEX, _class_name="FluxPipeline"),
        write(INDEX, "[]"),
        edit(TEXT, num_hidden_layers=10**6),
        edit(UNET_CONFIG, block_out_channels=[32_000] * 4),
        edit(SCHEDULER, num_train_timesteps=3 * 10**9),
    ],
)
def test_the_configurations_of_a_single_file_choose_nothing(home, single, place, change):
    folder = home.path / "sd"
    shutil.copytree(single, folder)
    change(folder, home)
    arguments = {"model": folder / "sd-v1.safetensors"}
    if place == "config=":
        arguments = {"model": single / "sd-v1.safetensors", "config": folder}
    for load in (plan_load, load_pipeline):
        with pytest.raises(ValueError, match=str(folder)):
            load(**arguments)


# --- the Hub, which nothing here can reach


@pytest.fixture
def hub(home):
    """Write a cache of the Hub with a small model; return the folder and its model_index.json."""
    cache = home.path / "cache"
    write_hub_cache(cache, "nobody/small", Options(size="small"))
    (index,) = cache.rglob(INDEX)
    return cache, index


def test_the_hubs_files_are_not_fetched_for_a_hostile_index(hub, home, single, monkeypatch):
    cache, index = hub
    text = json.dumps({**json.loads(index.read_text()), "scheduler": ["evil", "Evil"]})
    index.unlink()
    index.write_text(text)
    monkeypatch.setattr(StableDiffusionPipeline, "download", lambda *_, **__: pytest.fail("downloaded"))
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *_, **__: pytest.fail("downloaded"))
    hostile = {"model": "nobody/small"}, {"model": single / "sd-v1.safetensors", "config": "nobody/small"}
    for arguments in hostile:
        with pytest.raises(ValueError, match="nobody/small has a scheduler .* of 'evil'"):
            load_pipeline(**arguments, cache_dir=str(cache), local_files_only=True)


def test_without_network_the_cache_is_used_after_one_try(hub):
    began = time.monotonic()
    pipe = load_pipeline("nobody/small", cache_dir=str(hub[0]))
    assert pipe.name_or_path == "nobody/small"
    assert is_loaded_from(pipe, "nobody/small") and not is_loaded_from(pipe, "nobody/other")
    assert time.monotonic() - began < SECONDS  # six tries took 23 s


@pytest.mark.parametrize("name", ["stable-diffusion-v1-5", "stable-diffusion-inpainting"])
def test_a_vanished_repository_leads_to_its_successor(home, name):
    began = time.monotonic()
    words = f"cannot be reached.*was removed; the same model is now stable-diffusion-v1-5/{name}. Check the name"
    with pytest.raises(FileNotFoundError, match=words):
        load_pipeline(f"runwayml/{name}", cache_dir=str(home.path))
    assert time.monotonic() - began < SECONDS


@pytest.mark.parametrize("network", ["none", "a firewall that drops packets"])
def test_without_network_one_sentence_says_so_in_three_seconds(home, network, monkeypatch):
    released = threading.Event()
    if network != "none":
        monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", lambda *_, **__: released.wait(30))
    began = time.monotonic()
    with pytest.raises(FileNotFoundError) as caught:
        load_pipeline("nobody/nothing", cache_dir=str(home.path))
    released.set()
    assert time.monotonic() - began < HUB_SECONDS + 1
    assert str(caught.value) == (
        "could not load 'nobody/nothing': a part is not in the local cache, and the Hub cannot be reached from here. "
        'Check the name and the network, or use load_pipeline("built-in"), which needs neither.'
    )
    assert caught.value.__suppress_context__ and caught.value.__cause__ is None


def test_a_part_that_is_left_out_still_has_the_form_of_one(home):
    folder = home.copy()
    edit(INDEX, safety_checker=None)(folder, home)
    with pytest.raises(ValueError, match="names None as its safety_checker"):
        load_pipeline(folder, safety_checker=None)


def test_loading_draws_nothing_from_the_global_generator():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    load_pipeline()
    assert torch.equal(before, torch.get_rng_state())


def test_the_table_names_all_parts_of_the_pipeline(pipe):
    assert ALLOWED.keys() == pipe.components.keys() | {"feature_extractor", "safety_checker", "image_encoder"}


# --- models of one name in several places


def test_a_folder_is_known_by_where_it_is(home, monkeypatch):
    here, there, named = home.copy("A/mine"), home.copy("B/mine"), home.copy("C/built-in")
    save_file({name: 2 * tensor for name, tensor in load_file(there / UNET).items()}, there / UNET)
    monkeypatch.chdir(home.path / "B")
    pipe = load_pipeline(here)
    assert is_loaded_from(pipe, here) and is_loaded_from(pipe, "../A/mine") and not is_loaded_from(pipe, "mine")
    swept = Variants(pipe)[Parts(model="mine")]
    assert torch.equal(swept.unet.conv_in.bias, 2 * pipe.unet.conv_in.bias)
    monkeypatch.chdir(home.path)
    assert is_loaded_from(pipe, "mine")  # nothing else has that name here
    other, built_in = load_pipeline(named), load_pipeline()
    assert not is_loaded_from(other, "built-in") and is_loaded_from(other, named)
    assert is_loaded_from(built_in, "built-in") and is_loaded_from(built_in, model_path())
    assert not is_loaded_from(built_in, named)


def test_a_folder_called_like_the_built_in_model_is_not_recorded_as_it(home):
    from sdkit import generate

    other = generate(load_pipeline(home.copy("built-in")), "a cat", num_inference_steps=1)[0]
    by_path = generate(load_pipeline(model_path()), "a cat", num_inference_steps=1)[0]
    assert (other.origin.model, by_path.origin.model) == ("./built-in", "built-in")
