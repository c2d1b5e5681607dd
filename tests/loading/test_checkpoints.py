"""Checkpoints of Stable Diffusion v1's structure: written, loaded in every way, and refused when they are not right."""

import json
import os
import subprocess
import sys
import weakref
from collections import Counter
from dataclasses import replace
from pathlib import Path
from shutil import copytree, ignore_patterns, rmtree

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionPipeline
from safetensors.torch import load_file, save_file
from transformers import CLIPTokenizer

from sdkit import load_pipeline, plan_load
from sdkit.loading import pipeline as loading
from sdkit.loading.checkpoint import read_folder, read_header, read_single_file
from sdkit.loading.memory import FitWarning
from sdkit.loading.provenance import fingerprint, source_of
from tools import checkpoints, resolve_ids, vocabulary
from tools.checkpoints import Options, write_checkpoint, write_hub_cache

SMALL = Options(size="small")
HUB = "nobody/small"
UNET = "unet/diffusion_pytorch_model.safetensors"
FULL = {"unet": 859_520_964, "text_encoder": 123_060_480, "vae": 83_653_863, "safety_checker": 303_981_588}
GIB = 2**30
GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")


@pytest.fixture(scope="session")
def kept(tmp_path_factory):
    """Write the small set once: every kind, both precisions, shards, single files, and a Hub cache."""
    home = tmp_path_factory.mktemp("checkpoints")
    both = replace(SMALL, precision=("fp32", "fp16"), single_file=True, safety_checker=True)
    write_checkpoint(home / "sd", both)
    write_checkpoint(home / "shards", replace(SMALL, precision=("fp32", "fp16"), shard=1))
    write_checkpoint(home / "half", replace(SMALL, precision=("fp16",)))
    for kind in ("v", "turbo", "sdxl"):
        write_checkpoint(home / kind, replace(SMALL, kind=kind))
    write_checkpoint(home / "inpaint", replace(SMALL, kind="inpaint", single_file=True))
    write_hub_cache(home / "cache", HUB, both)
    write_hub_cache(home / "cache", "nobody/xl", replace(SMALL, kind="sdxl"))
    return home


@pytest.fixture
def folder(kept, tmp_path):
    """Copy the plain small checkpoint to where it can be damaged."""
    copytree(kept / "sd", tmp_path / "sd", ignore=ignore_patterns("sd-v1*"))
    return tmp_path / "sd"


def dtypes(pipe):
    """Return the number formats of all parts that have weights."""
    return {weight.dtype for part in parts_with_weights(pipe) for weight in part.parameters()}


def parts_with_weights(pipe):
    """Return all parts that have weights, the safety checker among them."""
    return [part for part in pipe.components.values() if hasattr(part, "parameters")]


def weights(pipe):
    """Return {part and name: weight} of the parts that draw."""
    parts = {"unet": pipe.unet, "vae": pipe.vae, "text_encoder": pipe.text_encoder}
    return {f"{part}.{name}": weight for part in parts for name, weight in parts[part].named_parameters()}


def picture(pipe, **arguments):
    """Return a small picture as numbers from 0 to 1."""
    call = {"num_inference_steps": 2, "output_type": "np", "generator": torch.Generator().manual_seed(3), **arguments}
    return pipe("a cat", **call).images


# --- what is written


@pytest.mark.parametrize("kind", ["sd", "inpaint"])
def test_small_and_full_differ_in_widths_alone(kind):
    numbers = {"vocab_size": 49_408, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2}
    full, small = (
        checkpoints._parts(Options(kind=kind, size=size, safety_checker=True), numbers) for size in checkpoints.SIZES
    )
    for name, part in full.items():
        assert list(part.shapes()) == list(small[name].shapes())
        assert json.loads(part.config()).keys() == json.loads(small[name].config()).keys()
    counts = {name: sum(weight.numel() for weight in part.model.parameters()) for name, part in full.items()}
    assert counts == (FULL if kind == "sd" else {**FULL, "unet": 859_535_364})


