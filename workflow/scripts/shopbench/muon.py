"""Muon, an optimizer for the matrices of a net: momentum whose update is made orthogonal.

Source: Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024), with the scale of Liu et al. (arXiv 2502.16982),
under which AdamW's learning rates serve. `torch.optim.Muon` is the same in bfloat16, which a CPU without instructions for it multiplies
sixteen times slower than this one's float32 (docs/demo-model.md).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch

# The quintic iteration's coefficients (Jordan et al.): they bring singular values from near 0 to within about .3 of 1 in five rounds.
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
ROUNDS = 5
# Root mean square of an update's entries at learning rate 1, as AdamW's (Liu et al., section 2.2).
UPDATE_RMS = 0.2


class Muon(torch.optim.Optimizer):
    """Muon with Nesterov momentum and decoupled weight decay, for parameters [rows, columns] in float32.

    Matrices that have the same shape but for transposition are made orthogonal as one batch.
    """

    def __init__(self, parameters: Iterable[torch.nn.Parameter], lr: float, weight_decay: float, momentum: float = 0.95) -> None:
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        """One update of every matrix that has a gradient."""
        assert closure is None, "losses are not computed again"
        for group in self.param_groups:
            alike: dict[tuple[int, ...], list[torch.nn.Parameter]] = {}
            for matrix in group["params"]:
                if matrix.grad is not None:
                    alike.setdefault(tuple(sorted(matrix.shape)), []).append(matrix)
            for (_, longer), matrices in alike.items():
                updates = orthogonal(torch.stack([_wide(self._momentum(matrix, group["momentum"])) for matrix in matrices]))
                for matrix, update in zip(matrices, updates, strict=True):
                    matrix.mul_(1 - group["lr"] * group["weight_decay"])
                    matrix.add_(update if _is_wide(matrix) else update.T, alpha=-group["lr"] * UPDATE_RMS * math.sqrt(longer))

    def _momentum(self, matrix: torch.nn.Parameter, momentum: float) -> torch.Tensor:
        """The gradient, led by the running mean of gradients (Nesterov)."""
        assert matrix.grad is not None
        mean = self.state[matrix].setdefault("momentum", torch.zeros_like(matrix))
        mean.lerp_(matrix.grad, 1 - momentum)
        return matrix.grad.lerp(mean, momentum)


def orthogonal(matrices: torch.Tensor) -> torch.Tensor:
    """Matrices [batch, rows, columns], rows at most columns, with all singular values near 1 and the same singular vectors."""
    a, b, c = COEFFICIENTS
    matrices = matrices / (matrices.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(ROUNDS):
        gram = matrices @ matrices.mT
        matrices = a * matrices + (b * gram + c * gram @ gram) @ matrices
    return matrices


def _is_wide(matrix: torch.Tensor) -> bool:
    return matrix.shape[0] <= matrix.shape[1]


def _wide(matrix: torch.Tensor) -> torch.Tensor:
    return matrix if _is_wide(matrix) else matrix.T
