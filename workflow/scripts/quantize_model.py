"""Quantize a merged model to 4 bits with AWQ or GPTQ: quantized/<ensemble>-<method>/.

    python workflow/scripts/quantize_model.py --method awq --settings '{"bits": 4, "group_size": 128}' --model results/demo/merged/track1 \\
        --calibration results/demo/evaluation/development.parquet --device cpu --output results/demo/quantized/track1-awq

Reads the merged model and the question-answer pairs of an evaluation set. Leaves a folder in the formats that vLLM loads: AWQ with zero
points (GEMM layout), or symmetric GPTQ without activation order.

Source of the methods: AWQ (https://arxiv.org/abs/2306.00978), GPTQ (https://arxiv.org/abs/2210.17323), as gptqmodel implements them;
calibration on the development set's pairs as Team NVIDIA did (arXiv 2408.04658).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
from pathlib import Path
from typing import Any

from shopbench.files import BadInput, check_manifest, progress, read_json, run_program, whole_folder, write_json
from shopbench.gpu_check import require_gpus
from shopbench.model_config import weight_dtype, with_rope_theta
from shopbench.question_answers import question_answer_texts

# Finished layers wait in this folder while the others are quantized.
OFFLOAD = "offload"
# gptqmodel rewrites these (it sets sampling on, for one); the merged model's own are put back.
KEPT_FILES = ("generation_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--method", choices=["awq", "gptq"], required=True, help="quantization method")
    parser.add_argument("--settings", type=json.loads, required=True, help="JSON: bits, and group_size in weights")
    parser.add_argument("--model", type=Path, required=True, help="folder of the merged model")
    parser.add_argument("--calibration", type=Path, required=True, help="evaluation set (Parquet) whose question-answer pairs calibrate")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="where the calibration runs")
    parser.add_argument("--output", type=Path, required=True, help="folder of the quantized model")
    return parser.parse_args()


def main() -> None:
    args = parse_arguments()
    if args.device == "cuda":
        bfloat16 = weight_dtype(read_json(args.model / "config.json")) == "bfloat16"
        require_gpus(1, "quantization", "merge.dtype" if bfloat16 else None)
    check_manifest(args.model)
    check_groups(read_json(args.model / "config.json"), args.settings["group_size"], args.model)
    texts = question_answer_texts(args.calibration)
    progress(f"{args.method}: calibrating on {len(texts)} question-answer pairs of {args.calibration}")
    with whole_folder(args.output) as folder:
        quantize(args.model, args.method, args.settings, texts, args.device, folder)
        tidy(args.model, folder)


def check_groups(config: dict[str, Any], group_size: int, model: Path) -> None:
    """Raise BadInput unless groups divide the inputs of every linear layer (the kernels need whole groups)."""
    for key in ("hidden_size", "intermediate_size"):
        if config[key] % group_size:
            mend = "set merge.pad_intermediate_to or group_size"
            raise BadInput(f"{model}: {key} {config[key]} is no multiple of group_size {group_size}; {mend}")


def quantize(model: Path, method: str, settings: dict[str, int], texts: list[str], device: str, folder: Path) -> None:
    """Run gptqmodel and save into `folder`."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    # gptqmodel's loader asks for two workers and refuses to start with one.
    os.environ.setdefault("GPTQMODEL_CPU_WORKERS", str(max(2, int(os.environ.get("OMP_NUM_THREADS", 2)))))
    import torch
    from gptqmodel import BACKEND, GPTQModel, QuantizeConfig
    from gptqmodel.quantization import FORMAT, METHOD

    kinds: dict[str, dict[str, Any]] = {
        "awq": {"quant_method": METHOD.AWQ, "format": FORMAT.GEMM, "sym": False},
        "gptq": {"quant_method": METHOD.GPTQ, "format": FORMAT.GPTQ, "sym": True, "desc_act": False},
    }
    # The packing of the "cpu" kind compiles an extension into the home directory at its first use.
    pack = "gpu" if device == "cuda" else "original"
    config = QuantizeConfig(**settings, **kinds[method], device=device, pack_impl=pack, offload_to_disk_path=str(folder / OFFLOAD))
    # Left to itself gptqmodel rounds the weights to bfloat16 first. Its AWQ layers hold half types alone.
    dtype = weight_dtype(read_json(model / "config.json"))
    if method == "awq" and dtype == "float32":
        dtype = "bfloat16"
    quantized = GPTQModel.load(str(model), config, dtype=getattr(torch, dtype))
    backend = BACKEND.AWQ_TORCH if method == "awq" and device == "cpu" else BACKEND.AUTO
    quantized.quantize(texts, batch_size=1, backend=backend)
    quantized.save(str(folder))


def tidy(model: Path, folder: Path) -> None:
    """Put the merged model's own files back, drop timings and the paths of this run, and write rope_theta where older loaders read it."""
    for name in KEPT_FILES:
        (folder / name).unlink(missing_ok=True)
        if (model / name).is_file():
            shutil.copyfile(model / name, folder / name)
    (folder / "quant_log.csv").unlink(missing_ok=True)
    shutil.rmtree(folder / OFFLOAD, ignore_errors=True)

    config, settings = read_json(folder / "config.json"), read_json(folder / "quantize_config.json")
    for meta in (config["quantization_config"]["meta"], settings["meta"]):
        meta.pop("offload_to_disk_path", None)
    write_json(folder / "config.json", with_rope_theta(config))
    write_json(folder / "quantize_config.json", settings)


if __name__ == "__main__":
    run_program(main)
