"""How long batches of questions will take, from how long some of them took.

The model of a batch's time: a constant, so much a token of its prompts (arithmetic), and so much a step of its longest answer (the weights
are read once a step). The three are fitted to measured batches by least squares and are never negative. Longest answers are taken to reach
their limit, so a prediction errs on the long side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Load:
    """What a batch asks of the engine: tokens of all its prompts, and the steps of its longest answer."""

    prompt_tokens: int
    steps: int


@dataclass(frozen=True)
class Costs:
    """Seconds a batch, a prompt token and a step."""

    batch: float
    prompt_token: float
    step: float

    def seconds(self, load: Load) -> float:
        return self.batch + self.prompt_token * load.prompt_tokens + self.step * load.steps


def fit_costs(loads: Sequence[Load], seconds: Sequence[float]) -> Costs:
    """The costs that explain these batches best (non-negative least squares, Lawson and Hanson 1974). Needs one batch at least."""
    import numpy as np
    from scipy.optimize import nnls

    rows = np.array([[1.0, load.prompt_tokens, load.steps] for load in loads])
    # Columns of like size: tokens come in thousands.
    sizes = rows.max(axis=0)
    found, _ = nnls(rows / sizes, np.array(seconds, dtype=float))
    return Costs(*(found / sizes).tolist())


def spread(count: int, picks: int) -> list[int]:
    """`picks` of `count` places (all of fewer), evenly over the whole."""
    picks = min(picks, count)
    return [round(place * (count - 1) / max(1, picks - 1)) for place in range(picks)]
