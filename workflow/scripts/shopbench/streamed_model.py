"""A forward pass that holds one module's weights at a time, so that a model of any size can be run on one machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch


def streamed_log_probs(
    config_folder: Path, tokens: torch.Tensor, mask: torch.Tensor, read: Callable[[str], torch.Tensor], device: str
) -> torch.Tensor:
    """Next-token log probabilities (texts, positions, vocabulary), float32 on the CPU.

    `config_folder` has the config.json of a causal language model; `tokens` and `mask` are int64 (texts, positions), padded on the right.
    `read` gives a parameter's values by its name, and is asked just before the parameter's module runs.
    """
    from accelerate import init_empty_weights
    from transformers import AutoConfig, AutoModelForCausalLM

    with init_empty_weights(include_buffers=False):
        config = AutoConfig.from_pretrained(config_folder)
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32, attn_implementation="sdpa").eval()
    for name, module in model.named_modules():
        if any(True for _ in module.parameters(recurse=False)):
            _stream_parameters(module, name, read, device)
    for buffer in model.buffers():
        buffer.data = buffer.data.to(device)
    with torch.inference_mode():
        logits = model(input_ids=tokens.to(device), attention_mask=mask.to(device), use_cache=False).logits
        return torch.stack([text.float().log_softmax(-1).cpu() for text in logits])


def _stream_parameters(module: torch.nn.Module, name: str, read: Callable[[str], torch.Tensor], device: str) -> None:
    """Make `module` fetch its own parameters before each call and drop them after it."""
    empty = dict(module.named_parameters(recurse=False))

    def fetch(module: torch.nn.Module, _: object) -> None:
        for parameter in empty:
            values = read(f"{name}.{parameter}").float().to(device)
            module._parameters[parameter] = torch.nn.Parameter(values, requires_grad=False)

    def drop(module: torch.nn.Module, *_: object) -> None:
        module._parameters.update(empty)

    module.register_forward_pre_hook(fetch)
    module.register_forward_hook(drop)
