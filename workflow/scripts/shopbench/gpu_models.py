"""What GPU models can do, from their makers' data sheets, looked up by the names that sites give them. Standard library alone."""

from __future__ import annotations

import re
from typing import NamedTuple


class Gpu(NamedTuple):
    """Dense 16-bit arithmetic (FLOP/s: bfloat16, or float16 where that is missing), memory bandwidth (bytes/s), and bfloat16 or not."""

    flops: float
    bandwidth: float
    bfloat16: bool = True


GPUS = {
    "b200": Gpu(2250e12, 8.0e12),
    "h200": Gpu(990e12, 4.8e12),
    "h100": Gpu(990e12, 3.35e12),
    "a100": Gpu(312e12, 2.0e12),
    "a6000": Gpu(155e12, 0.77e12),
    "a40": Gpu(150e12, 0.70e12),
    "a30": Gpu(165e12, 0.93e12),
    "a10": Gpu(125e12, 0.60e12),
    "l40s": Gpu(362e12, 0.86e12),
    "l40": Gpu(181e12, 0.86e12),
    "l4": Gpu(121e12, 0.30e12),
    "4090": Gpu(165e12, 1.01e12),
    "3090": Gpu(71e12, 0.94e12),
    "v100": Gpu(125e12, 0.90e12, bfloat16=False),
    "t4": Gpu(65e12, 0.32e12, bfloat16=False),
    "p100": Gpu(21e12, 0.73e12, bfloat16=False),
    "2080": Gpu(54e12, 0.62e12, bfloat16=False),
}


def find_gpu(name: str | None) -> Gpu | None:
    """The GPU that a site calls `name` (a100, nvidia_a100_80gb_pcie, tesla_t4), or None if it is not in the table."""
    for key, gpu in GPUS.items():
        # The whole word: l4 is not in l40, and a10 not in a100. RTX 2080 Ti may be written rtx2080ti.
        if re.search(rf"(?<![a-z0-9]){key}(?![a-z0-9])|rtx_?{key}", (name or "").lower()):
            return gpu
    return None
