"""Memory of quantization as a multiple of one decoder layer, on random-weight Qwen2 shapes that are wide and shallow.

    quantization.gptq.layers_in_memory        bytes that the peak grows by, over the bytes that a layer (bfloat16) grows by, when the model
                                              becomes twice as wide: what libraries hold at any width cancels out
    quantization.gptq.growth                  the peak with three times the layers, over the peak: near 1 if layers are not held
    quantization.gptq.bytes_per_second        bytes of the added layers over the time that they add
    quantization.verify.layers_in_memory      the same of verify_quantized.py, which streams its models

AWQ takes several times as long on a CPU and is left out. Peaks are the kernel's (maximum resident set), of the pipeline's own programs.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

import polars
import torch
from accelerate import init_empty_weights
from models.timed import Cost, timed
from transformers import Qwen2Config, Qwen2ForCausalLM

from shopbench.chat import TASK_TYPES
from shopbench.files import progress, whole_folder, write_json
from shopbench.question_answers import question_answer_texts
from shopbench.tensors import write_tensors
from shopbench.tiny_qwen2 import train_tokenizer

SCRIPTS = Path(__file__).resolve().parent.parent / "workflow/scripts"
SETTINGS = {"backend": "gptqmodel", "bits": 4, "group_size": 128}
# The padded Qwen2-72B's proportions, an eighth and a quarter as wide: 14 and 55 million weights a layer. What is held beside the weights,
# inputs' second moments above all, grows with the width's square as they do, so the multiple of a layer is the large model's too.
EIGHTH = {"hidden_size": 1024, "intermediate_size": 3712, "num_attention_heads": 8, "num_key_value_heads": 1}
QUARTER = {"hidden_size": 2048, "intermediate_size": 7424, "num_attention_heads": 16, "num_key_value_heads": 2}
SHAPES = {"eighth": (EIGHTH, 2), "deep": (EIGHTH, 6), "quarter": (QUARTER, 2)}
TEXTS = 24


def measure(scale: float) -> dict[str, float]:
    figures = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save_questions(folder / "questions.parquet")
        bytes_of = {size: save_model(folder / size, folder / "questions.parquet", *SHAPES[size]) for size in SHAPES}
        wider = (bytes_of["quarter"] - bytes_of["eighth"]) / 2
        costs = {}
        for size in SHAPES:
            costs[size] = quantize(folder, size)
            progress(f"{size}: {costs[size].peak / 2**20:.0f} MiB, {costs[size].seconds:.0f} s")
        seconds = costs["deep"].seconds - costs["eighth"].seconds
        figures["quantization.gptq.layers_in_memory"] = (costs["quarter"].peak - costs["eighth"].peak) / wider
        figures["quantization.gptq.growth"] = costs["deep"].peak / costs["eighth"].peak
        figures["quantization.gptq.bytes_per_second"] = (bytes_of["deep"] - bytes_of["eighth"]) / seconds
        costs = {size: verify(folder, size) for size in ("eighth", "quarter")}
        figures["quantization.verify.layers_in_memory"] = (costs["quarter"].peak - costs["eighth"].peak) / wider
    return figures


def save_questions(path: Path) -> None:
    kinds = list(TASK_TYPES)
    question = "Which of these products goes with a red kettle? "
    rows = [{"prompt": f"{number} {question * 4}", "reference": str(number % 4), "task_type": kinds[number % 5]} for number in range(TEXTS)]
    polars.DataFrame(rows).write_parquet(path)


def save_model(folder: Path, questions: Path, shape: dict[str, int], layers: int) -> int:
    """A random bfloat16 Qwen2, as merge_ensemble leaves it. Returns the bytes of its decoder layers."""
    tokenizer = train_tokenizer(question_answer_texts(questions), 512)
    config = Qwen2Config(vocab_size=512, num_hidden_layers=layers, **shape, pad_token_id=tokenizer.pad_token_id, dtype="bfloat16")
    with init_empty_weights():
        empty = Qwen2ForCausalLM(config)
    kinds = {name: (torch.bfloat16, tuple(parameter.shape)) for name, parameter in empty.named_parameters()}
    torch.manual_seed(0)
    with whole_folder(folder) as partial:
        tokenizer.save_pretrained(partial)
        config.save_pretrained(partial)
        write_tensors(
            partial / "model.safetensors",
            kinds,
            lambda name: [torch.ones(kinds[name][1]) if "norm" in name else torch.randn(kinds[name][1]) * 0.02],
        )
        write_json(partial / "merge.json", {"intermediate_size": {"base": shape["intermediate_size"]}})
    return sum(2 * parameter.numel() for name, parameter in empty.named_parameters() if ".layers." in name)


def quantize(folder: Path, size: str) -> Cost:
    arguments = ["--method", "gptq", "--settings", json.dumps(SETTINGS), "--model", folder / size]
    arguments += ["--calibration", folder / "questions.parquet", "--parts", folder / "parts", "--output", folder / f"{size}-gptq"]
    return cost_of("quantize_model.py", *arguments)


def verify(folder: Path, size: str) -> Cost:
    """GPTQ's, against itself as base with an adapter of rank 1 that is zero."""
    ensemble = folder / f"{size}-ensemble"
    name = "base_model.model.model.layers.0.self_attn.q_proj"
    width = SHAPES[size][0]["hidden_size"]
    kinds = {f"{name}.lora_A.weight": (torch.float32, (1, width)), f"{name}.lora_B.weight": (torch.float32, (width, 1))}
    with whole_folder(ensemble) as partial:
        write_tensors(partial / "adapter_model.safetensors", kinds, lambda key: [torch.zeros(kinds[key][1])])
        write_json(partial / "adapter_config.json", {"peft_type": "LORA", "r": 1, "lora_alpha": 1, "target_modules": ["q_proj"]})
    arguments = ["--method", "gptq", "--backend", "gptqmodel", "--thresholds", '{"off_by_a_step": 0.5, "kl": 10}']
    arguments += ["--merged", folder / size, "--quantized", folder / f"{size}-gptq", "--base", folder / size, "--ensemble", ensemble]
    arguments += ["--questions", folder / "questions.parquet", "--texts", 4, "--output", folder / f"{size}.json"]
    return cost_of("verify_quantized.py", *arguments)


def cost_of(program: str, *arguments: object) -> Cost:
    """Wall time and peak memory of one of the pipeline's programs."""
    # The heap's setting is the rule's.
    settings = ["MALLOC_MMAP_THRESHOLD_=65536", f"OMP_NUM_THREADS={os.cpu_count()}"]
    return timed("env", *settings, sys.executable, SCRIPTS / program, *arguments)
