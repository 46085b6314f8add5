"""AWQ by AutoAWQ 0.2.9, the library of the winning solution (archived since), in an environment of its own.

The whole model is in memory as float16; on CUDA one layer after the other goes to the GPU. Nothing of an interrupted start is kept.
Source of the method: AWQ (https://arxiv.org/abs/2306.00978).
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from shopbench.files import progress
from shopbench.quantization import Order, legacy_model, token_ids

PACKAGE = "autoawq"
METHODS = ("awq",)
DEVICES = ("cpu", "cuda")


def quantize(order: Order, folder: Path) -> None:
    """Leave the quantized model in `folder`."""
    # AutoAWQ takes a GPU wherever there is one.
    if order.device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    import torch
    from awq import AutoAWQForCausalLM
    from awq.quantize.quantizer import AwqQuantizer

    view = legacy_model(order.model, folder / "legacy")
    model = AutoAWQForCausalLM.from_pretrained(str(view), torch_dtype=torch.float16, trust_remote_code=False)
    texts = token_ids(order.model, order.texts)
    # Texts longer than a block would be left out, so the longest one is a block. What is over when they are cut into blocks is lost.
    block = max(map(len, texts))
    progress(f"{sum(map(len, texts)):,} tokens in blocks of {block:,}")
    model.quantize(
        quant_config={"zero_point": True, "q_group_size": order.group_size, "w_bit": order.bits, "version": "GEMM"},
        calib_data=texts,
        max_calib_samples=len(texts),
        max_calib_seq_len=block,
        n_parallel_calib_samples=1,
        quantizer_cls=AwqQuantizer if order.device == "cuda" else safe_on_cpu(AwqQuantizer),
    )
    model.save_quantized(str(folder))
    shutil.rmtree(view)


def safe_on_cpu(quantizer: type) -> type:
    """AutoAWQ's quantizer with a true copy of the weights that it tries scales on.

    It copies them by `.cpu()`, which on the CPU is the tensor itself: every trial's rounding would stay in the model.
    """

    class Safe(quantizer):  # type: ignore[misc]
        def _compute_best_scale(self, x: Any, w_mean: Any, x_mean: Any, module2inspect: Any, *others: Any) -> Any:
            state_dict = module2inspect.state_dict
            module2inspect.state_dict = lambda: {name: tensor.clone() for name, tensor in state_dict().items()}
            try:
                return super()._compute_best_scale(x, w_mean, x_mean, module2inspect, *others)
            finally:
                del module2inspect.state_dict

    return Safe
