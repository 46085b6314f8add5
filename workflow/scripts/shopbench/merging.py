"""One model's weights plus an adapter's delta, in blocks of rows, with the MLP padded on the way.

W_merged = W_base + B @ A, in float32, then rounded once to the output dtype. Zero rows in gate and up and zero columns in down leave
every logit as it is (silu(0) * 0 = 0, and 0 times anything adds nothing), while the wider MLP divides into quantization groups on every
tensor-parallel rank.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import pad

from shopbench.files import BadInput
from shopbench.lora import Adapter
from shopbench.model_config import with_rope_theta
from shopbench.tensors import TensorFiles

# float32 bytes of one block: bounds the memory, and is large enough for the matrix product to run at full speed.
BLOCK_BYTES = 64 << 20

MLP_ROWS = re.compile(r"\.mlp\.(gate|up)_proj\.(weight|bias)$")
MLP_COLUMNS = re.compile(r"\.mlp\.down_proj\.weight$")


@dataclass(frozen=True)
class Merge:
    """What goes into one merged model. `padding` counts the MLP channels added; `dtype` is that of every floating-point weight written."""

    base: TensorFiles
    adapter: Adapter
    dtype: torch.dtype
    padding: int

    def kind(self, name: str) -> tuple[torch.dtype, tuple[int, ...]]:
        """dtype and shape of a tensor after the merge."""
        stored = self.base[name]
        shape = list(stored.shape)
        if MLP_ROWS.search(name):
            shape[0] += self.padding
        if MLP_COLUMNS.search(name):
            shape[1] += self.padding
        return (self.dtype if stored.dtype.is_floating_point else stored.dtype), tuple(shape)

    def blocks(self, name: str) -> Iterator[torch.Tensor]:
        """The merged tensor in consecutive blocks of rows; `write_tensors` rounds them to the output dtype."""
        rows, *rest = self.base[name].shape or (1,)
        step = max(1, BLOCK_BYTES // (4 * math.prod(rest)))
        module = name.removesuffix(".weight")
        factors = self.adapter.factors(module) if name.endswith(".weight") and module in self.adapter.modules else None
        for first in range(0, rows, step):
            block = self.base.rows(name, first, min(first + step, rows)) if self.base[name].shape else self.base.read(name)
            if factors:
                a, b = factors
                block = torch.addmm(block.float(), b[first : first + step], a)
            yield pad(block, (0, self.padding)) if MLP_COLUMNS.search(name) else block
        if self.padding and MLP_ROWS.search(name):
            yield torch.zeros(self.padding, *rest)


def check_fit(base: TensorFiles, adapter: Adapter, tied: bool) -> None:
    """Raise BadInput unless every adapted module is a weight of the base, of the same shape, that nothing else shares."""
    for module in adapter.modules:
        name = f"{module}.weight"
        if tied and module.rpartition(".")[2] in ("embed_tokens", "lm_head"):
            raise BadInput(f"{adapter.folder}: {module} is adapted, but the base ties it to another weight; merging would change both")
        if name not in base:
            raise BadInput(f"{adapter.folder}: {module} is adapted, but the base has no {name}; was it trained on another model?")
        if base[name].shape != adapter.shape(module):
            raise BadInput(f"{adapter.folder}: {module} is {adapter.shape(module)}, the base's {name} is {base[name].shape}")


def mlp_padding(config: dict[str, Any], pad_intermediate_to: int | None) -> int:
    """MLP channels to add; a target below the model's own size raises BadInput."""
    if pad_intermediate_to is None:
        return 0
    own = config["intermediate_size"]
    if pad_intermediate_to < own:
        raise BadInput(f"merge.pad_intermediate_to: {pad_intermediate_to} is below the model's own {own} MLP channels")
    return pad_intermediate_to - own


def merged_config(config: dict[str, Any], dtype: torch.dtype, padding: int) -> dict[str, Any]:
    """config.json of the merged model. rope_theta is written at the top level too: loaders older than transformers 5 look nowhere else."""
    name = str(dtype).removeprefix("torch.")
    changes = {"intermediate_size": config["intermediate_size"] + padding, "torch_dtype" if "torch_dtype" in config else "dtype": name}
    return with_rope_theta(config | changes)
