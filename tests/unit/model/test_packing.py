"""Packed samples are blind to each other: losses and gradients against transformers' own loss on each sample alone."""

import dataclasses

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from shopbench.packing import batches_of_epoch, first_fit_decreasing, length_buckets, packed, padded, share_out, token_weights
from shopbench.qlora import attend_within_samples, loss_of
from shopbench.samples import Sample


@pytest.fixture(scope="module")
def samples():
    generator = np.random.default_rng(5)
    lengths = [(9, 1), (40, 6), (17, 3), (5, 4), (23, 1), (12, 12 - 1)]
    return [Sample(generator.integers(0, 400, length).astype(np.int32), answer, 0) for length, answer in lengths]


class Plain(torch.nn.Module):
    """A model without adapter in the place of PEFT's."""

    def __init__(self, base):
        super().__init__()
        self.model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32, attn_implementation="within_samples")

    def get_base_model(self):
        return self.model


@pytest.fixture
def model(base):
    return Plain(base)


@pytest.fixture
def reference(base):
    return AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32, attn_implementation="eager")


def alone(model, samples, reduction):
    """transformers' loss of one sample at a time: prompts masked by -100, averaged as asked."""
    losses, counts = [], []
    for sample in samples:
        ids = torch.tensor(sample.tokens[None].astype(np.int64))
        labels = ids.clone()
        labels[:, : len(sample) - sample.answer_length] = -100
        losses.append(model(input_ids=ids, labels=labels).loss)
        counts.append(sample.answer_length if reduction == "token" else 1)
    return sum(loss * count for loss, count in zip(losses, counts, strict=True)) / sum(counts)


def gradients(model, loss):
    model.zero_grad()
    loss.backward()
    return {name.removeprefix("model."): parameter.grad.clone() for name, parameter in model.named_parameters()}


@pytest.mark.parametrize("reduction", ["sample", "token"])
@pytest.mark.parametrize("fill, lay", [(first_fit_decreasing, packed), (length_buckets, padded)])
def test_packed_or_padded_equals_alone(model, reference, samples, reduction, fill, lay):
    expected_loss = alone(reference, samples, reduction)
    expected = gradients(reference, expected_loss)
    weights = token_weights(samples, reduction)
    groups = fill([len(sample) for sample in samples], 64)
    assert any(len(items) > 1 for items in groups) and len(groups) > 1
    micro_batches = [lay([samples[i] for i in items], [weights[i] for i in items]) for items in groups]
    loss = sum(loss_of(model, micro_batch, torch.float32) for micro_batch in micro_batches)
    assert loss.item() == pytest.approx(expected_loss.item(), abs=1e-5)
    for name, gradient in gradients(model, loss).items():
        wanted = expected[name.removeprefix("model.")]
        torch.testing.assert_close(gradient, wanted, rtol=1e-4, atol=1e-5, msg=lambda text, name=name: f"{name}: {text}")


def test_samples_that_saw_each_other_would_show(model, samples):
    """What the test above guards against is far larger than its tolerance."""
    row = packed(samples, token_weights(samples, "sample"))
    seeing = dataclasses.replace(row, lengths=(sum(row.lengths),))
    assert abs(loss_of(model, seeing, torch.float32) - loss_of(model, row, torch.float32)) > 1e-2


def test_attention_runs_within_samples():
    """Against a row-wide mask, in float64, with fewer key-value heads than heads."""
    draw = torch.Generator().manual_seed(3)
    lengths = (5, 1, 9)
    query, key, value = (torch.randn(2, heads, 15, 8, generator=draw, dtype=torch.float64) for heads in (4, 2, 2))
    owner = torch.repeat_interleave(torch.arange(3), torch.tensor(lengths))
    mask = torch.tril(owner[:, None] == owner[None, :])
    scores = (query @ key.repeat_interleave(2, 1).mT * 0.3).masked_fill(~mask, -torch.inf)
    expected = scores.softmax(-1) @ value.repeat_interleave(2, 1)
    found, _ = attend_within_samples(torch.nn.Module(), query, key, value, None, 0.3, lengths, dropout=0.0)
    torch.testing.assert_close(found, expected.transpose(1, 2))


def test_first_fit_decreasing_by_hand():
    # Sorted: 60 50 50 40 30 20. 60 -> a, 50 -> b, 50 -> b, 40 -> a, 30 -> c, 20 -> c.
    assert first_fit_decreasing([50, 30, 60, 20, 50, 40], 100) == [[2, 5], [0, 4], [1, 3]]


def test_first_fit_decreasing_keeps_every_item_and_the_capacity():
    lengths = np.random.default_rng(1).integers(1, 101, 500).tolist()
    bins = first_fit_decreasing(lengths, 100)
    assert sorted(item for items in bins for item in items) == list(range(500))
    assert max(sum(lengths[item] for item in items) for items in bins) <= 100
    assert len(bins) <= 11 / 9 * (sum(lengths) / 100) + 5


def test_length_buckets_by_hand():
    # 60 alone (two of 60 are over 100), 50 50, 40 30, 20.
    assert length_buckets([50, 30, 60, 20, 50, 40], 100) == [[2], [0, 4], [5, 1], [3]]


def test_share_out_balances():
    lengths = np.random.default_rng(2).integers(1, 101, 64).tolist()
    shares = share_out(lengths, 8)
    loads = [sum(lengths[item] for item in share) for share in shares]
    assert sorted(item for share in shares for item in share) == list(range(64))
    assert max(loads) - min(loads) <= max(lengths)
    assert share_out([5], 3) == [[0], [], []]


def test_epochs_are_whole_and_differ():
    first, again, second = (np.concatenate(batches_of_epoch(50, 8, 1, epoch)) for epoch in (0, 0, 1))
    assert sorted(first) == sorted(second) == list(range(50))
    assert (first == again).all() and (first != second).any()
    assert [len(batch) for batch in batches_of_epoch(50, 8, 1, 0)] == [8] * 6 + [2]
