"""The grouped products equal vLLM's own operators, which serve as the reference."""

import pytest
import torch

from shopbench import cpu_lora


@pytest.mark.parametrize("indices", [[0, 2, 2, 1, 0, 2, 1], [2] * 7], ids=["adapters", "one adapter"])
def test_each_operator_equals_vllms(indices):
    from vllm.lora.ops.torch_ops import lora_ops as theirs

    torch.manual_seed(0)
    tokens, rank, width = 7, 4, 10
    indices = torch.tensor(indices)
    hidden, b = torch.randn(tokens, rank), torch.randn(3, 1, width, rank)
    for add in (True, False):
        start = torch.randn(tokens, width + 3)
        ours, reference = start.clone(), start.clone()
        cpu_lora._expand(hidden, b, ours, indices, add)
        theirs.bgmv_expand(hidden, b, reference, indices, add)
        torch.testing.assert_close(ours, reference)
        ours, reference = start.clone(), start.clone()
        cpu_lora._expand_slice(hidden, b, ours, indices, 2, width, add)
        theirs.bgmv_expand_slice(hidden, b, reference, indices, 2, width, add)
        torch.testing.assert_close(ours, reference)
    x, a = torch.randn(tokens, width), torch.randn(3, 1, rank, width)
    ours, reference = torch.zeros(tokens, rank), torch.zeros(tokens, rank)
    cpu_lora._shrink(x, a, ours, indices, 0.5)
    theirs.bgmv_shrink(x, a, reference, indices, 0.5)
    torch.testing.assert_close(ours, reference)


def test_a_batch_without_an_adapter_stays_as_it_is():
    output = torch.ones(2, 3)
    cpu_lora._expand(torch.randn(2, 2), torch.randn(1, 1, 3, 2), output, torch.tensor([-1, -1]))
    assert output.tolist() == [[1, 1, 1], [1, 1, 1]]


def test_rows_without_an_adapter_stay_as_they_are():
    output = torch.ones(2, 3)
    cpu_lora._expand(torch.randn(2, 2), torch.randn(1, 1, 3, 2), output, torch.tensor([-1, 0]))
    assert output[0].tolist() == [1, 1, 1] and output[1].tolist() != [1, 1, 1]