@pytest.mark.slow
def test_files_are_named_as_diffusers_names_them(kept, tmp_path):
    pipe = load_pipeline(kept / "shards")
    for variant in (None, "fp16"):
        pipe.save_pretrained(tmp_path, variant=variant, max_shard_size="1MB")
    ours, theirs = (
        Counter(path.relative_to(root).as_posix().split("-")[0] for path in root.glob("*/*safetensors*"))
        for root in (kept / "shards", tmp_path)
    )
    assert ours.keys() == theirs.keys()
    assert ours["unet/diffusion_pytorch_model"] > 5  # shards
    for path in tmp_path.glob("*/*.index*.json"):
        index = json.loads(path.read_text())["weight_map"]
        assert {name.removeprefix("text_model.") for name in index} == {
            name.removeprefix("text_model.")
            for name in json.loads((kept / "shards" / path.relative_to(tmp_path)).read_text())["weight_map"]
        }


def test_a_stopped_run_leaves_whole_files_and_is_completed(tmp_path, monkeypatch, kept):
    drawn, draw = [], checkpoints.draw

    def stops(key, shape, seed):
        drawn.append(key)
        if len(drawn) == 800:
            raise KeyboardInterrupt
        return draw(key, shape, seed)

    monkeypatch.setattr(checkpoints, "draw", stops)
    with pytest.raises(KeyboardInterrupt):
        write_checkpoint(tmp_path / "sd", SMALL)
    assert [path.name for path in (tmp_path / "sd" / "vae").iterdir()] == ["config.json"]
    assert not list(tmp_path.rglob("*.part")) and not (tmp_path / "sd" / "model_index.json").exists()
    write_checkpoint(tmp_path / "sd", SMALL)
    assert len(drawn) < 2 * 800  # the UNet's file was kept
    assert (tmp_path / "sd" / UNET).read_bytes() == (kept / "sd" / UNET).read_bytes()
    with pytest.raises(FileExistsError, match="other options"):
        write_checkpoint(tmp_path / "sd", replace(SMALL, seed=1))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").touch()
    with pytest.raises(FileExistsError, match="not empty.*thesis.txt"):
        write_checkpoint(tmp_path / "other", SMALL)


@pytest.mark.parametrize(
    "wrong", [{"kind": "sd3"}, {"size": "tiny"}, {"precision": ("int8",)}, {"kind": "sdxl"}, {"vocabulary": "words"}]
)
def test_impossible_options_are_told(wrong):
    with pytest.raises(ValueError, match="give|small"):
        Options(**wrong)


def test_the_command_line(tmp_path, capsys):
    assert checkpoints.main([str(tmp_path / "sd"), "--size", "small", "--precision", "fp16"]) == 0
    assert "GiB of weights" in capsys.readouterr().out
    assert checkpoints.main([str(tmp_path / "sd"), "--size", "small"]) == 1
    assert "other options" in capsys.readouterr().err


@pytest.mark.network
def test_the_vocabulary_is_clips(tmp_path):
    vocabulary.write_tokenizer(tmp_path)
    tokenizer = CLIPTokenizer.from_pretrained(tmp_path)
    assert tokenizer("a photo of a cat").input_ids == [49406, 320, 1125, 539, 320, 2368, 49407]
    assert len(tokenizer) == vocabulary.TOKENS and tokenizer.model_max_length == 77
    assert len(tokenizer("かわいい猫").input_ids) == 10


def test_another_vocabulary_file_is_refused(tmp_path):
    (tmp_path / vocabulary.FILE).write_bytes(b"not it")
    with pytest.raises(ValueError, match="SHA-256"):
        vocabulary.clip_vocabulary(tmp_path)


# --- what loads


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", ["sd", "sd/sd-v1.safetensors", "shards"])
def test_every_part_has_the_wanted_format(kept, name, dtype):
    assert dtypes(load_pipeline(kept / name, dtype=dtype)) == {dtype}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sd", "shards", "half"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_a_variant_says_which_files_and_dtype_what_becomes_of_them(kept, name, dtype):
    pipe = load_pipeline(kept / name, variant="fp16", dtype=dtype)
    assert dtypes(pipe) == {dtype}
    rounded = pipe.unet.conv_in.weight
    assert torch.equal(rounded.half().to(dtype), rounded)


def test_files_of_mixed_formats_become_one(kept, folder):
    """The trap: an fp16 text encoder beside fp32 parts, which plain loading leaves as it is until a call fails."""
    half = load_file(folder / "text_encoder" / "model.fp16.safetensors")
    save_file(half, folder / "text_encoder" / "model.safetensors", {"format": "pt"})
    checkpoint = read_folder(folder)
    assert checkpoint.stored["text_encoder"] == ("F16",) and checkpoint.stored["unet"] == ("F32",)
    pipe = load_pipeline(folder)
    assert dtypes(pipe) == {torch.float32}
    assert np.isfinite(picture(pipe)).all()


