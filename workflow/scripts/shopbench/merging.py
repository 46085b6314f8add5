"""One model's weights plus an adapter's delta, in blocks of rows, with the MLP padded on the way.

W_merged = W_base + B @ A, in float32 (or bfloat16, which rounds A, B and the sum), then rounded to the output dtype. Zero rows in gate
and up and zero columns in down leave every logit as it is (silu(0) * 0 = 0, and 0 times anything adds nothing), while the wider MLP
divides into quantization groups on every tensor-parallel rank.
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

# float32 bytes of one block: bounds the memory, and is large enough for the matrix product to run at full speed. Blocks below 32 MiB
# come from memory that the allocator has at hand; larger ones from new pages, which cost more than the product (glibc's mallopt).
BLOCK_BYTES = 16 << 20

MLP_ROWS = re.compile(r"\.mlp\.(gate|up)_proj\.(weight|bias)$")
MLP_COLUMNS = re.compile(r"\.mlp\.down_proj\.weight$")
# gate, up and down.
MLP_MATRICES = 3


@dataclass(frozen=True)
class Merge:
    """What goes into one merged model. `padding` counts the MLP channels added; `dtype` is that of every floating-point weight written.

    The sum is done in the dtype `arithmetic` on `device`.
    """

    base: TensorFiles
    adapter: Adapter
    dtype: torch.dtype
    padding: int = 0
    arithmetic: torch.dtype = torch.float32
    device: str = "cpu"

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
        factors = None
        if name.endswith(".weight") and module in self.adapter.modules:
            factors = tuple(factor.to(self.device, self.arithmetic) for factor in self.adapter.factors(module))
        for first in range(0, rows, step):
            block = self.base.rows(name, first, min(first + step, rows)) if self.base[name].shape else self.base.read(name)
            if factors:
                a, b = factors
                # In place: nothing else holds the block, and a sum beside it would cost as much memory traffic again.
                block = block.to(self.device, self.arithmetic).addmm_(b[first : first + step], a)
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
        if not base[name].dtype.is_floating_point:
            raise BadInput(f"{base[name].file}: {name} is stored as {base[name].dtype}; merge into the unquantized model")


def mlp_padding(config: dict[str, Any], base: TensorFiles, width: int | None) -> int:
    """MLP channels to add for `width` of them. A width below the model's own, or MLPs of another make than Qwen2's, raise BadInput."""
    own = config["intermediate_size"]
    if width is None or width == own:
        return 0
    if width < own:
        raise BadInput(f"merge.pad_intermediate_to: {width} is below the model's own {own} MLP channels")
    rows = [name for name in base if MLP_ROWS.search(name) and name.endswith(".weight")]
    columns = [name for name in base if MLP_COLUMNS.search(name)]
    for name in [*rows, *columns]:
        if base[name].shape[0 if name in rows else 1] != own:
            raise BadInput(
                f"{base[name].file}: {name} is {base[name].shape}, config.json says intermediate_size {own}; it cannot be padded"
            )
    wanted = MLP_MATRICES * config["num_hidden_layers"]
    if len(rows) + len(columns) != wanted:
        raise BadInput(
            f"merge.pad_intermediate_to: the base has {len(rows) + len(columns)} matrices named mlp.gate_proj, up_proj and down_proj, "
            f"{wanted} would be padded in its {config['num_hidden_layers']} layers; set it to null"
        )
    return width - own


def merged_config(config: dict[str, Any], dtype: torch.dtype, padding: int) -> dict[str, Any]:
    """config.json of the merged model. rope_theta is written at the top level too: loaders older than transformers 5 look nowhere else."""
    name = str(dtype).removeprefix("torch.")
    changes = {"intermediate_size": config["intermediate_size"] + padding, "torch_dtype" if "torch_dtype" in config else "dtype": name}
    return with_rope_theta(config | changes)
