"""Pictures made with adapters and added words, made again: from the pipeline that has them, or from their files."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from safetensors.torch import load_file, save_file

import sdkit
from sdkit import generate, read_settings, rebuild, save_picture
from sdkit.loading.provenance import origin_of
from sdkit.quiet import quiet
from sdkit.shot import Adapter, Origin
from tests.adapters import add_lora, save_lora

BOTH = ("unet", "text_encoder")
CALL = {"prompt": "a <zib> cat", "num_inference_steps": 2}
STRENGTHS = {"unet": 0.5, "text_encoder": 0.75}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a folder with a picture, the LoRA and the word that it was made with, and the pipeline."""
    folder, pipe = tmp_path_factory.mktemp("made"), sdkit.load_pipeline()
    rows = torch.randn(2, 128, generator=torch.Generator().manual_seed(1))
    save_file({"any name": rows}, folder / "word.safetensors")
    add_lora(pipe, "zib", parts=BOTH)
    save_lora(pipe, "zib", folder / "lora.safetensors", BOTH)
    pipe.load_textual_inversion({"<zib>": rows}, token="<zib>")
    pipe.set_adapters("zib", STRENGTHS)
    save_picture(generate(pipe, **CALL, seed=1)[0], folder / "a.png")
    return folder, pipe


@pytest.fixture
def files(made):
    folder, _ = made
    return {"adapters": [folder / "lora.safetensors"], "embeddings": [str(folder / "word.safetensors")]}


def test_the_record_tells_the_adapter_and_the_word(made):
    origin = read_settings(made[0] / "a.png")["origin"]
    assert origin["adapters"]["zib"]["strengths"] == STRENGTHS and len(origin["words"]["<zib>"]) == 64
    assert Origin.from_dict(origin).adapters == origin_of(made[1]).adapters
    assert str(made[0]) not in json.dumps(origin)


def test_the_pipeline_that_has_both_makes_the_picture_again(made):
    rebuilt = rebuild(made[0] / "a.png", made[1])
    assert rebuilt.max_difference == 0 and rebuilt.state == ()


def test_what_is_missing_is_named_with_what_to_do(made, files):
    path = made[0] / "a.png"
    with pytest.raises(ValueError, match=r"adapter 'zib' \(tensors [0-9a-f]{12}\), which is not loaded; give its file"):
        rebuild(path)
    with pytest.raises(ValueError, match=r"<zib>. \(rows [0-9a-f]{12}\), which the tokenizer does not know; give"):
        rebuild(path, adapters=files["adapters"])


def test_files_make_it_again_in_the_built_in_model(made, files):
    rebuilt = rebuild(made[0] / "a.png", **files)
    assert rebuilt.max_difference == 0
    assert rebuilt.shot.origin.adapters == origin_of(made[1]).adapters


def test_a_pipeline_that_is_lent_gets_back_what_it_had(made, files):
    own = sdkit.load_pipeline()
    before, tokenizer, table = origin_of(own), own.tokenizer, own.text_encoder.get_input_embeddings()
    numbers = torch.get_rng_state()
    assert rebuild(made[0] / "a.png", own, **files).max_difference == 0
    assert origin_of(own) == before and own.tokenizer is tokenizer
    assert own.text_encoder.get_input_embeddings() is table and torch.equal(torch.get_rng_state(), numbers)


def test_other_adapters_are_off_for_the_picture_and_in_use_again_afterwards(made, files):
    own = sdkit.load_pipeline()
    add_lora(own, "other", seed=8, parts=BOTH)
    own.set_adapters("other", 0.25)
    before = origin_of(own)
    trained = [weight.requires_grad for weight in own.unet.parameters()]
    rebuilt = rebuild(made[0] / "a.png", own, **files)
    assert rebuilt.max_difference == 0 and list(rebuilt.shot.origin.adapters) == ["zib"]
    assert origin_of(own).adapters == before.adapters and origin_of(own) == before
    assert [weight.requires_grad for weight in own.unet.parameters()] == trained


