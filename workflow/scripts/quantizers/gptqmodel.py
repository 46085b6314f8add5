"""AWQ and GPTQ by gptqmodel, on CPU and CUDA: the default.

One layer is in memory at a time: the others wait on disk, before and after. Each finished layer is a checkpoint that a later start goes on
from. Source of the methods: AWQ (https://arxiv.org/abs/2306.00978), GPTQ (https://arxiv.org/abs/2210.17323), as gptqmodel has them.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from shopbench.files import BadInput, progress, read_json
from shopbench.model_config import weight_dtype
from shopbench.quantization import Order

PACKAGE = "gptqmodel"
METHODS = ("awq", "gptq")
DEVICES = ("cpu", "cuda")


def quantize(order: Order, folder: Path) -> None:
    """Leave the quantized model in `folder`."""
    # gptqmodel's loader asks for two workers and refuses to start with one.
    os.environ.setdefault("GPTQMODEL_CPU_WORKERS", str(max(2, int(os.environ.get("OMP_NUM_THREADS", 2)))))
    import torch
    from gptqmodel import BACKEND, GPTQModel, QuantizeConfig
    from gptqmodel.looper.checkpoint import CheckpointStopped
    from gptqmodel.looper.checkpoint_store import CheckpointConfig, CheckpointError
    from gptqmodel.quantization import FORMAT, METHOD

    kinds: dict[str, dict[str, Any]] = {
        "awq": {"quant_method": METHOD.AWQ, "format": FORMAT.GEMM, "sym": False},
        "gptq": {"quant_method": METHOD.GPTQ, "format": FORMAT.GPTQ, "sym": True, "desc_act": False},
    }
    # The packing of the "cpu" kind compiles an extension into the home directory at its first use.
    pack = "gpu" if order.device == "cuda" else "original"
    offload = folder / "offload"
    config = QuantizeConfig(
        bits=order.bits,
        group_size=order.group_size,
        **kinds[order.method],
        device=order.device,
        pack_impl=pack,
        offload_to_disk_path=str(offload),
    )
    # Left to itself gptqmodel rounds the weights to bfloat16 first. Its AWQ layers hold half types alone.
    dtype = weight_dtype(read_json(order.model / "config.json"))
    if order.method == "awq" and dtype == "float32":
        dtype = "bfloat16"
    model = GPTQModel.load(str(order.model), config, dtype=getattr(torch, dtype))
    accept_qwen2(getattr(torch, dtype))
    # Another GPU of the same model may go on; one of another model starts afresh.
    parts = order.parts / (torch.cuda.get_device_name().replace(" ", "-") if order.device == "cuda" else "cpu")
    if (parts / "CURRENT").exists():
        progress(f"going on from the layers that are finished in {parts}")
    backend = BACKEND.AWQ_TORCH if order.method == "awq" and order.device == "cpu" else BACKEND.AUTO
    try:
        model.quantize(order.texts, batch_size=1, backend=backend, checkpoint=CheckpointConfig(parts, strict_device_check=False))
    except CheckpointStopped:
        raise BadInput(f"stopped at a whole layer, as a signal asked for; run again to go on from it ({parts})") from None
    except CheckpointError as error:
        raise BadInput(f"{parts}: its layers cannot be gone on from ({error}); unless another job is at it, delete it and rerun") from None
    model.save(str(folder))
    shutil.rmtree(offload, ignore_errors=True)
    (folder / "quant_log.csv").unlink(missing_ok=True)


def accept_qwen2(dtype: Any) -> None:
    """Let gptqmodel keep checkpoints of Qwen2, and take them up again whatever the weights' torch dtype.

    It lists the kinds of model that it does so for: Llama and one other. What it keeps between two layers are the finished modules and the
    next layer's inputs, and a Qwen2 is a Llama whose attention has biases. It expects AWQ's scales and biases in float16 when it goes on,
    yet writes them in the model's own type. The tests kill it between layers and compare all weights.
    """
    from gptqmodel.looper import gptq_checkpoint

    check, restore = gptq_checkpoint.validate_checkpoint_support, gptq_checkpoint.restore_packed_module

    def check_as_llama(model: Any, **settings: Any) -> None:
        config = model.model.config
        own = config.model_type
        config.model_type = "llama" if own == "qwen2" else own
        try:
            check(model, **settings)
        finally:
            config.model_type = own

    def restore_as_written(spec: Any, **settings: Any) -> Any:
        module = restore(spec, **settings)
        return module.to(dtype) if type(module).__name__.startswith("Awq") else module

    gptq_checkpoint.validate_checkpoint_support = check_as_llama
    gptq_checkpoint.restore_packed_module = restore_as_written