def test_a_safety_checker_given_as_an_object_gets_the_format(kept):
    checker = load_pipeline(kept / "sd").safety_checker
    pipe = load_pipeline(kept / "sd", dtype=torch.bfloat16, safety_checker=checker)
    assert pipe.safety_checker is checker and dtypes(pipe) == {torch.bfloat16}


def test_with_and_without_safety_checker(kept):
    with_it, without = load_pipeline(kept / "sd"), load_pipeline(kept / "sd", safety_checker=None)
    assert with_it("a cat", num_inference_steps=1).nsfw_content_detected == [False]
    assert without.safety_checker is None
    assert np.array_equal(picture(with_it), picture(without))


def test_folder_shards_and_single_file_are_one_model(kept):
    pipes = [load_pipeline(kept / name) for name in ("sd", "shards", "sd/sd-v1.safetensors")]
    assert [source_of(pipe).name for pipe in pipes] == ["sd", "shards", "sd-v1.safetensors"]
    assert len({fingerprint(pipe) for pipe in pipes}) == 1
    first, *others = [weights(pipe) for pipe in pipes]
    for other in others:
        assert other.keys() == first.keys()
        assert all(torch.equal(other[name], weight) for name, weight in first.items())


@pytest.mark.slow
@pytest.mark.parametrize("guidance_scale", [1, 7.5])
def test_pictures_of_the_same_weights_differ_only_by_where_these_lie_in_memory(kept, guidance_scale):
    """Files are mapped into memory, so their headers decide at which address a weight begins.

    torch multiplies a matrix with a single row in an order that depends on that address modulo 16 bytes:
    3e-6 was the largest difference seen, here and in 25 steps of the built-in model. Once all begin at
    multiples of 64 bytes, where torch itself puts tensors, the pictures are equal to the bit.
    """
    pipes = [load_pipeline(kept / name, safety_checker=None) for name in ("sd", "shards")]
    pipes.append(load_pipeline(kept / "sd" / "sd-v1.safetensors"))
    assert len({tuple(weight.data_ptr() % 16 for weight in weights(pipe).values()) for pipe in pipes}) > 1
    first, *others = [picture(pipe, guidance_scale=guidance_scale) for pipe in pipes]
    assert first.std() > 0.05 and np.isfinite(first).all()
    assert all(abs(first - other).max() < 1e-4 for other in others)  # a fortieth of a grey level
    for pipe in pipes:
        for weight in weights(pipe).values():
            weight.data = weight.data.clone()
    first, *others = [picture(pipe, guidance_scale=guidance_scale) for pipe in pipes]
    assert all(np.array_equal(first, other) for other in others)


def test_a_single_file_takes_its_configuration_from_elsewhere(kept, tmp_path):
    alone = tmp_path / "alone.safetensors"
    alone.write_bytes((kept / "sd" / "sd-v1.fp16.safetensors").read_bytes())
    pipe = load_pipeline(alone, config=kept / "sd")
    assert dtypes(pipe) == {torch.float32} and pipe.safety_checker is None
    hub = {"cache_dir": str(kept / "cache"), "local_files_only": True}
    assert fingerprint(load_pipeline(alone, config=HUB, **hub)) == fingerprint(pipe)


def test_old_names_of_the_vaes_attention_load(folder):
    """The VAE on the Hub is from before diffusers renamed its attention (query for to_q, and so on)."""
    path = folder / "vae" / "diffusion_pytorch_model.safetensors"
    before = fingerprint(load_pipeline(folder))
    renamed = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    tensors = load_file(path)
    for new, old in renamed.items():
        tensors = {
            name.replace(f"attentions.0.{new}.", f"attentions.0.{old}."): tensor for name, tensor in tensors.items()
        }
    save_file(tensors, path, {"format": "pt"})
    assert fingerprint(load_pipeline(folder)) == before