@pytest.mark.parametrize("state", ["another strength", "off", "another name"])
def test_an_adapter_that_is_there_is_used_whatever_it_is_set_to(made, files, state):
    own = sdkit.load_pipeline()
    name = "blob" if state == "another name" else "zib"
    own.load_lora_weights(made[0], weight_name="lora.safetensors", adapter_name=name)
    own.set_adapters(name, 0.1)
    if state == "off":
        own.disable_lora()
    before = origin_of(own)
    assert rebuild(made[0] / "a.png", own, embeddings=files["embeddings"]).max_difference == 0
    assert origin_of(own) == before


def test_everything_is_put_back_after_an_error_too(made, files):
    own = sdkit.load_pipeline()
    before = origin_of(own)
    with pytest.raises(ValueError, match="seed is -1"):
        rebuild(made[0] / "a.png", own, seed=-1, **files)
    assert origin_of(own) == before


def test_files_with_other_numbers_are_refused(made, files, tmp_path):
    other = {name: tensor + 2**-20 for name, tensor in load_file(files["adapters"][0]).items()}
    save_file(other, tmp_path / "lora.safetensors")
    with pytest.raises(ValueError, match=r"lora.safetensors \(\w{12}\) is no adapter of a.png, .* zib \(\w{12}\)"):
        rebuild(made[0] / "a.png", adapters=[tmp_path / "lora.safetensors"], embeddings=files["embeddings"])
    with pytest.raises(ValueError, match=r"lora.safetensors' *, which cannot be read: it holds \d+ tensors"):
        rebuild(made[0] / "a.png", adapters=files["adapters"], embeddings=files["adapters"])
    save_file({"<zib>": torch.zeros(2, 128)}, tmp_path / "word.safetensors")
    with pytest.raises(ValueError, match="is no word of a.png"):
        rebuild(made[0] / "a.png", adapters=files["adapters"], embeddings=[tmp_path / "word.safetensors"])


@pytest.mark.parametrize("argument", ["adapters", "embeddings"])
def test_only_safetensors_are_opened(made, tmp_path, argument):
    (tmp_path / "a.bin").write_bytes(b"anything")
    (tmp_path / "a.safetensors").write_bytes(b"anything")
    for given, error, words in (
        ("a.safetensors", TypeError, f"{argument} is 'a.safetensors'; give a list of files"),
        ([tmp_path / "nothing.safetensors"], FileNotFoundError, "there is no file"),
        ([tmp_path / "a.bin"], ValueError, "give .safetensors: other files may hold code"),
        ([tmp_path / "a.safetensors"], ValueError, "'a.safetensors', which cannot be read"),
    ):
        with pytest.raises(error, match=words):
            rebuild(made[0] / "a.png", **{argument: given})


def test_a_name_that_another_adapter_or_word_has_is_refused(made, files):
    own = sdkit.load_pipeline()
    add_lora(own, "zib", seed=9)
    with pytest.raises(ValueError, match="another adapter called 'zib'; call pipe.delete_adapters"):
        rebuild(made[0] / "a.png", own, **files)
    own = sdkit.load_pipeline()
    own.load_textual_inversion({"<zib>": torch.ones(1, 128)}, token="<zib>")
    with pytest.raises(ValueError, match="another word called '<zib>'; call pipe.unload_textual_inversion"):
        rebuild(made[0] / "a.png", own, **files)
    with pytest.raises(ValueError, match="word '<zib>' .*, which has other rows here"):
        rebuild(made[0] / "a.png", own, adapters=files["adapters"])


def test_a_word_that_is_not_in_the_prompt_is_not_needed(made, files, tmp_path):
    path = save_picture(generate(made[1], "a cat", num_inference_steps=1)[0], tmp_path / "a.png")
    assert rebuild(path, adapters=files["adapters"]).max_difference == 0


def test_half_precision_is_compared_in_half_precision(made, files, tmp_path):
    own = sdkit.load_pipeline(dtype=torch.bfloat16)
    own.load_lora_weights(made[0], weight_name="lora.safetensors", adapter_name="zib")
    path = save_picture(generate(own, "a cat", num_inference_steps=1)[0], tmp_path / "a.png")
    other = sdkit.load_pipeline(dtype=torch.bfloat16)
    assert rebuild(path, other, adapters=files["adapters"]).max_difference == 0


