"""The hyper-parameters of an adapter's training, with the paper's values as defaults, and how a training is watched.

Source: Team NVIDIA's KDD Cup '24 solution (arXiv 2408.04658). It does not give sequence length, epochs, packing and clipping: those values
are ours.
"""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass
from typing import Any

from shopbench.files import BadInput

CHOICES = {
    "schedule": ("cosine", "constant"),
    "loss_reduction": ("sample", "token"),
    "compute_dtype": ("bfloat16", "float32"),
    "optimizer": ("adamw", "paged_adamw_8bit"),
}


@dataclass(frozen=True)
class TrainingConfig:
    rank: int = 64
    # LoRA's scale is alpha / rank.
    alpha: int = 32
    # Applied to the input of every LoRA branch.
    dropout: float = 0.05
    # Peak of the schedule.
    learning_rate: float = 2e-4
    weight_decay: float = 0.01
    # Optimizer steps of linear warm-up.
    warmup_steps: int = 10
    schedule: str = "cosine"
    epochs: int = 1
    # Samples that one optimizer step sees, over all processes and whatever the packing.
    batch_samples: int = 32
    # Tokens of one packed row, and the longest sample: a longer prompt loses the middle of its longest lines.
    max_length: int = 2048
    # Several samples in a row, each blind to the others; false puts every sample in a row of its own, padded, by like length.
    packing: bool = True
    # "sample": the mean over samples of each one's mean token loss, so that a long answer weighs no more than a digit.
    # "token": the mean over all answer tokens.
    loss_reduction: str = "sample"
    # What the 4-bit weights are unpacked to. The adapter itself is float32 always.
    compute_dtype: str = "bfloat16"
    # Recompute activations in the backward pass: a third more time, a fraction of the memory.
    gradient_checkpointing: bool = True
    optimizer: str = "paged_adamw_8bit"
    # Gradients are scaled down to this global norm.
    clip_norm: float = 1.0
    # End after so many optimizer steps; the schedule then spans these (null: all epochs).
    max_steps: int | None = None
    seed: int = 1

    @classmethod
    def from_json(cls, text: str) -> TrainingConfig:
        """Read a JSON object of these fields, any of them left out; an unknown field or choice is a `BadInput` that names it."""
        values = known_values(cls, "training", text)
        for name, choices in CHOICES.items():
            if name in values and values[name] not in choices:
                raise BadInput(f"training.{name}: {values[name]!r} is not one of {', '.join(choices)}")
        return cls(**values)

    def steps_for(self, samples: int) -> int:
        """Optimizer steps of the whole run over a blend of so many samples; each epoch's last batch may be smaller."""
        steps = self.epochs * math.ceil(samples / self.batch_samples)
        return steps if self.max_steps is None else min(steps, self.max_steps)

    def learning_rate_at(self, step: int, steps: int) -> float:
        """Learning rate of optimizer step `step` of `steps`, counted from 0: linear warm-up from 0, then a cosine to 0 (or constant)."""
        if step < self.warmup_steps:
            return self.learning_rate * step / self.warmup_steps
        if self.schedule == "constant":
            return self.learning_rate
        progress = (step - self.warmup_steps) / max(1, steps - self.warmup_steps)
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * progress))


@dataclass(frozen=True)
class Watching:
    """What a training writes and looks at while it runs: nothing here changes the adapter that it ends with."""

    checkpoint_minutes: float = 30
    # Besides the minutes, every so many optimizer steps (null: minutes alone).
    checkpoint_steps: int | None = None
    # The loss on held-out samples is taken before the first step, after every so many, and after the last.
    validation_steps: int = 500
    # So many of the held-out samples, or all if there are fewer.
    validation_samples: int = 512
    # The run stops when the mean loss of the last 20 steps is more than so many times that of the first 20.
    loss_limit: float = 3.0

    @classmethod
    def from_json(cls, text: str) -> Watching:
        """Read a JSON object of these fields, any of them left out; an unknown field is a `BadInput` that names it."""
        return cls(**known_values(cls, "watching", text))


def known_values(cls: type, section: str, text: str) -> dict[str, Any]:
    """The values of a JSON object, all of whose names are fields of a dataclass."""
    values: dict[str, Any] = json.loads(text)
    known = {field.name for field in dataclasses.fields(cls)}
    for name in values:
        if name not in known:
            raise BadInput(f"{section}.{name}: no such key; there are {', '.join(sorted(known))}")
    return values
