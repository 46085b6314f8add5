"""How wide the MLP of a merged model becomes: what the config says of it, for the rules and the plan. Standard library alone.

A 4-bit kernel takes whole groups of input channels, and each GPU of an engine a slice of down_proj's: the MLP has to be a multiple of
GPUs x group size. Qwen2-72B's 29,568 channels are none of 4 x 128, and become 29,696 (Team NVIDIA, arXiv 2408.04658).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

AUTO = "auto"


def mlp_multiple(config: Mapping[str, Any]) -> int:
    """What the MLP's width has to be a multiple of, for every method of the run's config and the GPUs that share a quantized model."""
    groups = math.lcm(*(method["group_size"] for method in config["quantization"]["methods"].values()))
    return config["inference"]["quantized"]["tensor_parallel"] * groups


def next_multiple(own: int, multiple: int) -> int:
    """The smallest multiple that is no smaller than `own`."""
    return -(-own // multiple) * multiple


def padded_width(own: int, config: Mapping[str, Any]) -> int:
    """MLP channels after the merge of a model that has `own`, by merge.pad_intermediate_to."""
    wanted = config["merge"]["pad_intermediate_to"]
    return next_multiple(own, mlp_multiple(config)) if wanted == AUTO else wanted or own


def padding_arguments(config: Mapping[str, Any]) -> str:
    """The options of merge_ensemble.py for merge.pad_intermediate_to; the model's own width is not known before it is there."""
    wanted = config["merge"]["pad_intermediate_to"]
    if wanted == AUTO:
        return f"--pad-intermediate-multiple {mlp_multiple(config)}"
    return f"--pad-intermediate-to {wanted}" if wanted else ""