def test_several_adapters_are_added_in_the_recorded_order_at_the_strengths_that_were_given(tmp_path):
    own, files = sdkit.load_pipeline(), []
    for seed, name in enumerate(("zib", "ink"), 1):
        add_lora(own, name, seed, rank=3, lora_alpha=7)
        files.append(save_lora(own, name, tmp_path / f"{name}.safetensors"))
    own.set_adapters(["zib", "ink"], [0.7, 0.1])
    path = save_picture(generate(own, "a cat", num_inference_steps=2)[0], tmp_path / "a.png")
    told = read_settings(path)["origin"]["adapters"]
    assert [(name, *entry["strengths"].items()) for name, entry in told.items()] == [
        ("zib", ("unet", 0.7)),
        ("ink", ("unet", 0.1)),
    ]
    rebuilt = rebuild(path, adapters=files[::-1])
    assert rebuilt.max_difference == 0 and rebuilt.state == ()


def kohya(path, alpha):
    """Write a LoRA as kohya's trainer names its tensors, with an alpha for each layer; return the file."""
    made = {}
    for name, tensor in load_file(path).items():
        layer, _, end = name.removeprefix("unet.").partition(".lora_")
        own = f"lora_unet_{layer.replace('.', '_')}"
        made |= {f"{own}.lora_{'down' if end[0] == 'A' else 'up'}.weight": tensor, f"{own}.alpha": torch.tensor(alpha)}
    new = path.with_name(f"kohya {alpha}.safetensors")
    save_file(made, new)
    return new


def test_files_of_other_trainers_are_compared_too_and_another_alpha_is_told(tmp_path):
    own = sdkit.load_pipeline()
    add_lora(own, "zib")
    file = save_lora(own, "zib", tmp_path / "lora.safetensors")
    own.unload_lora_weights()
    first, second = kohya(file, 1.0), kohya(file, 2.0)
    with quiet():
        own.load_lora_weights(tmp_path, weight_name=first.name, adapter_name="zib")
    path = save_picture(generate(own, "a cat", num_inference_steps=1)[0], tmp_path / "a.png")
    rebuilt = rebuild(path, adapters=[first])
    assert rebuilt.max_difference == 0 and rebuilt.state == ()
    rebuilt = rebuild(path, adapters=[second])
    assert rebuilt.max_difference > 0 and "unet scaling" in rebuilt.state


def test_a_fused_adapter_needs_the_fused_pipeline(made, tmp_path):
    own = sdkit.load_pipeline()
    own.load_lora_weights(made[0], weight_name="lora.safetensors", adapter_name="zib")
    own.fuse_lora(lora_scale=0.5)
    path = save_picture(generate(own, "a cat", num_inference_steps=1)[0], tmp_path / "a.png")
    assert rebuild(path, own).max_difference == 0
    with pytest.raises(ValueError, match="made with 'zib' fused into the weights.*pipe.fuse_lora"):
        rebuild(path)


def test_records_of_early_versions_are_read_and_their_adapters_are_asked_for(pipe, tmp_path):
    shot = generate(pipe, "a cat", num_inference_steps=1)[0]
    path = save_picture(shot, tmp_path / "a.png")
    with Image.open(path) as picture:
        record = json.loads(picture.info["sdkit"])
        record["origin"]["adapters"] = {"ink": 0.5}
        info = PngInfo()
        info.add_text("sdkit", json.dumps(record))
        picture.save(path, pnginfo=info)
    assert Origin.from_dict(read_settings(path)["origin"]).adapters == {"ink": Adapter(None, {"unet": 0.5})}
    with pytest.raises(ValueError, match=r"the adapter 'ink' \(tensors not told\), which is not loaded"):
        rebuild(path, pipe)


def test_records_without_adapters_are_as_before(pipe):
    origin = origin_of(pipe).to_dict()
    assert origin["adapters"] == {} and "words" not in origin


def test_files_for_pictures_of_other_programs_are_refused(made, files, pipe, tmp_path):
    info = PngInfo()
    info.add_text("parameters", "a cat\nSteps: 2, Sampler: Euler, CFG scale: 7, Seed: 1, Size: 128x128")
    Image.fromarray(np.zeros((128, 128, 3), np.uint8)).save(tmp_path / "b.png", pnginfo=info)
    with pytest.raises(ValueError, match="made by AUTOMATIC1111 and does not tell the numbers of its adapters"):
        rebuild(tmp_path / "b.png", pipe, **files)
