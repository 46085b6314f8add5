"""LoRA on vLLM's CPU runner as one matrix product per adapter, in place of one copy of the adapter's matrix per token.

vLLM 0.32 gathers `weights[index]` for every token of a batch before it multiplies: exact, but a prompt of 500 tokens copies each B matrix
500 times, and rows without an adapter (index -1) get the last adapter's weights. Grouping the tokens by adapter gives the same sums, and
zero for those rows. GPUs have kernels of their own and are left alone.
"""

from __future__ import annotations

from typing import Any

import torch


def grouped_product(inputs: torch.Tensor, weights: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
    """inputs (tokens, in), weights (adapters, [1,] out, in), indices (tokens,) int64 -> (tokens, out); zero where an index is negative."""
    if weights.dim() == 4:
        weights = weights.squeeze(1)
    # A batch of one adapter, as ours are, needs no grouping.
    lowest, highest = (int(bound) for bound in indices.aminmax())
    if lowest == highest >= 0:
        return inputs @ weights[lowest].to(inputs.dtype).T
    products = inputs.new_zeros(inputs.shape[0], weights.shape[1])
    for index in indices.unique().tolist():
        if index >= 0:
            rows = indices == index
            products[rows] = inputs[rows] @ weights[index].to(inputs.dtype).T
    return products


def _expand(inputs: Any, weights: Any, output: Any, indices: Any, add_inputs: bool = True) -> None:
    width = min(weights.shape[-2], output.shape[1])
    _write(output[:, :width], grouped_product(inputs.to(output.dtype), weights, indices)[:, :width], add_inputs)


def _expand_slice(inputs: Any, weights: Any, output: Any, indices: Any, offset: int, width: int, add_inputs: bool = True) -> None:
    _write(output[:, offset : offset + width], grouped_product(inputs.to(output.dtype), weights, indices), add_inputs)


def _shrink(inputs: Any, weights: Any, output: Any, indices: Any, scaling: float = 1.0) -> None:
    products = grouped_product(inputs.to(output.dtype), weights, indices)
    output[:, : products.shape[1]] = scaling * products


def _write(target: torch.Tensor, products: torch.Tensor, add: bool) -> None:
    if add:
        target += products
    else:
        target[:] = products


def use_grouped_products() -> None:
    """Let vLLM's CPU runner use the functions above; call it after `import vllm` and before an engine starts."""
    from vllm.lora.ops.torch_ops import lora_ops
    from vllm.lora.punica_wrapper import punica_cpu

    for name, function in {"bgmv_expand": _expand, "bgmv_expand_slice": _expand_slice, "bgmv_shrink": _shrink}.items():
        for module in (lora_ops, punica_cpu):
            if not hasattr(module, name):
                raise RuntimeError(f"this vLLM has no {module.__name__}.{name}: cpu_lora was written for 0.32")
            setattr(module, name, function)
