"""Write a base model's full weights with an ensemble merged in: merged/<ensemble>/.

    python workflow/scripts/merge_ensemble.py --base results/demo/base/demo-base --ensemble results/demo/ensembles/track1 \\
        --dtype float32 --pad-intermediate-to 512 --parts results/demo/.parts --output results/demo/merged/track1

Reads the base's safetensors shards and the ensemble's factors; holds one block of rows of one tensor at a time. Finished shards survive a
kill below --parts and are taken up by the next start. Leaves a model folder with as many shards as the base, its tokenizer, and
merge.json, which says what was merged: a folder that already has an ensemble in it is refused for the same one.

Source of the method: W + B @ A (https://arxiv.org/abs/2106.09685); the MLP padding of Team NVIDIA (arXiv 2408.04658).
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

import torch

from shopbench.files import (
    MANIFEST,
    BadInput,
    Parts,
    check_manifest,
    progress,
    read_json,
    run_program,
    whole_file,
    whole_folder,
    write_json,
)
from shopbench.lora import WEIGHTS, Adapter
from shopbench.merging import Merge, check_fit, merged_config, mlp_padding
from shopbench.tensors import INDEX, TensorFiles, weight_files, write_tensors

MARKER = "merge.json"
NOT_COPIED = {MANIFEST, MARKER, INDEX, "config.json"}
WEIGHT_SUFFIXES = {".safetensors", ".bin", ".pt", ".pth", ".gguf"}


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, required=True, help="folder of the base model")
    parser.add_argument("--ensemble", type=Path, required=True, help="folder of the ensemble (a PEFT adapter with its weights folded in)")
    parser.add_argument("--dtype", choices=["float32", "bfloat16", "float16"], required=True, help="dtype of the merged weights")
    parser.add_argument("--pad-intermediate-to", type=int, help="MLP channels after padding (default: as the base has them)")
    parser.add_argument("--parts", type=Path, required=True, help="folder for finished shards, until all are there")
    parser.add_argument("--output", type=Path, required=True, help="folder of the merged model")
    return parser.parse_args()


def main() -> None:
    args = parse_arguments()
    check_manifest(args.base)
    check_manifest(args.ensemble)
    marker = new_marker(args.base, args.ensemble)

    config = read_json(args.base / "config.json")
    if "quantization_config" in config:
        raise BadInput(f"{args.base / 'config.json'}: the base is quantized; merge into the unquantized model")
    files = weight_files(args.base)
    merge = Merge(TensorFiles(files), Adapter(args.ensemble), getattr(torch, args.dtype), mlp_padding(config, args.pad_intermediate_to))
    check_fit(merge.base, merge.adapter, tied=config.get("tie_word_embeddings", False))

    inputs = [read_json(folder / MANIFEST) for folder in (args.base, args.ensemble)]
    parts = Parts(args.parts, "merge_ensemble", inputs, args.dtype, merge.padding)
    for number, file in enumerate(files, start=1):
        merge_shard(merge, file, parts.folder / file.name)
        progress(f"shard {number} of {len(files)}: {file.name}")

    with whole_folder(args.output) as folder:
        for file in files:
            shutil.move(parts.folder / file.name, folder / file.name)
        copy_other_files(args.base, folder)
        write_json(folder / "config.json", merged_config(config, merge.dtype, merge.padding))
        if (args.base / INDEX).is_file():
            write_json(folder / INDEX, shard_index(merge))
        sizes = {"base": config["intermediate_size"], "merged": config["intermediate_size"] + merge.padding}
        write_json(folder / MARKER, marker | {"dtype": args.dtype, "intermediate_size": sizes})
    parts.discard()


def new_marker(base: Path, ensemble: Path) -> dict[str, Any]:
    """What the output will say is merged into it: sha256 of adapter weights -> ensemble. The same one twice raises BadInput."""
    merged = read_json(base / MARKER)["merged"] if (base / MARKER).is_file() else {}
    digest = next((entry["sha256"] for entry in read_json(ensemble / MANIFEST)["files"] if entry["name"] == WEIGHTS), None)
    if digest is None:
        raise BadInput(f"{ensemble / MANIFEST}: {WEIGHTS} is not in it; build the ensemble again")
    if digest in merged:
        raise BadInput(f"{base}: {merged[digest]} is merged into it already ({MARKER} says so); give the base model itself")
    return {"merged": merged | {digest: ensemble.name}}


def merge_shard(merge: Merge, source: Path, target: Path) -> None:
    """Write the merged counterpart of one of the base's files, unless an earlier start has."""
    if not target.exists():
        names = TensorFiles([source])
        with whole_file(target) as partial:
            write_tensors(partial, {name: merge.kind(name) for name in names}, merge.blocks)


def shard_index(merge: Merge) -> dict[str, Any]:
    """The index of a model in several files: which tensor lies in which, and the bytes of all."""
    kinds = {name: merge.kind(name) for name in merge.base}
    total = sum(torch.Size(shape).numel() * dtype.itemsize for dtype, shape in kinds.values())
    return {"metadata": {"total_size": total}, "weight_map": {name: merge.base[name].file.name for name in kinds}}


def copy_other_files(base: Path, folder: Path) -> None:
    """Tokenizer, generation config, chat template, licence: all that is neither weights nor written anew."""
    for file in sorted(base.iterdir()):
        if file.is_file() and file.name not in NOT_COPIED and file.suffix not in WEIGHT_SUFFIXES:
            shutil.copyfile(file, folder / file.name)


if __name__ == "__main__":
    run_program(main)
