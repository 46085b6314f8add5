"""Batches of samples as what the model computes at once: packed rows, in which samples lie end to end, or padded ones.

A sample's logits, and so its loss and gradients, are those that it would have alone: its positions start from 0, and attention runs within
it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

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


def length_buckets(lengths: Sequence[int], capacity: int) -> list[list[int]]:
    """Group items of like length, longest first: as many as `capacity` holds when all are padded to the longest of the group."""
    buckets: list[list[int]] = []
    for item in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        if not buckets or (len(buckets[-1]) + 1) * lengths[buckets[-1][0]] > capacity:
            buckets.append([])
        buckets[-1].append(item)
    return buckets


@dataclass(frozen=True)
class MicroBatch:
    """R rows of L tokens with A answer tokens: one packed row (R = 1), or R samples of a row each, padded on the right."""

    # int64 [R, L]
    input_ids: torch.Tensor
    # int64 [R, L]: from 0 within each sample.
    position_ids: torch.Tensor
    # Where a row's samples end, as lengths that sum to L; padding counts to the sample before it.
    lengths: tuple[int, ...]
    # int64 [A]: where the logits stand that predict the answer tokens (one position before each), in the rows one after another.
    predicting: torch.Tensor
    # int64 [A]: the answer tokens.
    targets: torch.Tensor
    # float32 [A]: what each answer token's loss counts for in the batch's loss.
    weights: torch.Tensor

    def to(self, device: torch.device) -> MicroBatch:
        moved = {name: value.to(device) for name, value in vars(self).items() if isinstance(value, torch.Tensor)}
        return replace(self, **moved)


def token_weights(batch: Sequence[Sample], reduction: str) -> list[float]:
    """For each sample of a batch, what one of its answer tokens counts for in the batch's loss; over all answer tokens they sum to 1.

    "sample" gives every sample the same weight, "token" every answer token of the batch.
    """
    if reduction == "sample":
        return [1 / (len(batch) * sample.answer_length) for sample in batch]
    return [1 / sum(sample.answer_length for sample in batch)] * len(batch)


def packed(samples: Sequence[Sample], weights: Sequence[float]) -> MicroBatch:
    """Lay samples end to end in one row; `weights` has one number a sample, for each of its answer tokens."""
    lengths = [len(sample) for sample in samples]
    tokens = torch.from_numpy(np.concatenate([sample.tokens for sample in samples]).astype(np.int64))
    positions = torch.cat([torch.arange(length) for length in lengths])
    return _micro_batch(tokens[None], positions[None], lengths, samples, np.cumsum(lengths).tolist(), weights)


def padded(samples: Sequence[Sample], weights: Sequence[float]) -> MicroBatch:
    """Put each sample in a row of its own, padded on the right, where no earlier token looks: by token 0, for it is never learned."""
    width = max(len(sample) for sample in samples)
    tokens = np.stack([np.pad(sample.tokens, (0, width - len(sample))) for sample in samples])
    positions = torch.arange(width).expand(len(samples), width)
    ends = [row * width + len(sample) for row, sample in enumerate(samples)]
    return _micro_batch(torch.from_numpy(tokens.astype(np.int64)), positions, [width], samples, ends, weights)


def _micro_batch(
    tokens: torch.Tensor,
    positions: torch.Tensor,
    lengths: Sequence[int],
    samples: Sequence[Sample],
    ends: Sequence[int],
    weights: Sequence[float],
) -> MicroBatch:
    """`ends`: where each sample ends, and its answer with it, in the rows one after another."""
    answer = torch.cat([torch.arange(end - sample.answer_length, end) for sample, end in zip(samples, ends, strict=True)])
    each = torch.cat([torch.full((sample.answer_length,), weight) for sample, weight in zip(samples, weights, strict=True)])
    return MicroBatch(tokens, positions, tuple(lengths), answer - 1, tokens.flatten()[answer], each)
