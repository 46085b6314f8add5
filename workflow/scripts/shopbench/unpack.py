"""The weights inside AWQ and GPTQ checkpoints, unpacked with plain torch.

Written from the formats alone and sharing no code with the library that quantizes, so that it can judge that library. A weight is scale *
(code - zero) with one scale and one zero per output and group of inputs. Sources: AutoGPTQ's and AutoAWQ's checkpoint formats.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from shopbench.tensors import TensorFiles

# Output j of each eight lies in this nibble of AWQ's words.
AWQ_NIBBLES = (0, 4, 1, 5, 2, 6, 3, 7)


@dataclass(frozen=True)
class Unpacked:
    """One linear layer, float32 of shape (outputs, inputs): the weights, and the step (the scale) of each."""

    weight: torch.Tensor
    step: torch.Tensor


def unpack(tensors: TensorFiles, module: str, checkpoint_format: str, bits: int) -> Unpacked:
    """Unpack `module`'s qweight, qzeros and scales. `checkpoint_format` is gemm (AWQ), gptq (zeros stored less one) or gptq_v2."""
    qweight, qzeros = (tensors.read(f"{module}.{part}") for part in ("qweight", "qzeros"))
    scales = tensors.read(f"{module}.scales").float()
    if checkpoint_format == "gemm":
        codes, zeros = _fields_along_columns(qweight, AWQ_NIBBLES), _fields_along_columns(qzeros, AWQ_NIBBLES)
        group = torch.arange(codes.shape[0]) // (codes.shape[0] // scales.shape[0])
    else:
        codes = _fields_along_columns(qweight.T, range(32 // bits)).T
        zeros = _fields_along_columns(qzeros, range(32 // bits))
        if checkpoint_format == "gptq":
            zeros = zeros + 1
        group = tensors.read(f"{module}.g_idx").long()
    step = scales[group]
    weight = step * (codes - zeros[group])
    return Unpacked(weight.T.contiguous(), step.T.contiguous())


def _fields_along_columns(words: torch.Tensor, order: tuple[int, ...] | range) -> torch.Tensor:
    """Split int32 words (rows, n) into their bit fields (rows, n * len(order)), the fields of a word in the given order."""
    bits = 32 // len(order)
    shifts = torch.tensor([bits * field for field in order], dtype=torch.int32)
    fields = (words[:, :, None] >> shifts) & (2**bits - 1)
    return fields.flatten(1)
