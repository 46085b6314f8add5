"""LoRA adapters as PEFT saves them, and their exact sums.

A module's delta is scaling * B @ A, with A of shape (rank, inputs), B of shape (outputs, rank). A sum of such deltas is the delta of one
adapter whose factors are the others' side by side, so an ensemble needs no approximation (PEFT's "linear" combination averages A and B
apart from each other, which adds cross terms). LoRA: https://arxiv.org/abs/2106.09685
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import pad

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
        self.dtype = self._dtype()
        self._check_ranks()
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

    def _dtype(self) -> torch.dtype:
        """The one floating-point type of all factors."""
        dtypes = {self.tensors[key].dtype: key for key in self.tensors}
        for dtype, key in dtypes.items():
            if not dtype.is_floating_point:
                raise BadInput(f"{self.folder / WEIGHTS}: {key} is stored as {dtype}; the factors of an adapter are floating-point numbers")
        if len(dtypes) != 1:
            found = ", ".join(f"{key} as {dtype}" for dtype, key in dtypes.items()) or "no tensors"
            raise BadInput(f"{self.folder / WEIGHTS}: {found}; save the adapter in one type")
        return next(iter(dtypes))

    def _check_ranks(self) -> None:
        for module in self.modules:
            ranks = self.tensors[_key(module, "A")].shape[0], self.tensors[_key(module, "B")].shape[-1]
            if ranks != (self.rank, self.rank):
                said = f"{CONFIG} says r = {self.rank}"
                raise BadInput(f"{self.folder / WEIGHTS}: {module} has an A of rank {ranks[0]} and a B of rank {ranks[1]}, {said}")

    def shape(self, module: str) -> tuple[int, int]:
        """(outputs, inputs) of a module's weight."""
        return self.tensors[_key(module, "B")].shape[0], self.tensors[_key(module, "A")].shape[1]

    def factors(self, module: str) -> tuple[torch.Tensor, torch.Tensor]:
        """A (rank, inputs) and scaling * B (outputs, rank) of a module, float32."""
        a, b = self.saved_factors(module)
        return a, b * self.scaling

    def saved_factors(self, module: str) -> tuple[torch.Tensor, torch.Tensor]:
        """A (rank, inputs) and B (outputs, rank) of a module as trained, float32."""
        return self.tensors.read(_key(module, "A")).float(), self.tensors.read(_key(module, "B")).float()


def _key(module: str, factor: str) -> str:
    return f"{PREFIX}{module}.lora_{factor}.weight"


def check_compatible(adapters: Sequence[Adapter], base_names: Sequence[str] = ()) -> None:
    """Raise BadInput unless all were trained on one base and adapt the same modules with the same shapes, in one dtype.

    `base_names` are ends of the paths and hub names that mean the ensemble's base, as every site has its own folder for it. Without any,
    the adapters' own words for their base have to end alike.
    """
    first = adapters[0]
    for adapter in adapters:
        base, of_first = (str(one.config.get("base_model_name_or_path")).rstrip("/") for one in (adapter, first))
        if base_names and not any(f"/{base}".endswith(f"/{name}") for name in base_names):
            raise BadInput(
                f"{adapter.folder / CONFIG}: base_model_name_or_path is {base}, which does not end in {' or '.join(base_names)}; "
                "an ensemble's adapters are of its base"
            )
        if not base_names and Path(base).name != Path(of_first).name:
            raise BadInput(f"{adapter.folder}: its base model is {base}, not {of_first} as in {first.folder}; an ensemble has one base")
    for other in adapters[1:]:
        if first.dtype != other.dtype:
            raise BadInput(f"{other.folder}: stored as {other.dtype}, {first.folder} as {first.dtype}; save both in one type")
        for module in sorted(set(first.modules) ^ set(other.modules)):
            has, lacks = (first, other) if module in first.modules else (other, first)
            raise BadInput(f"{lacks.folder}: does not adapt {module}, {has.folder} does; an ensemble's adapters have the same modules")
        for module in first.modules:
            if first.shape(module) != other.shape(module):
                raise BadInput(f"{other.folder}: {module} is {other.shape(module)}, in {first.folder} it is {first.shape(module)}")