@pytest.mark.slow
def test_a_hub_id_loads_offline_from_the_cache(kept):
    code = f"""
import sdkit
pipe = sdkit.load_pipeline("{HUB}", safety_checker=None)
shot = sdkit.generate(pipe, "a cat", num_inference_steps=1)[0]
print(shot.origin.model, shot.origin.revision, pipe.name_or_path)
"""
    cache = {"HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(kept / "cache")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, **cache})
    assert done.returncode == 0, done.stderr
    commit = (kept / "cache" / "models--nobody--small" / "refs" / "main").read_text()
    assert done.stdout.split() == [HUB, commit, HUB]
    assert done.stderr == ""


def test_a_variant_and_a_commit_by_hub_id(kept):
    commit = (kept / "cache" / "models--nobody--small" / "refs" / "main").read_text()
    hub = {"cache_dir": str(kept / "cache"), "local_files_only": True, "variant": "fp16"}
    pipe = load_pipeline(HUB, revision=commit, dtype=torch.float16, **hub)
    assert dtypes(pipe) == {torch.float16} and source_of(pipe).revision == commit
    with pytest.raises(FileNotFoundError, match="could not load 'nobody/small'"):
        load_pipeline(HUB, revision="f" * 40, **hub)


def test_parts_without_the_variant_are_read_from_the_plain_files(folder):
    (folder / "vae" / "diffusion_pytorch_model.fp16.safetensors").unlink()
    assert read_folder(folder, "fp16").variants == {
        "unet": "fp16", "vae": None, "text_encoder": "fp16", "safety_checker": "fp16",
    }  # fmt: skip
    assert dtypes(load_pipeline(folder, variant="fp16", dtype=torch.float16)) == {torch.float16}


@pytest.mark.parametrize("kind", ["StableDiffusionImg2ImgPipeline", "StableDiffusionInpaintPipeline"])
def test_pipelines_of_the_same_parts_load_as_text_to_image(folder, kind):
    edit(folder / "model_index.json", _class_name=kind)
    assert type(load_pipeline(folder)) is StableDiffusionPipeline


def test_v_prediction_works_as_the_scheduler_says(kept):
    pipe = load_pipeline(kept / "v")
    assert pipe.scheduler.config.prediction_type == "v_prediction"
    assert not np.array_equal(picture(pipe), picture(load_pipeline(kept / "sd", safety_checker=None)))


def test_turbo_works_without_guidance_in_one_step(kept):
    pipe = load_pipeline(kept / "turbo")
    without, alone = (picture(pipe, guidance_scale=scale, num_inference_steps=1) for scale in (0, 1))
    assert np.array_equal(without, alone) and without.std() > 0.05
    assert pipe.scheduler.timesteps.tolist() == [999.0]  # trailing spacing begins at pure noise


def test_a_folder_in_a_folder(kept):
    assert source_of(load_pipeline(kept, subfolder="v")).name == "v"


@pytest.mark.slow
def test_the_arguments_that_load_the_same_again_hold_wherever_they_are_used(kept, monkeypatch, tmp_path):
    monkeypatch.chdir(kept)
    pipe = load_pipeline(Path("."), subfolder="shards", variant="fp16", dtype=torch.float16)
    single = load_pipeline("sd/sd-v1.safetensors", config="v")
    monkeypatch.chdir(tmp_path)
    assert source_of(pipe).call == {"model": str(kept.resolve()), "subfolder": "shards", "variant": "fp16"}
    again = load_pipeline(**source_of(single).call)
    assert again.scheduler.config.prediction_type == "v_prediction"
    assert fingerprint(again) == fingerprint(single)
    assert source_of(load_pipeline()).call == {"model": "built-in"}
    hub = load_pipeline(HUB, cache_dir=str(kept / "cache"), local_files_only=True)
    assert source_of(hub).call == {"model": HUB}
    own = load_pipeline(kept / "sd", safety_checker=hub.safety_checker)
    assert source_of(own).call is None


# --- what is refused, and how


def damage(path, change):
    """Rewrite a safetensors file with changed tensors."""
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path, {"format": "pt"})


def cut(path):
    path.write_bytes(path.read_bytes()[:-100])


def flip(path):
    data = bytearray(path.read_bytes())
    data[3] ^= 0x40  # in the header's length
    path.write_bytes(data)


def drop(tensors):
    del tensors["mid_block.resnets.0.conv1.weight"]


def widen(tensors):
    tensors["conv_in.weight"] = torch.zeros(16, 5, 3, 3)


def pickled(folder):
    torch.save(load_file(folder / UNET), (folder / UNET).with_suffix(".bin"))
    (folder / UNET).unlink()


