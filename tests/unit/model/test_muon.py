"""The optimizer, against singular value decompositions and against PyTorch's own, which does the same in bfloat16."""

import pytest
import torch

from shopbench.muon import Muon, orthogonal


def matrices(*shapes):
    torch.manual_seed(3)
    return [torch.nn.Parameter(torch.randn(shape) * 0.02) for shape in shapes]


@pytest.mark.parametrize("shape", [(2, 16, 16), (3, 8, 32)])
def test_singular_values_become_one_and_vectors_stay(shape):
    torch.manual_seed(1)
    given = torch.randn(shape)
    made = orthogonal(given)
    left, _, right = torch.linalg.svd(given, full_matrices=False)
    sizes = left.mT @ made @ right.mT
    diagonal = sizes.diagonal(dim1=-2, dim2=-1)
    assert diagonal.min() > 0.6 and diagonal.max() < 1.3
    assert (sizes - torch.diag_embed(diagonal)).abs().max() < 1e-3


def test_steps_are_pytorchs():
    shapes = [(24, 24), (24, 24), (48, 24), (24, 48)]
    ours, theirs = matrices(*shapes), matrices(*shapes)
    settings = {"lr": 2e-2, "weight_decay": 0.1, "momentum": 0.9}
    one, other = Muon(ours, **settings), torch.optim.Muon(theirs, **settings, adjust_lr_fn="match_rms_adamw")
    start = [matrix.detach().clone() for matrix in ours]
    for step in range(3):
        torch.manual_seed(step)
        for mine, its in zip(ours, theirs, strict=True):
            mine.grad = torch.randn_like(mine)
            its.grad = mine.grad.clone()
        one.step()
        other.step()
    for mine, its, before in zip(ours, theirs, start, strict=True):
        assert (mine - its).norm() < 0.03 * (its - before).norm(), "as near as bfloat16 is"


def test_a_matrix_without_gradient_stays():
    still, moved = matrices((8, 8), (8, 8))
    before = still.detach().clone()
    moved.grad = torch.ones_like(moved)
    Muon([still, moved], lr=0.1, weight_decay=0.1).step()
    assert torch.equal(still, before) and not torch.equal(moved, before)


def test_its_state_can_be_kept():
    """Two steps with a save and a load between them are two steps."""
    whole, halved = matrices((8, 16)), matrices((8, 16))
    one, first = Muon(whole, 0.1, 0.0), Muon(halved, 0.1, 0.0)
    for step in range(2):
        torch.manual_seed(step)
        whole[0].grad = torch.randn(8, 16)
        halved[0].grad = whole[0].grad.clone()
        one.step()
        first.step()
        state = first.state_dict()
        first = Muon(halved, 0.1, 0.0)
        first.load_state_dict(state)
    assert torch.equal(whole[0], halved[0])
