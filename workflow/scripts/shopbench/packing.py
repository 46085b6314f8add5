"""Batches of samples as rows of tokens in which several samples lie one after another, each blind to the others.

A sample's logits, and so its loss and gradients, are those that it would have alone: its positions start from 0 and a block-diagonal mask
hides its neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from shopbench.samples import Sample


def batches_of_epoch(samples: int, batch_samples: int, seed: int, epoch: int) -> list[np.ndarray]:
    """Shuffle the indices 0 to samples - 1 by (seed, epoch) and cut them into batches; the last one may be smaller."""
    order = np.random.default_rng([seed, epoch]).permutation(samples)
    return [order[start : start + batch_samples] for start in range(0, samples, batch_samples)]


def share_out(lengths: Sequence[int], processes: int) -> list[list[int]]:
    """Give each item to one of the processes, longest first to the one with the least so far; a process may get none."""
    shares: list[list[int]] = [[] for _ in range(processes)]
    loads = [0] * processes
    for item in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        lightest = loads.index(min(loads))
        shares[lightest].append(item)
        loads[lightest] += lengths[item]
    return shares


def first_fit_decreasing(lengths: Sequence[int], capacity: int) -> list[list[int]]:
    """Pack items into bins of `capacity`, longest first, each into the first bin with room.

    Source: D. S. Johnson's first-fit decreasing (1973): at most 11/9 of the fewest possible bins, plus one.
    """
    bins: list[list[int]] = []
    room: list[int] = []
    for item in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        place = next((b for b, free in enumerate(room) if free >= lengths[item]), len(bins))
        if place == len(bins):
            bins.append([])
            room.append(capacity)
        bins[place].append(item)
        room[place] -= lengths[item]
    return bins


@dataclass(frozen=True)
class Row:
    """One packed row of L tokens with A answer tokens, as a causal language model takes it (a batch of one, no padding)."""

    # int64 [1, L]
    input_ids: torch.Tensor
    # int64 [1, L]: from 0 within each sample.
    position_ids: torch.Tensor
    # bool [1, 1, L, L]: query i may look at key j, that is, j <= i in the same sample.
    attention_mask: torch.Tensor
    # int64 [A]: where the logits stand that predict the answer tokens (one position before each).
    predicting: torch.Tensor
    # int64 [A]: the answer tokens.
    targets: torch.Tensor
    # float32 [A]: what each answer token's loss counts for in the batch's loss.
    weights: torch.Tensor

    def to(self, device: torch.device) -> Row:
        return Row(**{name: tensor.to(device) for name, tensor in vars(self).items()})


def token_weights(batch: Sequence[Sample], reduction: str) -> list[float]:
    """For each sample of a batch, what one of its answer tokens counts for in the batch's loss; over all answer tokens they sum to 1.

    "sample" gives every sample the same weight, "token" every answer token of the batch.
    """
    if reduction == "sample":
        return [1 / (len(batch) * sample.answer_length) for sample in batch]
    return [1 / sum(sample.answer_length for sample in batch)] * len(batch)


def make_row(samples: Sequence[Sample], weights: Sequence[float]) -> Row:
    """Lay samples one after another; `weights` has one number a sample, for each of its answer tokens."""
    lengths = [len(sample) for sample in samples]
    tokens = torch.from_numpy(np.concatenate([sample.tokens for sample in samples]).astype(np.int64))
    owner = torch.repeat_interleave(torch.arange(len(samples)), torch.tensor(lengths))
    same_sample = owner[:, None] == owner[None, :]
    answers = [torch.arange(end - sample.answer_length, end) for sample, end in zip(samples, np.cumsum(lengths).tolist(), strict=True)]
    answer = torch.cat(answers)
    return Row(
        input_ids=tokens[None],
        position_ids=torch.cat([torch.arange(length) for length in lengths])[None],
        attention_mask=torch.tril(same_sample)[None, None],
        predicting=answer - 1,
        targets=tokens[answer],
        weights=torch.cat([torch.full((sample.answer_length,), weight) for sample, weight in zip(samples, weights, strict=True)]),
    )