def edit(path, **changes):
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


REFUSED = {
    "no unet folder": (lambda f: rmtree(f / "unet"), FileNotFoundError, "has no folder unet"),
    "no safety checker": (lambda f: rmtree(f / "safety_checker"), FileNotFoundError, "safety_checker=None"),
    "no config": (lambda f: (f / "vae" / "config.json").unlink(), FileNotFoundError, "no config.json in vae"),
    "no tokenizer": (lambda f: rmtree(f / "tokenizer"), FileNotFoundError, "has no folder tokenizer"),
    "no weights": (lambda f: [p.unlink() for p in (f / "unet").glob("*.safetensors")], FileNotFoundError, "no weights"),
    "only fp16": (lambda f: (f / UNET).unlink(), FileNotFoundError, "give variant='fp16'"),
    "part not named": (lambda f: edit(f / "model_index.json", vae=[None, None]), FileNotFoundError, "names no vae"),
    "checker alone": (lambda f: edit(f / "model_index.json", feature_extractor=[None, None]), FileNotFoundError,
                      "no feature_extractor"),
    "cut short": (lambda f: cut(f / UNET), ValueError, "damaged or cut short.*fetch it again"),
    "header flipped": (lambda f: flip(f / UNET), ValueError, "damaged or cut short"),
    "empty": (lambda f: (f / UNET).write_bytes(b""), ValueError, "damaged or cut short .0 bytes"),
    "git lfs": (lambda f: (f / UNET).write_text("version https://git-lfs.github.com/spec/v1\n"), ValueError,
                "git lfs pull"),
    "json cut": (lambda f: (f / "unet" / "config.json").write_text('{"a": '), ValueError, "config.json is damaged"),
    "tensor missing": (lambda f: damage(f / UNET, drop), ValueError, "lack 1 of the tensors.*mid_block.resnets.0"),
    "tensor of another shape": (lambda f: damage(f / UNET, widen), ValueError, "do not match its config.json"),
    "pickle": (pickled, ValueError, "is a pickle.*any code.*convert"),
    "class unknown": (lambda f: edit(f / "model_index.json", unet=["diffusers", "UNet9D"]), ValueError, "UNet9D"),
    "code of its own": (lambda f: edit(f / "model_index.json", unet=["my_unet", "Net"]), ValueError, "only classes of"),
    "another pipeline": (lambda f: edit(f / "model_index.json", _class_name="FluxPipeline"), ValueError,
                         "a checkpoint of FluxPipeline.*diffusers.FluxPipeline.from_pretrained"),
    "eight channels": (lambda f: edit(f / "unet" / "config.json", in_channels=8), ValueError, "takes 8 channels"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "error", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_right_is_told(folder, change, error, words):
    change(folder)
    with pytest.raises(error, match=words):
        load_pipeline(folder)


@pytest.mark.parametrize("variant", [None, "fp16"])
def test_a_missing_shard_is_named(kept, tmp_path, variant):
    copytree(kept / "shards", tmp_path / "sd")
    dot = "" if variant is None else ".fp16"
    (gone,) = (tmp_path / "sd" / "unet").glob(f"diffusion_pytorch_model{dot}-00002-of-*")
    gone.unlink()
    with pytest.raises(FileNotFoundError, match=f"lacks {gone.name}"):
        load_pipeline(tmp_path / "sd", variant=variant)


def test_no_flipped_bit_of_a_header_gives_other_weights_unnoticed(kept, tmp_path):
    whole = (kept / "half" / "vae" / "diffusion_pytorch_model.fp16.safetensors").read_bytes()
    length = int.from_bytes(whole[:8], "little")
    path, known = tmp_path / "vae.safetensors", None
    path.write_bytes(whole)
    known = read_header(path)
    told = 0
    for place in range(0, 8 + length, 97):
        data = bytearray(whole)
        data[place] ^= 1 << (place % 7)
        path.write_bytes(data)
        try:
            told += read_header(path) != known
        except ValueError:
            told += 1
    # What the header says besides names, formats, shapes and places (blanks, "format": "pt") does not matter.
    assert told >= 0.95 * len(range(0, 8 + length, 97))


def test_a_missing_variant_says_what_is_there(kept):
    with pytest.raises(ValueError, match="variant is 'bf16'.*the variants fp16"):
        load_pipeline(kept / "sd", variant="bf16")
    with pytest.raises(ValueError, match="variant is 'fp16'.*plain ones only"):
        load_pipeline(kept / "v", variant="fp16")


def test_other_families_are_told_with_what_loads_them(kept, tmp_path):
    with pytest.raises(ValueError, match="StableDiffusionXLPipeline.*diffusers.StableDiffusionXLPipeline"):
        load_pipeline(kept / "sdxl")
    for inpaint in (kept / "inpaint", kept / "inpaint" / "sd-v1.safetensors"):
        with pytest.raises(ValueError, match="9 channels.*inpainting.*StableDiffusionInpaintPipeline"):
            load_pipeline(inpaint)
    xl = {name.replace("cond_stage_model", "conditioner.embedders.0"): tensor
          for name, tensor in load_file(kept / "sd" / "sd-v1.safetensors").items()}  # fmt: skip
    save_file(xl, tmp_path / "xl.safetensors")
    with pytest.raises(ValueError, match="StableDiffusionXLPipeline.from_single_file"):
        load_pipeline(tmp_path / "xl.safetensors")


def test_the_hub_is_not_asked_for_gigabytes_of_another_family(kept, monkeypatch):
    monkeypatch.setattr(StableDiffusionPipeline, "download", lambda *_, **__: pytest.fail("downloaded"))
    with pytest.raises(ValueError, match="nobody/xl is a checkpoint of StableDiffusionXLPipeline"):
        load_pipeline("nobody/xl", cache_dir=str(kept / "cache"), local_files_only=True)


def test_single_files_that_are_not_whole_models(kept, tmp_path):
    tensors = load_file(kept / "sd" / "sd-v1.safetensors")
    path = tmp_path / "part.safetensors"
    save_file({"lora_unet_mid_block.alpha": torch.zeros(1)}, path)
    with pytest.raises(ValueError, match="no unet and no vae and no text_encoder.*lora_unet_mid_block"):
        load_pipeline(path, config=kept / "sd")
    save_file({name: tensor for name, tensor in tensors.items() if not name.startswith("first_stage_model.")}, path)
    with pytest.raises(ValueError, match="holds no vae"):
        load_pipeline(path, config=kept / "sd")
    save_file({name: tensor for name, tensor in tensors.items() if "text_model.encoder.layers.3" not in name}, path)
    with pytest.raises(ValueError, match="numbers of the .* that the text_encoder has"):
        load_pipeline(path, config=kept / "sd")
    cut(path)
    with pytest.raises(ValueError, match="damaged or cut short"):
        load_pipeline(path, config=kept / "sd")


def test_a_single_file_with_the_configuration_of_another_model(kept, tmp_path):
    copytree(kept / "sd", tmp_path / "sd")
    edit(tmp_path / "sd" / "unet" / "config.json", block_out_channels=[32, 64, 128, 128])
    with pytest.raises(ValueError, match="does not match its configurations.*Give config="):
        load_pipeline(kept / "sd" / "sd-v1.safetensors", config=tmp_path / "sd")


def test_a_single_file_alone_needs_a_configuration(kept, tmp_path):
    alone = tmp_path / "alone.safetensors"
    alone.write_bytes((kept / "sd" / "sd-v1.safetensors").read_bytes())
    with pytest.raises(FileNotFoundError, match="no configurations and no tokenizer.*Give config="):
        load_pipeline(alone, cache_dir=str(tmp_path), local_files_only=True)
    with pytest.raises(FileNotFoundError, match="without model_index.json"):
        load_pipeline(alone, config=tmp_path)


@pytest.mark.parametrize("name", ["model.ckpt", "model.pt", "model.pth", "model.pkl", "pytorch_model.bin"])
def test_pickles_are_refused_unread(tmp_path, name):
    (tmp_path / name).write_bytes(b"never opened")
    with pytest.raises(ValueError, match="is a pickle, not safetensors.*save_pretrained"):
        load_pipeline(tmp_path / name)


def test_arguments_that_would_be_ignored_are_told(kept, tmp_path):
    single = kept / "sd" / "sd-v1.safetensors"
    for wrong in ({"variant": "fp16"}, {"revision": "main"}):
        with pytest.raises(ValueError, match="is one file"):
            load_pipeline(single, **wrong)
    with pytest.raises(ValueError, match="configurations of its own"):
        load_pipeline(kept / "sd", config=kept / "v")
    with pytest.raises(ValueError, match="subfolder is one of a folder"):
        load_pipeline(HUB, subfolder="unet", cache_dir=str(kept / "cache"), local_files_only=True)
    with pytest.raises(FileNotFoundError, match="no file"):
        load_pipeline("owner/model.safetensors")
    (tmp_path / "notes.txt").touch()
    with pytest.raises(ValueError, match="no checkpoint"):
        load_pipeline(tmp_path / "notes.txt")
    with pytest.raises(ValueError, match="torch.float16"):
        load_pipeline(dtype=torch.int8)


def test_a_partial_download_is_told(kept, tmp_path):
    copytree(kept / "cache", tmp_path / "cache")
    (snapshot,) = (tmp_path / "cache" / "models--nobody--small" / "snapshots").iterdir()
    rmtree(snapshot / "vae")
    with pytest.raises(FileNotFoundError, match="has no folder vae.*part is missing"):
        load_pipeline(HUB, cache_dir=str(tmp_path / "cache"), local_files_only=True)


# --- memory


def test_plan_load_reads_sizes_and_loads_nothing(kept, monkeypatch):
    for name in ("load_folder", "load_single_file"):
        monkeypatch.setattr(loading, name, lambda *_: pytest.fail("loaded"))
    plan = plan_load(kept / "sd", dtype=torch.float16)
    parts = dict(read_folder(kept / "sd").numbers)
    assert plan.parts == {name: 2 * count for name, count in parts.items()} and "safety_checker" in parts
    assert "fits" in repr(plan) and "64x64" in repr(plan)
    single = plan_load(kept / "sd" / "sd-v1.safetensors")
    assert single.parts == {name: 4 * parts[name] for name in ("unet", "vae", "text_encoder")}
    assert plan_load(kept / "sd", safety_checker=None).weights < plan_load(kept / "sd").weights
    assert plan_load(HUB, cache_dir=str(kept / "cache")).model == HUB
    with pytest.raises(FileNotFoundError, match="the Hub was not asked"):
        plan_load("nobody/nothing", cache_dir=str(kept / "cache"))


def test_the_plan_counts_what_is_loaded(kept):
    for name in ("sd", "shards", "sd/sd-v1.safetensors"):
        plan, pipe = plan_load(kept / name), load_pipeline(kept / name)
        loaded = [weight for part in parts_with_weights(pipe) for weight in part.parameters()]
        assert plan.weights == sum(weight.nbytes for weight in loaded)
    assert read_single_file(kept / "sd" / "sd-v1.safetensors").width == 32


def test_loading_what_cannot_fit_raises_before_it_loads(kept, monkeypatch):
    monkeypatch.setattr(loading, "free_ram", lambda: 10_000_000)
    with pytest.raises(MemoryError, match="sd does not fit: 21 MiB of weights as float32.*To help:"):
        load_pipeline(kept / "sd")


def test_a_tight_fit_is_warned_of(kept, monkeypatch):
    plan = plan_load(kept / "v")
    monkeypatch.setattr(loading, "free_ram", lambda: plan.weights + plan.work // 2)
    with pytest.warns(FitWarning, match="v: the weights fit, but"):
        load_pipeline(kept / "v")


def test_a_pipeline_is_freed_when_its_name_is_bound_anew(kept):
    pipe = load_pipeline(kept / "sd", safety_checker=None)
    picture(pipe)
    fingerprint(pipe)
    watched = [weakref.ref(pipe), *(weakref.ref(part) for part in (pipe.unet, pipe.vae, pipe.text_encoder))]
    watched += [weakref.ref(weight) for weight in pipe.unet.parameters()]
    held = loading._held("cpu")
    pipe = load_pipeline(kept / "v")
    assert all(reference() is None for reference in watched)
    assert loading._held("cpu") <= held
    size = plan_load(kept / "v").weights
    before = loading._held("cpu")
    del pipe
    assert before - loading._held("cpu") == size


def test_weights_that_are_offloaded_by_layers_keep_their_fingerprint(kept):
    pipe = load_pipeline(kept / "v")
    known = fingerprint(pipe)
    pipe.to("meta")  # where sequential offloading leaves them between calls
    assert fingerprint(pipe) == known


@GPU
@pytest.mark.parametrize("offload", ["model", "sequential"])
def test_offloading_changes_no_picture(kept, monkeypatch, offload):
    whole = load_pipeline(kept / "v", device="cuda")
    assert dtypes(whole) == {torch.float16}
    plan = plan_load(kept / "v", device="cuda")
    largest = max(plan.parts.values())
    room = {"model": largest, "sequential": largest // 4}[offload] + plan.work
    monkeypatch.setattr(loading, "free_gpu", lambda _: room)
    with pytest.warns(FitWarning, match="only while it works"):
        pipe = load_pipeline(kept / "v", device="cuda")
    assert plan_load(kept / "v", device="cuda").offload == offload
    assert np.allclose(picture(pipe), picture(whole), atol=1 / 255)


# --- the ids that are offered


def test_the_offered_ids_are_found():
    found = resolve_ids.model_ids()
    assert found["stable-diffusion-v1-5/stable-diffusion-v1-5"][0] == "README.md"
    assert any("notebooks/en" in file for file in found["stable-diffusion-v1-5/stable-diffusion-inpainting"])
    assert not any(name.startswith(("owner/", "nobody/")) for name in found)


def test_a_dead_id_and_a_missing_network_are_told_apart(monkeypatch, capsys):
    states = {"nobody/alive": resolve_ids.ALIVE, "nobody/dead": resolve_ids.DEAD}
    monkeypatch.setattr(resolve_ids, "state_of", states.__getitem__)
    assert resolve_ids.main(["nobody/alive"]) == 0
    assert resolve_ids.main(["nobody/alive", "nobody/dead"]) == 1
    assert "nobody/dead: dead" in capsys.readouterr().out

    def unreachable(name):
        raise ConnectionError("no route")

    monkeypatch.setattr(resolve_ids, "state_of", unreachable)
    assert resolve_ids.main(["nobody/alive"]) == 2
    assert "No network" in capsys.readouterr().err


@pytest.mark.network
def test_the_offered_ids_are_alive():
    assert resolve_ids.main([]) == 0
    assert resolve_ids.state_of("nobody-has-this-name-7c1f/nor-this") == resolve_ids.DEAD


# --- the full size

DRAW = """
import json, resource, sys, time
import torch
from sdkit import generate, load_pipeline, plan_load

began = time.perf_counter()
plan = plan_load(sys.argv[1], device="cpu", variant="fp16", dtype=torch.float32)
print(plan, file=sys.stderr)
pipe = load_pipeline(sys.argv[1], device="cpu", variant="fp16", dtype=torch.float32)
unit = 1 if sys.platform == "darwin" else 1024
peaks = [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit]
loaded = time.perf_counter()
shot = generate(pipe, "a photo of a cat", seed=0, num_inference_steps=2)[0]
peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)
low, high = shot.image.convert("L").getextrema()
print(json.dumps({
    "fits": bool(plan), "weights": plan.weights, "work": plan.work, "peak_loading": peaks[0], "peak": peaks[1],
    "load_seconds": loaded - began, "picture_seconds": time.perf_counter() - loaded, "size": shot.image.size,
    "range": high - low,
}))
"""


@pytest.mark.slow
@pytest.mark.network  # for the vocabulary
def test_the_full_size_makes_a_picture_within_24_gib(tmp_path, capsys):
    """Needs 3 GB of disk and CLIP's vocabulary; half-precision files, loaded in both formats."""
    folder = write_checkpoint(tmp_path / "sd", Options(precision=("fp16",), safety_checker=True))
    pipe = load_pipeline(folder, device="cpu", variant="fp16", dtype=torch.float16)
    counts = {name: sum(weight.numel() for weight in getattr(pipe, name).parameters()) for name in FULL}
    assert counts == FULL and dtypes(pipe) == {torch.float16}
    assert all(torch.isfinite(weight).all() for weight in pipe.unet.parameters())
    assert len(pipe.tokenizer) == 49_408
    del pipe
    done = subprocess.run([sys.executable, "-c", DRAW, str(folder)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    with capsys.disabled():
        print(f"\n{done.stderr}")
        for name, value in found.items():
            in_bytes = isinstance(value, int) and value > 1e6
            print(f"{name:<16}{f'{value / GIB:.2f} GiB' if in_bytes else value}")
    assert found["size"] == [512, 512] and found["range"] > 10
    assert found["peak"] < 24 * GIB
    assert found["weights"] == 4 * sum(FULL.values())
