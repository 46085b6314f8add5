"""A 4-bit base model with a LoRA adapter: how it is loaded, what it computes of a micro-batch, how it is saved.

Source: QLoRA (Dettmers et al. 2023, arXiv 2305.14314).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
from safetensors.torch import load_file, save_file
from transformers import AttentionInterface, AutoModelForCausalLM, BitsAndBytesConfig

from shopbench.files import BadInput, read_json
from shopbench.packing import MicroBatch
from shopbench.training_config import TrainingConfig

WEIGHTS = "adapter_model.safetensors"


def attend_within_samples(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: None,
    scaling: float,
    lengths: tuple[int, ...],
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """Causal attention of each of a row's samples by itself: no mask over the row, so that the kernels for plain causal attention serve.

    query is [R, heads, L, d], key and value [R, key-value heads, L, d], `lengths` as in `MicroBatch`; returns [R, L, heads, d].
    """
    parts = zip(query.split(lengths, 2), key.split(lengths, 2), value.split(lengths, 2), strict=True)
    seen = [F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=scaling, enable_gqa=True) for q, k, v in parts]
    return torch.cat(seen, 2).transpose(1, 2), None


AttentionInterface.register("within_samples", attend_within_samples)


def load_model(base: Path, config: TrainingConfig, device: torch.device, start_from: Path | None) -> PeftModel:
    """The base in NF4 with double quantization, frozen, and float32 LoRA matrices on all linear layers but the output layer."""
    compute_dtype = getattr(torch, config.compute_dtype)
    quantization = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=compute_dtype
    )
    model = AutoModelForCausalLM.from_pretrained(
        base, quantization_config=quantization, dtype=compute_dtype, device_map={"": device}, attn_implementation="within_samples"
    )
    if "sliding_attention" in getattr(model.config, "layer_types", []):
        raise BadInput(f"{base / 'config.json'}: attention over a sliding window is not what is trained here; give a model without")
    model.requires_grad_(False)
    model.config.use_cache = False
    if config.gradient_checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    # LoRA's A is drawn here: the seed makes it the same in every process and every run.
    torch.manual_seed(config.seed)
    lora = LoraConfig(
        r=config.rank, lora_alpha=config.alpha, lora_dropout=config.dropout, target_modules="all-linear", bias="none", task_type="CAUSAL_LM"
    )
    peft_model = get_peft_model(model, lora, autocast_adapter_dtype=True)
    if start_from:
        load_start(peft_model, start_from, config)
    return peft_model.train()


def load_start(model: PeftModel, folder: Path, config: TrainingConfig) -> None:
    """Put a saved adapter's weights into the model; another rank or alpha would make another adapter of them."""
    saved = read_json(folder / "adapter_config.json")
    if (saved["r"], saved["lora_alpha"]) != (config.rank, config.alpha):
        raise BadInput(f"{folder}: rank {saved['r']}, alpha {saved['lora_alpha']}; set training.rank and training.alpha to these")
    outcome = set_peft_model_state_dict(model, load_file(folder / WEIGHTS))
    missing = [name for name in outcome.missing_keys if "lora_" in name]
    if missing or outcome.unexpected_keys:
        raise BadInput(f"{folder}: not an adapter of this model ({(missing + outcome.unexpected_keys)[0]} does not match)")


def trainable(model: torch.nn.Module) -> list[torch.nn.Parameter]:
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


def make_optimizer(model: torch.nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    if config.optimizer == "adamw":
        return torch.optim.AdamW(trainable(model), lr=config.learning_rate, weight_decay=config.weight_decay)
    if not torch.cuda.is_available():
        raise BadInput(f"training.optimizer: {config.optimizer} needs a GPU; set adamw")
    from bitsandbytes.optim import PagedAdamW8bit

    return PagedAdamW8bit(trainable(model), lr=config.learning_rate, weight_decay=config.weight_decay)


def loss_of(model: PeftModel, batch: MicroBatch, compute_dtype: torch.dtype) -> torch.Tensor:
    """Weighted sum of the answer tokens' cross entropies (nats). The output layer runs at their positions alone."""
    causal = model.get_base_model()
    # The float32 adapter too is multiplied in the compute type.
    with torch.autocast(batch.input_ids.device.type, compute_dtype, enabled=compute_dtype != torch.float32):
        hidden = causal.get_decoder()(input_ids=batch.input_ids, position_ids=batch.position_ids, lengths=batch.lengths).last_hidden_state
        logits = causal.get_output_embeddings()(hidden.flatten(0, 1)[batch.predicting])
    losses = F.cross_entropy(logits.float(), batch.targets, reduction="none")
    return (batch.weights * losses).sum()


def save_adapter(model: PeftModel, folder: Path) -> None:
    """Write PEFT's two files, the weights last. Sorted names make the same adapter the same bytes."""
    lora = model.peft_config["default"]
    lora.target_modules = sorted(lora.target_modules)
    lora.save_pretrained(folder)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in sorted(get_peft_model_state_dict(model).items())}
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
