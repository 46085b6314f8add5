"""GPU memory of QLoRA training, summed term by term: each GPU of a data-parallel run holds all of it.

Source of the terms: QLoRA (arXiv 2305.14314) for the 4-bit base, activation checkpointing (arXiv 1604.06174) for the activations, and what
train_adapter.py does: a float32 adapter, 8-bit Adam, the output layer at answer positions alone. Not measured on a GPU.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from shopbench.model_shapes import ModelShape

# NF4 with double quantization: 4 bits, an 8-bit scale for 64 weights, a float32 for 256 of those.
NF4_BYTES = 4 / 8 + 1 / 64 + 4 / (64 * 256)
# 8-bit Adam: two moments, each with a float32 scale for 256 of them.
ADAM_8BIT_BYTES, ADAM_BYTES = 2 * (1 + 4 / 256), 8
# bfloat16 logits, the float32 copy, its gradient and the bfloat16 gradient.
LOGITS_BYTES = 2 + 4 + 4 + 2
# CUDA's context, libraries' workspaces, NCCL's buffers, fragments; an assumption.
OVERHEAD = 4e9


class Term(NamedTuple):
    what: str
    formula: str
    bytes: float


def qlora_memory(shape: ModelShape, training: Mapping[str, Any]) -> list[Term]:
    """The terms for one GPU, for rows of training.max_length tokens; the largest that they can be."""
    width = 4 if training["compute_dtype"] == "float32" else 2
    tokens, rank = training["max_length"], training["rank"]
    lora = shape.lora_parameters(rank)
    moments = ADAM_8BIT_BYTES if "8bit" in training["optimizer"] else ADAM_BYTES
    largest = max(inputs * outputs for inputs, outputs in shape.linear_layers)
    # Inputs and outputs of the seven linear layers, and the LoRA branches' inputs after dropout.
    block = tokens * width * sum(2 * inputs + outputs for inputs, outputs in shape.linear_layers)
    checkpointed = bool(training["gradient_checkpointing"])
    activations = [
        Term("one block's activations, recomputed", f"{tokens} tokens x {width} bytes x (2 inputs + outputs) of 7 linear layers", block),
        Term(
            "inputs of all blocks",
            f"{shape.layers} x {tokens} x {shape.hidden} x {width} bytes",
            shape.layers * tokens * shape.hidden * width,
        ),
    ]
    if not checkpointed:
        activations = [Term("all blocks' activations", f"{shape.layers} x {tokens} tokens x {width} bytes x ...", shape.layers * block)]
    return [
        Term("base in NF4", f"{NF4_BYTES:.4f} bytes x {shape.linear_parameters / 1e9:.2f}e9 weights", NF4_BYTES * shape.linear_parameters),
        Term(
            "embeddings, output layer",
            f"{width} bytes x {shape.embedding_parameters / 1e9:.2f}e9 weights",
            width * shape.embedding_parameters,
        ),
        Term(f"LoRA, rank {rank}", f"4 bytes x {lora / 1e6:.0f}e6 weights (float32)", 4 * lora),
        Term("its gradients", f"4 bytes x {lora / 1e6:.0f}e6", 4 * lora),
        Term("its Adam moments", f"{moments:.2f} bytes x {lora / 1e6:.0f}e6 ({training['optimizer']})", moments * lora),
        *activations,
        Term("a layer's weights, unpacked", f"2 x {width} bytes x {largest / 1e6:.0f}e6 weights", 2 * width * largest),
        Term(
            "logits of a row of answers alone",
            f"{LOGITS_BYTES} bytes x {tokens} tokens x {shape.vocabulary}",
            LOGITS_BYTES * tokens * shape.vocabulary,
        ),
        Term("CUDA, libraries, fragments", "assumed", OVERHEAD),
    ]
