"""The same samples trained on in other ways: padded in random groups, in a bare loop, by TRL. Losses are means over answer tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel

from shopbench.packing import first_fit_decreasing, packed, padded, token_weights
from shopbench.qlora import load_model, loss_of, trainable
from shopbench.samples import Sample
from shopbench.training_config import TrainingConfig


def padded_steps(
    model: PeftModel, optimizer: torch.optim.Optimizer, batches: Sequence[Sequence[Sample]], group: int, config: TrainingConfig
) -> list[float]:
    """Groups of samples as they come, each padded to its longest."""
    losses = []
    for batch in batches:
        weights = token_weights(batch, config.loss_reduction)
        parts = [padded(batch[start : start + group], weights[start : start + group]) for start in range(0, len(batch), group)]
        losses.append(_step(model, optimizer, parts, config))
    return losses


def bare_steps(
    model: PeftModel, optimizer: torch.optim.Optimizer, batches: Sequence[Sequence[Sample]], config: TrainingConfig
) -> list[float]:
    """The packed rows that we train on, in the shortest loop that does it."""
    losses = []
    for batch in batches:
        weights = token_weights(batch, config.loss_reduction)
        rows = first_fit_decreasing([len(sample) for sample in batch], config.max_length)
        losses.append(_step(model, optimizer, [packed([batch[i] for i in row], [weights[i] for i in row]) for row in rows], config))
    return losses


def _step(model: PeftModel, optimizer: torch.optim.Optimizer, parts: Sequence[Any], config: TrainingConfig) -> float:
    total = 0.0
    for part in parts:
        loss = loss_of(model, part, getattr(torch, config.compute_dtype))
        loss.backward()
        total += loss.item()
    torch.nn.utils.clip_grad_norm_(trainable(model), config.clip_norm)
    optimizer.step()
    optimizer.zero_grad()
    return total


def trl_steps(folder: Path, config: TrainingConfig, batches: Sequence[Sequence[Sample]], scratch: Path) -> Callable[[], list[float]]:
    """A function that trains a model of its own on the batches with TRL's SFTTrainer, packed into rows of the same length.

    A call is one epoch, from the state in which the last one ended; it returns the loss of its first step alone.
    """
    from datasets import Dataset
    from transformers import TrainerCallback
    from trl import SFTConfig, SFTTrainer

    from shopbench.tiny_qwen2 import train_tokenizer

    model = load_model(folder, config, torch.device("cpu"), None)
    model.get_base_model().set_attn_implementation("sdpa")
    samples = [sample for batch in batches for sample in batch]
    rows = {
        "input_ids": [sample.tokens.tolist() for sample in samples],
        "completion_mask": [[0] * (len(sample) - sample.answer_length) + [1] * sample.answer_length for sample in samples],
    }
    settings = SFTConfig(
        output_dir=str(scratch / "trl"), use_cpu=True, bf16=False, packing=True, max_length=config.max_length, completion_only_loss=True,
        per_device_train_batch_size=1, gradient_accumulation_steps=1, num_train_epochs=1, learning_rate=1e-4,
        weight_decay=config.weight_decay, lr_scheduler_type="constant", max_grad_norm=config.clip_norm, gradient_checkpointing=False,
        logging_steps=1, save_strategy="no", report_to="none", disable_tqdm=True, dataloader_pin_memory=False, seed=config.seed,
    )  # fmt: skip
    losses: list[float] = []

    class Losses(TrainerCallback):
        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **_: Any) -> None:
            if logs and "loss" in logs:
                losses.append(logs["loss"])

    trainer = SFTTrainer(
        model=model,
        args=settings,
        train_dataset=Dataset.from_dict(rows),
        processing_class=train_tokenizer(["a"], 300),
        callbacks=[Losses()],
    )

    def run() -> list[float]:
        losses.clear()
        trainer.train()
        return losses[:]

    return run
