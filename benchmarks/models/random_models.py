"""Models and adapters of random weights by their shape alone, as the pipeline lays them out on disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from shopbench.files import write_json, write_manifest
from shopbench.lora import CONFIG, PREFIX, WEIGHTS
from shopbench.tensors import INDEX, write_tensors

Kinds = dict[str, tuple[torch.dtype, tuple[int, ...]]]


def linear_layers(config: dict[str, Any]) -> dict[str, tuple[int, int]]:
    """(outputs, inputs) of every linear layer of a Qwen2, by module."""
    hidden, mlp = config["hidden_size"], config["intermediate_size"]
    keys = hidden // config["num_attention_heads"] * config["num_key_value_heads"]
    shapes = {
        "self_attn.q_proj": (hidden, hidden),
        "self_attn.k_proj": (keys, hidden),
        "self_attn.v_proj": (keys, hidden),
        "self_attn.o_proj": (hidden, hidden),
        "mlp.gate_proj": (mlp, hidden),
        "mlp.up_proj": (mlp, hidden),
        "mlp.down_proj": (hidden, mlp),
    }
    return {f"model.layers.{n}.{name}": shape for n in range(config["num_hidden_layers"]) for name, shape in shapes.items()}


def write_base(folder: Path, config: dict[str, Any], shards: int) -> None:
    """A Qwen2 in bfloat16, each weight normal with deviation 0.02, in so many files."""
    hidden = config["hidden_size"]
    shapes: dict[str, tuple[int, ...]] = {}
    for module, shape in linear_layers(config).items():
        shapes[f"{module}.weight"] = shape
        if module.endswith(("q_proj", "k_proj", "v_proj")):
            shapes[f"{module}.bias"] = shape[:1]
    for layer in range(config["num_hidden_layers"]):
        shapes |= {f"model.layers.{layer}.{norm}.weight": (hidden,) for norm in ("input_layernorm", "post_attention_layernorm")}
    shapes |= {"model.norm.weight": (hidden,), "model.embed_tokens.weight": (config["vocab_size"], hidden)}
    shapes["lm_head.weight"] = (config["vocab_size"], hidden)

    folder.mkdir(parents=True)
    names = sorted(shapes)
    size = -(-len(names) // shards)
    weight_map = {}
    for number in range(shards):
        file = f"model-{number + 1:05d}-of-{shards:05d}.safetensors"
        kinds: Kinds = {name: (torch.bfloat16, shapes[name]) for name in names[number * size : (number + 1) * size]}
        write_tensors(folder / file, kinds, lambda name, kinds=kinds: _normal(kinds[name][1], torch.bfloat16))  # type: ignore[misc]
        weight_map |= dict.fromkeys(kinds, file)
    write_json(folder / INDEX, {"metadata": {}, "weight_map": weight_map})
    write_json(folder / "config.json", config)
    write_manifest(folder)


def write_adapter(folder: Path, config: dict[str, Any], rank: int, base: str) -> None:
    """A float32 LoRA on all linear layers, whose delta is some hundredths of the base's weights."""
    folder.mkdir(parents=True)
    layers = linear_layers(config)
    kinds: Kinds = {}
    for module, (outputs, inputs) in layers.items():
        kinds[f"{PREFIX}{module}.lora_A.weight"] = (torch.float32, (rank, inputs))
        kinds[f"{PREFIX}{module}.lora_B.weight"] = (torch.float32, (outputs, rank))
    write_tensors(folder / WEIGHTS, kinds, lambda name: _normal(kinds[name][1], torch.float32))
    targets = sorted({module.rpartition(".")[2] for module in layers})
    settings = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": base, "bias": "none", "target_modules": targets}
    write_json(folder / CONFIG, settings | {"r": rank, "lora_alpha": rank // 2})
    write_manifest(folder)


def _normal(shape: tuple[int, ...], dtype: torch.dtype, block: int = 1 << 22) -> Iterator[torch.Tensor]:
    """Values of deviation 0.02 in blocks of whole rows."""
    width = shape[1] if len(shape) > 1 else 1
    step = max(1, block // width)
    for first in range(0, shape[0], step):
        yield torch.empty(min(step, shape[0] - first), width).normal_(0, 0.02).to(dtype)
