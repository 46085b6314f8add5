"""A base model, an ensemble and both merged, of a few megabytes, for the tests that quantize."""

from __future__ import annotations

import json
from pathlib import Path

import polars
import torch
from in_process import run
from safetensors.torch import save_file
from transformers import Qwen2Config, Qwen2ForCausalLM

from shopbench.chat import TASK_TYPES
from shopbench.files import whole_folder, write_json
from shopbench.question_answers import question_answer_texts
from shopbench.tiny_qwen2 import train_tokenizer

MLP, PADDED = 256, 384
# A random model's logits are far more sensitive to rounding than a trained one's.
THRESHOLDS = {"awq": {"off_by_a_step": 0.01, "kl": 0.5}, "gptq": {"off_by_a_step": 0.2, "kl": 0.5}}


def save_questions(path: Path, first: int) -> Path:
    """24 questions of all task types."""
    kinds = list(TASK_TYPES)
    words = ["red kettle", "garden hose", "phone case", "desk lamp", "wool socks", "tea cups", "road bike"]
    rows = [
        {"prompt": f"Which product goes with {words[i % 7]} number {i * i}? " * 6, "reference": words[i % 5], "task_type": kinds[i % 5]}
        for i in range(first, first + 24)
    ]
    polars.DataFrame(rows).write_parquet(path)
    return path


def save_models(folder: Path, layers: int = 2) -> Path:
    """development.parquet, validation.parquet, base/, ensemble/ and merged/, a random Qwen2 with padded MLP channels."""
    questions = save_questions(folder / "development.parquet", 0)
    save_questions(folder / "validation.parquet", 100)
    torch.manual_seed(0)
    tokenizer = train_tokenizer(question_answer_texts(questions), 512)
    config = Qwen2Config(
        vocab_size=512,
        hidden_size=128,
        intermediate_size=MLP,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        initializer_range=0.1,
        rope_parameters={"rope_type": "default", "rope_theta": 1e6},
        tie_word_embeddings=True,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    base = Qwen2ForCausalLM(config)
    with torch.no_grad():
        for name, parameter in base.named_parameters():
            if name.endswith("bias"):
                parameter.normal_(0, 0.1)
    with whole_folder(folder / "base") as partial:
        base.save_pretrained(partial)
        tokenizer.save_pretrained(partial)
    save_ensemble(folder / "ensemble", base)
    merged = ["--dtype", "float32", "--pad-intermediate-to", PADDED, "--parts", folder / "parts", "--output", folder / "merged"]
    result = run("merge_ensemble.py", "--base", folder / "base", "--ensemble", folder / "ensemble", *merged)
    assert result.returncode == 0, result.stderr
    return folder


def save_ensemble(folder: Path, base: Qwen2ForCausalLM) -> None:
    """An adapter of rank 8 on all linear layers."""
    layers = {name: layer for name, layer in base.named_modules() if name.endswith("_proj")}
    weights = {}
    for name, layer in layers.items():
        weights[f"base_model.model.{name}.lora_A.weight"] = torch.randn(8, layer.in_features) / 8
        weights[f"base_model.model.{name}.lora_B.weight"] = torch.randn(layer.out_features, 8) / 8
    with whole_folder(folder) as partial:
        save_file(weights, partial / "adapter_model.safetensors")
        targets = sorted({name.rpartition(".")[2] for name in layers})
        write_json(
            partial / "adapter_config.json",
            {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": 8, "lora_alpha": 8, "bias": "none", "target_modules": targets},
        )


def quantize_arguments(made: Path, method: str, output: Path, backend: str = "gptqmodel", bits: int = 4) -> list[object]:
    """Arguments of quantize_model.py."""
    settings = json.dumps({"backend": backend, "bits": bits, "group_size": 128})
    inputs = ["--model", made / "merged", "--calibration", made / "development.parquet"]
    return ["--method", method, "--settings", settings, *inputs, "--parts", output.parent / "parts", "--output", output]


def verify_arguments(made: Path, method: str, quantized: Path, report: Path, backend: str = "gptqmodel") -> list[object]:
    """Arguments of verify_quantized.py."""
    models = ["--merged", made / "merged", "--quantized", quantized, "--base", made / "base", "--ensemble", made / "ensemble"]
    judge = ["--thresholds", json.dumps(THRESHOLDS[method]), "--questions", made / "validation.parquet", "--texts", 4, "--tokens", 128]
    return ["--method", method, "--backend", backend, *models, *judge, "--output", report]
