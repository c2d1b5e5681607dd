"""LoRA adapters with random numbers, for tests: in the pipeline, and in files as the trainers write them."""

from pathlib import Path

import torch
from diffusers import StableDiffusionPipeline
from peft import LoraConfig, get_peft_model_state_dict

from sdkit.quiet import quiet

LAYERS = {"unet": ["to_q", "to_k", "to_v", "to_out.0"], "text_encoder": ["q_proj", "k_proj", "v_proj", "out_proj"]}


def add_lora(pipe, name, seed=3, *, parts=("unet",), rank=2, size=0.3, **config):
    """Give a pipeline a LoRA that changes its pictures, by the training tools: no file is read."""
    noise = torch.Generator().manual_seed(seed)
    for part in parts:
        module = getattr(pipe, part)
        settings = {"lora_alpha": rank, "init_lora_weights": "gaussian", **config}
        with quiet():  # peft warns of a second adapter
            module.add_adapter(LoraConfig(r=rank, target_modules=LAYERS[part], **settings), name)
        with torch.no_grad():
            for place, weight in module.named_parameters():
                if f".lora_A.{name}." in place or f".lora_B.{name}." in place:
                    weight.copy_(torch.randn(weight.shape, generator=noise) * size)


def save_lora(pipe, name, path: Path, parts=("unet",)) -> Path:
    """Write a LoRA as diffusers' training scripts do."""
    layers = {
        f"{part}_lora_layers": get_peft_model_state_dict(getattr(pipe, part), adapter_name=name) for part in parts
    }
    metadata = {f"{part}_lora_adapter_metadata": getattr(pipe, part).peft_config[name].to_dict() for part in parts}
    StableDiffusionPipeline.save_lora_weights(path.parent, weight_name=path.name, **layers, **metadata)
    return path
