"""GPTQ by AutoGPTQ 0.7.1 (archived), in an environment of its own. CUDA alone: its loader refuses to start without.

The whole model is in memory as float16; one layer after the other goes to the GPU. Nothing of an interrupted start is kept.
Source of the method: GPTQ (https://arxiv.org/abs/2210.17323).
"""

from __future__ import annotations

import shutil
from pathlib import Path

from shopbench.quantization import Order, legacy_model, token_ids

PACKAGE = "auto-gptq"
METHODS = ("gptq",)
DEVICES = ("cuda",)


def quantize(order: Order, folder: Path) -> None:
    """Leave the quantized model in `folder`."""
    import torch
    from auto_gptq import AutoGPTQForCausalLM, BaseQuantizeConfig

    view = legacy_model(order.model, folder / "legacy")
    config = BaseQuantizeConfig(
        bits=order.bits, group_size=order.group_size, sym=True, desc_act=False, model_file_base_name="model", model_name_or_path=None
    )
    model = AutoGPTQForCausalLM.from_pretrained(str(view), config, torch_dtype=torch.float16)
    texts = [{"input_ids": ids, "attention_mask": [1] * len(ids)} for ids in token_ids(order.model, order.texts)]
    model.quantize(texts, batch_size=1, cache_examples_on_gpu=False)
    model.save_quantized(str(folder))
    shutil.rmtree(view)
