"""GPU memory of QLoRA training, summed term by term: each GPU of a data-parallel run holds all of it.

Source of the terms: QLoRA (arXiv 2305.14314) for the 4-bit base, activation checkpointing (arXiv 1604.06174) for the activations, and what
train_adapter.py and the libraries below it keep for the backward pass: a float32 adapter, its inputs after dropout, 8-bit Adam, the output
layer at answer positions alone. Compared with measured runs of three shapes on a CPU by benchmarks/bench_training.py; not with a GPU's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from shopbench.model_shapes import ModelShape

# NF4 with double quantization: 4 bits, an 8-bit scale for 64 weights, a float32 for 256 of those.
NF4_BYTES = 4 / 8 + 1 / 64 + 4 / (64 * 256)
# 8-bit Adam: two moments, each with a float32 scale for 256 of them.
ADAM_8BIT_BYTES, ADAM_BYTES = 2 * (1 + 4 / 256), 8


class Term(NamedTuple):
    what: str
    formula: str
    bytes: float


# CUDA's context, libraries' workspaces, NCCL's buffers, fragments.
OVERHEAD = Term("CUDA, libraries, fragments", "assumed", 4e9)


def gpu_memory(shape: ModelShape, training: Mapping[str, Any]) -> list[Term]:
    """What one GPU has to hold, at most."""
    return [*qlora_memory(shape, training), OVERHEAD]


def qlora_memory(shape: ModelShape, training: Mapping[str, Any], answers: int | None = None, device: str = "cuda") -> list[Term]:
    """What training holds in tensors, for rows of training.max_length tokens of which `answers` (all if None) are learned."""
    width = 4 if training["compute_dtype"] == "float32" else 2
    tokens, rank, layers = training["max_length"], training["rank"], shape.layers
    lora = shape.lora_parameters(rank)
    moments = ADAM_8BIT_BYTES if "8bit" in training["optimizer"] else ADAM_BYTES
    largest = max(inputs * outputs for inputs, outputs in shape.linear_layers)
    inputs = sum(inputs for inputs, _ in shape.linear_layers)
    queries, keys = shape.heads * shape.head_size, shape.kv_heads * shape.head_size
    # Of a block, by token: each LoRA's input after dropout, dropout's mask (on a CPU of float32, not of bytes) and what A makes of it;
    # attention's q, k, v and result; the MLP's gate, its activation and up; the float32 input of both norms.
    adapted = inputs * (width + (1 if device == "cuda" else 4)) + 7 * rank * width
    block = adapted + 2 * width * (queries + keys) + 3 * width * shape.intermediate + 8 * shape.hidden
    # Gradients on their way back through the MLP, the widest place.
    passing = 2 * width * shape.intermediate + 4 * shape.intermediate
    by_block = shape.hidden * width if training["gradient_checkpointing"] else block
    kept = "inputs of all blocks" if training["gradient_checkpointing"] else "all blocks' activations"
    # The backward pass begins with the logits: their float32 copy, its softmax and gradient, and their own gradient. They are gone when it
    # reaches the blocks, each of them recomputed first where only its input was kept.
    logits = (2 * width + 12) * (answers or tokens) * shape.vocabulary
    blocks = tokens * passing + 2 * width * largest + (tokens * block if training["gradient_checkpointing"] else 0)
    cast = 0 if width == 4 else width * lora
    return [
        Term("base in NF4", f"{NF4_BYTES:.4f} bytes x {shape.linear_parameters / 1e9:.2f}e9 weights", NF4_BYTES * shape.linear_parameters),
        Term(
            "embeddings, output layer",
            f"{width} bytes x {shape.embedding_parameters / 1e9:.2f}e9 weights",
            width * shape.embedding_parameters,
        ),
        Term(f"LoRA, rank {rank}", f"4 bytes x {lora / 1e6:.0f}e6 weights (float32)", 4 * lora),
        Term("its copy in the compute type", f"{width if cast else 0} bytes x {lora / 1e6:.0f}e6", cast),
        Term("its gradients", f"4 bytes x {lora / 1e6:.0f}e6", 4 * lora),
        Term("its Adam moments", f"{moments:.2f} bytes x {lora / 1e6:.0f}e6 ({training['optimizer']})", moments * lora),
        Term(kept, f"{layers} x {tokens} tokens x {by_block} bytes", layers * tokens * by_block),
        Term("a block's backward pass, or the logits'", f"the larger of {blocks / 1e9:.1f} and {logits / 1e9:.1f} GB", max(blocks, logits)),
    ]
