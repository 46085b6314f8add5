"""What a quantizing library (workflow/scripts/quantizers/) is asked for, and what the older ones need to read our models right."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from shopbench.files import read_json, write_json
from shopbench.model_config import legacy_config
from shopbench.tensors import weight_files


@dataclass(frozen=True)
class Order:
    """A model to quantize: `method` awq or gptq, `texts` to calibrate on, `device` cpu or cuda, `parts` what may survive a kill."""

    model: Path
    method: str
    bits: int
    group_size: int
    texts: list[str]
    device: str
    parts: Path


def legacy_model(model: Path, folder: Path) -> Path:
    """`folder` made into the model as transformers before 5 reads it: links to the weights, and a config in their words."""
    folder.mkdir()
    for file in [*weight_files(model), *model.glob("*.safetensors.index.json")]:
        (folder / file.name).symlink_to(file.resolve())
    write_json(folder / "config.json", legacy_config(read_json(model / "config.json")))
    return folder


def token_ids(model: Path, texts: list[str]) -> list[list[int]]:
    """The texts' tokens by the model's own tokenizer.json: libraries of before transformers 5 cannot read the settings around it."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return [tokenizer.encode(text).ids for text in texts]
