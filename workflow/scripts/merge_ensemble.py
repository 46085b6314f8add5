"""Write a base model's full weights with an ensemble merged in: merged/<ensemble>/.

    python workflow/scripts/merge_ensemble.py --base results/demo/base/demo-base --ensemble results/demo/ensembles/track1 \\
        --dtype float32 --pad-intermediate-multiple 512 --parts results/demo/merged/.parts --output results/demo/merged/track1

Reads the base's safetensors shards and the ensemble's factors; holds a few blocks of rows of one tensor at a time. The sum is done on a GPU
if there is one. Finished shards survive a kill below --parts and are taken up by the next start. Leaves a model folder with as many shards
as the base, its tokenizer, and merge.json, which says what was merged: a folder that already has an ensemble in it is refused for the same
one.

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
    publish_folder,
    read_json,
    run_program,
    whole_file,
    write_json,
)
from shopbench.lora import WEIGHTS, Adapter
from shopbench.merging import Merge, check_fit, merged_config, mlp_padding
from shopbench.padding import next_multiple
from shopbench.tensors import INDEX, TensorFiles, check_index, weight_files, write_tensors

MARKER = "merge.json"
NOT_COPIED = {MANIFEST, MARKER, INDEX, "config.json"}
WEIGHT_SUFFIXES = {".safetensors", ".bin", ".pt", ".pth", ".gguf"}
DIGESTS = "digests.jsonl"


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, required=True, help="folder of the base model")
    parser.add_argument("--ensemble", type=Path, required=True, help="folder of the ensemble (a PEFT adapter with its weights folded in)")
    parser.add_argument("--dtype", choices=["float32", "bfloat16", "float16"], required=True, help="dtype of the merged weights")
    parser.add_argument("--arithmetic", choices=["float32", "bfloat16"], default="float32", help="dtype that W + B A is computed in")
    padding = parser.add_mutually_exclusive_group()
    padding.add_argument("--pad-intermediate-to", type=int, help="MLP channels after padding (default: as the base has them)")
    padding.add_argument("--pad-intermediate-multiple", type=int, help="pad the MLP's channels to the next multiple of this")
    parser.add_argument("--parts", type=Path, required=True, help="folder for finished shards, on the file system of --output")
    parser.add_argument("--output", type=Path, required=True, help="folder of the merged model")
    return parser.parse_args()


def main() -> None:
    args = parse_arguments()
    check_manifest(args.base)
    check_manifest(args.ensemble)
    marker = new_marker(args.base, args.ensemble)
    config = read_json(args.base / "config.json")
    merge = planned_merge(args, config)

    parts = kept_parts(args, merge)
    filled = parts.folder / "model"
    filled.mkdir(exist_ok=True)
    digests = {row["name"]: row["sha256"] for row in parts.rows(DIGESTS) if (filled / row["name"]).is_file()}
    files = weight_files(args.base)
    for number, file in enumerate(files, start=1):
        if file.name not in digests:
            digests[file.name] = merge_shard(merge, file, filled / file.name)
            parts.append(DIGESTS, {"name": file.name, "sha256": digests[file.name]})
        progress(f"shard {number} of {len(files)}: {file.name}")

    copy_other_files(args.base, filled)
    write_json(filled / "config.json", merged_config(config, merge.dtype, merge.padding))
    if (args.base / INDEX).is_file():
        write_json(filled / INDEX, shard_index(merge))
    sizes = {"base": config["intermediate_size"], "merged": config["intermediate_size"] + merge.padding}
    write_json(filled / MARKER, marker | {"dtype": args.dtype, "arithmetic": args.arithmetic, "intermediate_size": sizes})
    publish_folder(filled, args.output, digests)
    parts.discard()


def planned_merge(args: argparse.Namespace, config: dict[str, Any]) -> Merge:
    """The merge that the arguments ask for, all of it checked before the first byte is written."""
    if "quantization_config" in config:
        raise BadInput(f"{args.base / 'config.json'}: the base is quantized; merge into the unquantized model")
    if "intermediate_size" not in config:
        raise BadInput(f"{args.base / 'config.json'}: no intermediate_size; a causal language model like Qwen2 is needed")
    base, adapter = TensorFiles(weight_files(args.base)), Adapter(args.ensemble)
    check_index(args.base, base)
    check_fit(base, adapter, tied=config.get("tie_word_embeddings", False))

    width = args.pad_intermediate_to
    if args.pad_intermediate_multiple:
        width = next_multiple(config["intermediate_size"], args.pad_intermediate_multiple)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return Merge(base, adapter, getattr(torch, args.dtype), mlp_padding(config, base, width), getattr(torch, args.arithmetic), device)


def kept_parts(args: argparse.Namespace, merge: Merge) -> Parts:
    """Where finished shards lie, until the folder that they are in takes the output's place. Those of other inputs go: they are large."""
    root, name = args.parts / "merge_ensemble", args.output.name
    inputs = [read_json(folder / MANIFEST) for folder in (args.base, args.ensemble)]
    parts = Parts(root, name, inputs, args.dtype, args.arithmetic, merge.padding)
    for other in (root / name).iterdir():
        if other != parts.folder:
            shutil.rmtree(other)
    args.output.parent.mkdir(parents=True, exist_ok=True)
    if parts.folder.stat().st_dev != args.output.parent.stat().st_dev:
        raise BadInput(f"--parts {args.parts} and --output {args.output} lie on different file systems; give --parts beside the output")
    return parts


def new_marker(base: Path, ensemble: Path) -> dict[str, Any]:
    """What the output will say is merged into it: sha256 of adapter weights -> ensemble. The same one twice raises BadInput."""
    merged = read_json(base / MARKER)["merged"] if (base / MARKER).is_file() else {}
    digest = next((entry["sha256"] for entry in read_json(ensemble / MANIFEST)["files"] if entry["name"] == WEIGHTS), None)
    if digest is None:
        raise BadInput(f"{ensemble / MANIFEST}: {WEIGHTS} is not in it; build the ensemble again")
    if digest in merged:
        raise BadInput(f"{base}: {merged[digest]} is merged into it already ({MARKER} says so); give the base model itself")
    return {"merged": merged | {digest: ensemble.name}}


def merge_shard(merge: Merge, source: Path, target: Path) -> str:
    """Write the merged counterpart of one of the base's files, and return its SHA-256."""
    with whole_file(target) as partial:
        return write_tensors(partial, {name: merge.kind(name) for name in TensorFiles([source])}, merge.blocks)


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
