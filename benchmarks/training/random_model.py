"""Random-weight Qwen2 models by shape, and random samples of given lengths: what throughput and memory depend on, without a download."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from transformers import Qwen2Config, Qwen2ForCausalLM

from shopbench.model_shapes import ModelShape
from shopbench.samples import Sample


def random_model(shape: ModelShape, scratch: Path) -> Path:
    """A folder with such a model in bfloat16, made unless it is there; without a tokenizer."""
    folder = scratch / f"qwen2-{shape.layers}-{shape.hidden}-{shape.intermediate}-{shape.heads}-{shape.kv_heads}-{shape.vocabulary}"
    if not (folder / "config.json").exists():
        torch.manual_seed(0)
        config = Qwen2Config(
            vocab_size=shape.vocabulary,
            hidden_size=shape.hidden,
            intermediate_size=shape.intermediate,
            num_hidden_layers=shape.layers,
            num_attention_heads=shape.heads,
            num_key_value_heads=shape.kv_heads,
            tie_word_embeddings=shape.tied,
            dtype="bfloat16",
        )
        Qwen2ForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
    return folder


def random_samples(lengths: Sequence[tuple[int, int]], vocabulary: int, seed: int = 0) -> list[Sample]:
    """Samples of these lengths of (prompt, answer) in tokens."""
    draw = np.random.default_rng(seed)
    return [Sample(draw.integers(0, vocabulary, prompt + answer, dtype=np.int32), answer, 0) for prompt, answer in lengths]
