"""Quantize a merged model with AWQ or GPTQ: quantized/<ensemble>-<method>/.

    python workflow/scripts/quantize_model.py --method awq --settings '{"backend": "gptqmodel", "bits": 4, "group_size": 128}' \\
        --model results/demo/merged/track1 --calibration results/demo/evaluation/development.parquet --device cpu \\
        --parts results/demo/.parts --output results/demo/quantized/track1-awq

Reads the merged model and the question-answer pairs of an evaluation set. The library is the backend of the settings, run from its own
environment, and no other: one that is missing, or cannot do what is asked, is refused. Leaves a folder in the formats that vLLM loads, AWQ
with zero points (GEMM layout) or symmetric GPTQ without activation order; its quantization.json says what made it.

Calibration on the development set's pairs as Team NVIDIA did (arXiv 2408.04658).
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import os
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import Any

from shopbench.files import MANIFEST, BadInput, Parts, check_manifest, progress, read_json, run_program, whole_folder, write_json
from shopbench.gpu_check import require_gpus
from shopbench.model_config import weight_dtype, with_rope_theta
from shopbench.quantization import Order
from shopbench.question_answers import question_answer_texts

RECORD = "quantization.json"
# The libraries rewrite these (gptqmodel sets sampling on, for one); the merged model's own are put back.
KEPT_FILES = ("generation_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--method", choices=["awq", "gptq"], required=True, help="quantization method")
    parser.add_argument("--settings", type=json.loads, required=True, help="JSON: backend, bits, and group_size in weights")
    parser.add_argument("--model", type=Path, required=True, help="folder of the merged model")
    parser.add_argument("--calibration", type=Path, required=True, help="evaluation set (Parquet) whose question-answer pairs calibrate")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="where the calibration runs")
    parser.add_argument("--parts", type=Path, required=True, help="folder for finished layers, until all are there")
    parser.add_argument("--output", type=Path, required=True, help="folder of the quantized model")
    return parser.parse_args()


def main() -> None:
    args = parse_arguments()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    backend, versions = load_backend(args.settings["backend"], args.method, args.device)
    if args.device == "cuda":
        bfloat16 = weight_dtype(read_json(args.model / "config.json")) == "bfloat16"
        require_gpus(1, "quantization", "merge.dtype" if bfloat16 else None)
    check_manifest(args.model)
    check_groups(read_json(args.model / "config.json"), args.settings["group_size"], args.model)
    texts = question_answer_texts(args.calibration)
    digest = hashlib.sha256("\0".join(texts).encode()).hexdigest()
    record = {
        "method": args.method,
        **args.settings,
        "device": args.device,
        "versions": versions,
        "calibration": {"set": args.calibration.stem, "texts": len(texts), "sha256": digest},
    }
    progress(f"{args.method} by {backend.PACKAGE} {versions[backend.PACKAGE]}: {len(texts)} question-answer pairs of {args.calibration}")
    parts = Parts(args.parts, "quantize_model", read_json(args.model / MANIFEST), record)
    with whole_folder(args.output) as folder:
        order = Order(args.model, args.method, args.settings["bits"], args.settings["group_size"], texts, args.device, parts.folder)
        backend.quantize(order, folder)
        tidy(args.model, folder)
        write_json(folder / RECORD, record)
    parts.discard()


def load_backend(name: str, method: str, device: str) -> tuple[ModuleType, dict[str, str]]:
    """The module of a backend, and the versions of what decides its results. Another's method or device raises BadInput, as does
    its absence."""
    backend = importlib.import_module(f"quantizers.{name.replace('-', '_')}")
    if method not in backend.METHODS:
        raise BadInput(f"quantization.methods.{method}.backend: {name} does {', '.join(backend.METHODS)} alone; set gptqmodel")
    if device not in backend.DEVICES:
        raise BadInput(f"quantization.methods.{method}.backend: {name} needs CUDA; set accelerator: cuda, or backend: gptqmodel")
    try:
        return backend, {package: version(package) for package in (backend.PACKAGE, "torch", "transformers")}
    except PackageNotFoundError as error:
        raise BadInput(f"{name}: {error.name} is not in this environment; run this program from the backend's own in .envs/") from None


def check_groups(config: dict[str, Any], group_size: int, model: Path) -> None:
    """Raise BadInput unless groups divide the inputs of every linear layer (the kernels need whole groups)."""
    for key in ("hidden_size", "intermediate_size"):
        if config[key] % group_size:
            mend = "set merge.pad_intermediate_to or group_size"
            raise BadInput(f"{model}: {key} {config[key]} is no multiple of group_size {group_size}; {mend}")


def tidy(model: Path, folder: Path) -> None:
    """Put the merged model's own files back, with what the library says of its weights, and no path of this run."""
    for name in KEPT_FILES:
        (folder / name).unlink(missing_ok=True)
        if (model / name).is_file():
            shutil.copyfile(model / name, folder / name)

    written, config = read_json(folder / "config.json"), with_rope_theta(read_json(model / "config.json"))
    quantized = written["quantization_config"]
    for key in ("offload_to_disk_path", "model_name_or_path", "model_file_base_name"):
        quantized.pop(key, None)
        quantized.get("meta", {}).pop(key, None)
    dtype = "torch_dtype" if "torch_dtype" in config else "dtype"
    write_json(folder / "config.json", config | {dtype: weight_dtype(written), "quantization_config": quantized})
    # Loaders older than quantization_config read the same from a file of its own, if the library wrote one.
    if (folder / "quantize_config.json").is_file():
        write_json(folder / "quantize_config.json", quantized)


if __name__ == "__main__":
    run_program(main)