class AdapterSum:
    """The sum of coefficient * delta over `terms`, as one adapter.

    Its rank is the terms' ranks together, padded with zeros to one that vLLM takes; terms of coefficient 0 need none. With `svd_rank` the
    sum is cut to at most that rank: the closest there is, and no longer exact. `terms` are of one base (`check_compatible`).
    """

    def __init__(self, terms: Sequence[tuple[Adapter, float]], svd_rank: int | None = None) -> None:
        self.first = terms[0][0]
        self.terms = [(adapter, coefficient) for adapter, coefficient in terms if coefficient]
        self.exact_rank = sum(adapter.rank for adapter, _ in self.terms)
        self.cut = svd_rank is not None and svd_rank < self.exact_rank
        self.rank = padded_rank(svd_rank if svd_rank and self.cut else self.exact_rank)
        # Squared Frobenius norms, over all modules: of the sum, and of what the cut leaves out.
        self.norm, self.lost = 0.0, 0.0

    def factors(self, module: str) -> tuple[torch.Tensor, torch.Tensor]:
        """A (rank, inputs) and B (outputs, rank) of a module, float32. Coefficients and scalings are in B alone: A stays as trained."""
        outputs, inputs = self.first.shape(module)
        rank = self.exact_rank if self.cut else self.rank
        a, b = torch.empty(rank, inputs), torch.empty(outputs, rank)
        start = 0
        for adapter, coefficient in self.terms:
            end = start + adapter.rank
            a[start:end], saved = adapter.saved_factors(module)
            torch.mul(saved, coefficient * adapter.scaling, out=b[:, start:end])
            start = end
        a[start:], b[:, start:] = 0, 0
        return self._closest(a, b) if self.cut else (a, b)

    def _closest(self, a: torch.Tensor, b: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Factors of the closest matrix of the sum's rank to B @ A (Eckart and Young), by way of the small product of their triangles."""
        left, upper = torch.linalg.qr(b)
        right, lower = torch.linalg.qr(a.T)
        u, values, v = torch.linalg.svd(upper @ lower.T, full_matrices=False)
        squares = values.double().square()
        self.norm += squares.sum().item()
        self.lost += squares[self.rank :].sum().item()
        a, b = v[: self.rank] @ right.T, left @ (u[:, : self.rank] * values[: self.rank])
        # A rank that vLLM takes can be above the one asked for, and above what a small module has.
        spare = self.rank - a.shape[0]
        return pad(a, (0, 0, 0, spare)), pad(b, (0, spare))

    def relative_error(self) -> float:
        """What `factors` left out of all modules asked for so far, as a share of the sum's Frobenius norm; 0 without a cut."""
        return math.sqrt(self.lost / self.norm) if self.norm else 0.0

    def config(self) -> dict[str, Any]:
        """adapter_config.json. lora_alpha = r, so that the adapter's own scaling is 1 and nothing multiplies again."""
        changes = {"r": self.rank, "lora_alpha": self.rank, "use_rslora": False, "lora_dropout": 0.0, "init_lora_weights": True}
        return self.first.config | changes | {"inference_mode": True}

    def write(self, path: Path) -> str:
        """Write adapter_model.safetensors, module by module, and return its SHA-256. In float32: rounded weights would not be exact."""
        kinds = {}
        for module in self.first.modules:
            outputs, inputs = self.first.shape(module)
            kinds[_key(module, "A")] = (torch.float32, (self.rank, inputs))
            kinds[_key(module, "B")] = (torch.float32, (outputs, self.rank))
        # A and B of a module follow each other in the file.
        factors = lru_cache(maxsize=1)(self.factors)

        def factor(key: str) -> list[torch.Tensor]:
            module, _, letter = key.removeprefix(PREFIX).partition(".lora_")
            return [factors(module)[letter == "B.weight"]]

        return write_tensors(path, kinds, factor)
