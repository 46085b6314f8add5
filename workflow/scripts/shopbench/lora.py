"""LoRA adapters as PEFT saves them, and their exact sums.

A module's delta is scaling * B @ A, with A of shape (rank, inputs), B of shape (outputs, rank). A sum of such deltas is the delta of one
adapter whose factors are the others' side by side, so an ensemble needs no approximation (PEFT's "linear" combination averages A and B
apart from each other, which adds cross terms). LoRA: https://arxiv.org/abs/2106.09685
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch

from shopbench.ensembles import padded_rank
from shopbench.files import BadInput, read_json
from shopbench.tensors import TensorFiles, write_tensors

PREFIX = "base_model.model."
WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"

# Settings under which a saved adapter is more, or other, than B @ A on top of the base's own weights. Each is refused unless off.
UNSUPPORTED = ("use_dora", "fan_in_fan_out", "modules_to_save", "rank_pattern", "alpha_pattern", "lora_bias", "layer_replication")
# Initializations that leave the base's weights as they are; the others (pissa, olora, ...) change them.
PLAIN_STARTS = (True, False, "gaussian", "orthogonal", "eva")


class Adapter:
    """A saved adapter. `modules` names the adapted modules in file order, `scaling` is alpha / r, or alpha / sqrt(r) with rsLoRA."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.config: dict[str, Any] = read_json(self.folder / CONFIG)
        self._refuse_other_kinds()
        self.tensors = TensorFiles([self.folder / WEIGHTS])
        self.modules = self._module_names()
        self.rank: int = self.config["r"]
        self.scaling: float = self.config["lora_alpha"] / (math.sqrt(self.rank) if self.config.get("use_rslora") else self.rank)

    def _refuse_other_kinds(self) -> None:
        for key in UNSUPPORTED:
            if self.config.get(key):
                raise BadInput(f"{self.folder / CONFIG}: {key} is not supported; train the adapter without it")
        if self.config.get("bias", "none") != "none":
            raise BadInput(f"{self.folder / CONFIG}: bias {self.config['bias']} is not supported; train the adapter with bias none")
        if self.config.get("init_lora_weights", True) not in PLAIN_STARTS:
            raise BadInput(f"{self.folder / CONFIG}: init_lora_weights {self.config['init_lora_weights']} changes the base's own weights")

    def _module_names(self) -> list[str]:
        names = []
        for key in self.tensors:
            module, _, factor = key.removeprefix(PREFIX).partition(".lora_")
            if not key.startswith(PREFIX) or factor not in ("A.weight", "B.weight"):
                raise BadInput(f"{self.folder / WEIGHTS}: {key} is neither the A nor the B of a linear module")
            names.append(module)
        modules = list(dict.fromkeys(names))
        for module in modules:
            if names.count(module) != 2:
                raise BadInput(f"{self.folder / WEIGHTS}: {module} has only one of its two factors")
        return modules

    def shape(self, module: str) -> tuple[int, int]:
        """(outputs, inputs) of a module's weight."""
        return self.tensors[_key(module, "B")].shape[0], self.tensors[_key(module, "A")].shape[1]

    def factors(self, module: str) -> tuple[torch.Tensor, torch.Tensor]:
        """A (rank, inputs) and scaling * B (outputs, rank) of a module, float32."""
        return self.tensors.read(_key(module, "A")).float(), self.tensors.read(_key(module, "B")).float() * self.scaling


def _key(module: str, factor: str) -> str:
    return f"{PREFIX}{module}.lora_{factor}.weight"


def check_compatible(adapters: list[Adapter]) -> None:
    """Raise BadInput unless all were trained on one base and adapt the same modules of the same shapes."""
    first = adapters[0]
    for other in adapters[1:]:
        bases = [adapter.config.get("base_model_name_or_path") for adapter in (first, other)]
        if bases[0] != bases[1]:
            raise BadInput(f"{other.folder}: its base model is {bases[1]}, not {bases[0]} as in {first.folder}; an ensemble has one base")
        for module in sorted(set(first.modules) ^ set(other.modules)):
            has, lacks = (first, other) if module in first.modules else (other, first)
            raise BadInput(f"{lacks.folder}: does not adapt {module}, {has.folder} does; an ensemble's adapters have the same modules")
        for module in first.modules:
            if first.shape(module) != other.shape(module):
                raise BadInput(f"{other.folder}: {module} is {other.shape(module)}, in {first.folder} it is {first.shape(module)}")


def summed_factors(terms: list[tuple[Adapter, float]], module: str, rank: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A (rank, inputs) and B (outputs, rank), float32, with B @ A = the sum of coefficient * delta over `terms`.

    Coefficients and scalings are folded into B alone: A stays as it was trained. Beyond the terms' ranks are zeros.
    """
    outputs, inputs = terms[0][0].shape(module)
    a, b = torch.zeros(rank, inputs), torch.zeros(outputs, rank)
    start = 0
    for adapter, coefficient in terms:
        if coefficient:
            part_a, part_b = adapter.factors(module)
            end = start + part_a.shape[0]
            a[start:end], b[:, start:end] = part_a, coefficient * part_b
            start = end
    return a, b


def summed_rank(terms: list[tuple[Adapter, float]]) -> int:
    """The rank of the sum's adapter: the terms' ranks together, padded to one that vLLM takes. Terms of coefficient 0 need none."""
    return padded_rank(sum(adapter.rank for adapter, coefficient in terms if coefficient))


def summed_config(terms: list[tuple[Adapter, float]]) -> dict[str, Any]:
    """adapter_config.json of the sum. lora_alpha = r, so that the adapter's own scaling is 1 and nothing multiplies again."""
    rank = summed_rank(terms)
    changes = {"r": rank, "lora_alpha": rank, "use_rslora": False, "lora_dropout": 0.0, "init_lora_weights": True, "inference_mode": True}
    return terms[0][0].config | changes


def write_sum(terms: list[tuple[Adapter, float]], path: Path) -> None:
    """Write adapter_model.safetensors of the sum, module by module, in float32: rounding the folded weights would make the sum inexact."""
    check_compatible([adapter for adapter, _ in terms])
    rank = summed_rank(terms)
    first = terms[0][0]
    kinds = {}
    for module in first.modules:
        outputs, inputs = first.shape(module)
        kinds[_key(module, "A")] = (torch.float32, (rank, inputs))
        kinds[_key(module, "B")] = (torch.float32, (outputs, rank))

    def factor(key: str) -> list[torch.Tensor]:
        module, _, letter = key.removeprefix(PREFIX).partition(".lora_")
        a, b = summed_factors(terms, module, rank)
        return [a if letter == "A.weight" else b]

    write_tensors(path, kinds, factor)
