"""What makes a folder a complete model or adapter, without opening its weights."""

from __future__ import annotations

from pathlib import Path

from shopbench.files import BadInput, read_json

# Of a repository or folder only these are taken: no pickled weights, no code.
WANTED = ["*.safetensors", "*.safetensors.index.json", "*.json", "*.jinja", "merges.txt", "*.model", "LICENSE*", "NOTICE*"]
MODEL_FILES = ["config.json", "tokenizer_config.json"]
ADAPTER_FILES = ["adapter_config.json", "adapter_model.safetensors"]


def check_model(folder: Path) -> None:
    """Raise `BadInput` unless config, tokenizer and every shard of the weights that the index lists are there."""
    check_files(folder, MODEL_FILES)
    index = folder / "model.safetensors.index.json"
    shards = sorted(set(read_json(index)["weight_map"].values())) if index.exists() else ["model.safetensors"]
    check_files(folder, shards)


def check_adapter(folder: Path) -> None:
    """Raise `BadInput` unless PEFT's two files are there."""
    check_files(folder, ADAPTER_FILES)


def check_files(folder: Path, names: list[str]) -> None:
    for name in names:
        if not (folder / name).is_file():
            raise BadInput(f"{folder / name}: no such file; the folder is not complete")
