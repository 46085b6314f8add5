"""LoRA on vLLM's CPU runner: our grouped products against its own operators, on one prefill batch of the demo's model."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch

TOKENS, RANK, WIDTH = 2048, 64, 512
RUNS = 7


def measure(scale: float) -> dict[str, float]:
    from vllm.lora.ops.torch_ops import lora_ops

    from shopbench import cpu_lora

    torch.manual_seed(0)
    hidden, weights = torch.randn(TOKENS, RANK), torch.randn(2, 1, WIDTH, RANK)
    indices = torch.zeros(TOKENS, dtype=torch.long)

    def seconds(operator: Callable[..., None]) -> float:
        output = torch.zeros(TOKENS, WIDTH)
        started = time.perf_counter()
        operator(hidden, weights, output, indices, True)
        return time.perf_counter() - started

    ratios = [seconds(lora_ops.bgmv_expand) / seconds(cpu_lora._expand) for _ in range(RUNS)]
    return {"inference.cpu_lora_speedup": statistics.median(ratios)}
