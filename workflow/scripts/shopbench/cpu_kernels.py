"""vLLM's 4-bit matrix product in plain torch, for CPUs without AVX-512.

The CPU wheel of vLLM loads AWQ and GPTQ weights on any x86-64, but brings the kernel that multiplies by them for AVX-512 alone. Where that
operator is missing, this one takes its place, in the same layout: slow, and enough for a tiny model. Imports torch when called.
"""

from __future__ import annotations

from typing import Any

from shopbench.files import progress

NAME = "cpu_gemm_wna16"
TENSORS = "Tensor input, Tensor q_weight, Tensor(a2!) output, Tensor scales, Tensor? zeros, Tensor? bias"
ARGUMENTS = f"{TENSORS}, SymInt pack_factor, str isa_hint"

# vLLM lays weights out in blocks of this many outputs; a word holds 8 codes of 4 bits, lowest first.
BLOCK, CODES, BITS = 16, 8, 4
# The zero of symmetric GPTQ weights, which come without zeros.
SYMMETRIC_ZERO = 8

_registered: list[Any] = []


def register_missing_kernels() -> None:
    """Give vLLM the operator if its wheel has none for this CPU. Holds for this process alone, so not for tensor parallelism on the CPU."""
    import torch
    import vllm._custom_ops  # noqa: F401  (loads the wheel's operators)

    if hasattr(torch.ops._C, NAME):
        return
    library = torch.library.Library("_C", "FRAGMENT")
    library.define(f"{NAME}({ARGUMENTS}) -> ()")
    library.impl(NAME, gemm_4bit, "CPU")
    # torch takes operators back when their library is collected.
    _registered.append(library)
    progress("this CPU has no AVX-512, for which alone vLLM has a 4-bit kernel: 4-bit weights are multiplied by plain torch")


def gemm_4bit(input: Any, q_weight: Any, output: Any, scales: Any, zeros: Any, bias: Any, pack_factor: int, isa_hint: str) -> None:
    """output (M, N) = input (M, K) x weights (K, N) + bias (N).

    A weight is scale * (code - zero). `q_weight` is int32 of shape (N / 16, 2 K): blocks of 16 outputs, in each one input after the other.
    `scales` has shape (K / group, N), `zeros` is int32 of shape (K / group, N / 8) or None.
    """
    inputs, (groups, outputs) = input.shape[1], scales.shape
    blocks = unpacked(q_weight.reshape(outputs // BLOCK, inputs, BLOCK // CODES))
    codes = blocks.permute(1, 0, 2).reshape(groups, inputs // groups, outputs)
    zero = SYMMETRIC_ZERO if zeros is None else unpacked(zeros)[:, None, :]
    weight = ((codes - zero) * scales.float()[:, None, :]).reshape(inputs, outputs)
    product = input.float() @ weight
    output.copy_(product if bias is None else product + bias.float())


def unpacked(words: Any) -> Any:
    """int32 of shape (..., n) to the 8 codes of each word, shape (..., 8 n)."""
    import torch

    shifts = torch.arange(CODES, dtype=torch.int32) * BITS
    return ((words[..., None] >> shifts) & (2**BITS - 1)).flatten(-2)
