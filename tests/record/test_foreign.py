"""Pictures of other programs: named, read where sd-parsers reads them, and told what to do where not."""

import json
import sys

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from sdkit import read_settings, rebuild


def saved(path, **texts):
    info = PngInfo()
    for name, text in texts.items():
        info.add_text(name, text if isinstance(text, str) else json.dumps(text))
    Image.new("RGB", (64, 64), "gray").save(path, pnginfo=info)
    return path


def node(kind, **inputs):
    return {"class_type": kind, "inputs": inputs}


GRAPH = {
    "3": node(
        "KSampler", seed=823497123987123, steps=3, cfg=6.5, sampler_name="dpmpp_2m", scheduler="karras", denoise=1.0,
        model=["4", 0], positive=["6", 0], negative=["7", 0], latent_image=["5", 0],
    ),
    "4": node("CheckpointLoaderSimple", ckpt_name="some.safetensors"),
    "5": node("EmptyLatentImage", width=64, height=64, batch_size=1),
    "6": node("CLIPTextEncode", text="a (red:1.2) cat", clip=["4", 1]),
    "7": node("CLIPTextEncode", text="a dog", clip=["4", 1]),
}  # fmt: skip
INVOKE = {
    "generation_mode": "txt2img", "positive_prompt": "a cat", "negative_prompt": "a dog", "width": 64, "height": 64,
    "seed": 12, "rand_device": "cpu", "cfg_scale": 7.0, "steps": 3, "scheduler": "euler_k", "app_version": "5.4",
}  # fmt: skip
NOVEL = {"steps": 3, "height": 64, "width": 64, "scale": 11.0, "seed": 3, "sampler": "k_euler_ancestral", "uc": "dog"}
FOOOCUS = {
    "prompt": "a cat", "negative_prompt": "", "steps": 3, "seed": "77", "guidance_scale": 4.0,
    "sampler": "dpmpp_2m_sde_gpu", "scheduler": "karras", "resolution": "(64, 64)", "version": "Fooocus v2.5",
}  # fmt: skip
PROGRAMS = {
    "ComfyUI": {"prompt": GRAPH, "workflow": {}},
    "InvokeAI": {"invokeai_metadata": INVOKE},
    "NovelAI": {"Title": "AI generated image", "Description": "a cat", "Software": "NovelAI", "Comment": NOVEL},
    "Fooocus": {"parameters": FOOOCUS, "fooocus_scheme": "fooocus"},
}
READ = {
    "ComfyUI": ("a red cat", "a dog", 6.5, 823497123987123, "DPMSolverMultistepScheduler"),
    "InvokeAI": ("a cat", "a dog", 7.0, 12, "EulerDiscreteScheduler"),
    "NovelAI": ("a cat", "dog", 11.0, 3, "EulerAncestralDiscreteScheduler"),
    "Fooocus": ("a cat", "", 4.0, 77, "DPMSolverMultistepScheduler"),
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_other_programs_are_read(tmp_path, program):
    record = read_settings(saved(tmp_path / "a.png", **PROGRAMS[program]))
    prompt, negative, guidance, seed, scheduler = READ[program]
    assert record["made_by"] == program
    assert record["settings"] == {
        "prompt": prompt, "negative_prompt": negative, "num_inference_steps": 3, "guidance_scale": guidance,
        "seed": seed, "width": 64, "height": 64,
    }  # fmt: skip
    assert record["origin"]["scheduler"]["class"] == scheduler
    karras = record["origin"]["scheduler"]["config"].get("use_karras_sigmas", False)
    assert karras == (program != "NovelAI")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("program", PROGRAMS)
def test_other_programs_pictures_are_made_again(pipe, tmp_path, program):
    path = saved(tmp_path / "a.png", **PROGRAMS[program])
    assert rebuild(path, pipe).shot.settings["prompt"] == READ[program][0]
    with pytest.raises(ValueError, match=f"made by {program} with the model .*give it as pipe="):
        rebuild(path)


def test_a_start_picture_of_comfyui_is_asked_for(pipe, tmp_path):
    graph = {**GRAPH, "3": node("KSampler", **{**GRAPH["3"]["inputs"], "denoise": 0.6})}
    with pytest.raises(ValueError, match="give image="):
        rebuild(saved(tmp_path / "a.png", prompt=graph), pipe)


def test_what_is_not_mapped_is_said(tmp_path):
    graph = {**GRAPH, "9": node("LoraLoader", lora_name="ink")}
    assert "ink" in read_settings(saved(tmp_path / "a.png", prompt=graph))["not_mapped"]["node LoraLoader"]
    two = {**GRAPH, "33": GRAPH["3"]}
    assert "1 more" in read_settings(saved(tmp_path / "b.png", prompt=two))["not_mapped"]["other samplers"]
    invoke = {**INVOKE, "positive_prompt": "a (red)++ cat"}
    record = read_settings(saved(tmp_path / "c.png", invokeai_metadata=invoke))
    assert record["settings"]["prompt"] == "a (red)++ cat" and "weights in the prompt" in record["not_mapped"]


def test_the_text_of_the_web_ui_is_preferred_to_nodes(tmp_path):
    text = "a bird\nSteps: 5, Sampler: Euler, CFG scale: 7, Seed: 1, Size: 64x64"
    record = read_settings(saved(tmp_path / "a.png", parameters=text, **PROGRAMS["ComfyUI"]))
    assert record["made_by"] == "AUTOMATIC1111" and record["settings"]["prompt"] == "a bird"


def test_fooocus_writes_the_text_of_the_web_ui_too(tmp_path):
    text = "a bird\nSteps: 5, Sampler: Euler, CFG scale: 7, Seed: 1, Size: 64x64"
    record = read_settings(saved(tmp_path / "a.png", parameters=text, fooocus_scheme="a1111"))
    assert record["made_by"] == "AUTOMATIC1111" and record["settings"]["prompt"] == "a bird"


def test_a_program_that_is_not_read_is_named(tmp_path):
    swarm = {"sui_image_params": {"prompt": "a cat", "seed": 5, "steps": 20}}
    with pytest.raises(ValueError, match="made by SwarmUI") as caught:
        read_settings(saved(tmp_path / "a.png", parameters=swarm))
    assert "damaged" not in str(caught.value)


@pytest.mark.parametrize("program", PROGRAMS)
def test_without_sd_parsers_the_program_is_named_and_what_to_install(tmp_path, monkeypatch, program):
    monkeypatch.setitem(sys.modules, "sd_parsers", None)
    with pytest.raises(ValueError, match=f"made by {program}.*pip install sd-parsers") as caught:
        read_settings(saved(tmp_path / "a.png", **PROGRAMS[program]))
    assert "damaged" not in str(caught.value)


@pytest.mark.parametrize("texts", [{"Title": "My holiday"}, {"Comment": "by hand"}, {"Software": "GIMP"}])
def test_ordinary_texts_are_no_settings(tmp_path, texts):
    with pytest.raises(ValueError, match="holds no settings"):
        read_settings(saved(tmp_path / "a.png", **texts))


@pytest.mark.parametrize("texts", [{"workflow": {"nodes": []}}, {"invokeai_metadata": "null"}])
def test_what_sd_parsers_cannot_read_is_said_without_its_inner_words(tmp_path, texts):
    with pytest.raises(ValueError, match="sd-parsers finds no settings of a known form|cannot be read") as caught:
        read_settings(saved(tmp_path / "a.png", **texts))
    assert "index out of range" not in str(caught.value) and "NoneType" not in str(caught.value)


def test_what_a_graph_of_comfyui_does_besides_is_named(tmp_path):
    graph = {**GRAPH, "8": node("LoraLoader", lora_name="x", model=["4", 0], clip=["4", 1], strength_model=0.8)}
    graph["5"] = node("EmptyLatentImage", width=64, height=64, batch_size=4)
    graph["3"] = {**GRAPH["3"], "inputs": {**GRAPH["3"]["inputs"], "seed": ["20", 0], "steps": ["21", 0]}}
    graph["20"] = node("SeedNode", value=3)
    record = read_settings(saved(tmp_path / "a.png", prompt=graph))
    assert "seed" not in record["settings"] and "num_inference_steps" not in record["settings"]
    named = {"node LoraLoader", "node SeedNode", "KSampler seed", "KSampler steps", "batch_size"}
    assert named <= record["not_mapped"].keys()


def test_invokeais_picture_from_a_picture_asks_for_the_start(pipe, tmp_path):
    path = saved(tmp_path / "a.png", invokeai_metadata={**INVOKE, "generation_mode": "img2img", "strength": 0.6})
    assert read_settings(path)["settings"]["strength"] == 0.6
    with pytest.raises(ValueError, match="give image="):
        rebuild(path, pipe)
