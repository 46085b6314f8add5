"""What makes a folder a complete model or adapter, without opening its weights."""

from __future__ import annotations

import hashlib
from pathlib import Path

from shopbench.files import MANIFEST, BadInput, read_json, sha256_of

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


def wanted_files(folder: Path) -> list[Path]:
    """The files of a folder that are taken, by name."""
    return sorted(
        file for file in folder.iterdir() if file.is_file() and file.name != MANIFEST and any(file.match(pattern) for pattern in WANTED)
    )


def folder_digest(folder: Path) -> str:
    """SHA-256 of the lines that `sha256sum` prints for the files that are taken, in the order of their names."""
    lines = "".join(f"{sha256_of(file)}  {file.name}\n" for file in wanted_files(folder))
    return hashlib.sha256(lines.encode()).hexdigest()


def check_digest(folder: Path, wanted: str) -> None:
    """Raise `BadInput` unless the folder's files are those meant."""
    if (found := folder_digest(folder)) != wanted:
        raise BadInput(f"{folder}: its files have sha256 {found}, the config says {wanted}; restore them, or change sha256 of the model")
