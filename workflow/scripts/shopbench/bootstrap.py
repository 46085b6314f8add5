"""Percentile bootstrap over questions, for tasks, for means over tasks, and for paired differences.

A resample of n questions is a vector of n counts (how often each question was drawn). A task's draws come from the
seed, the task's name and n alone, so two variants that answered the same questions meet the same resamples:
subtracting their statistics draw by draw is the paired bootstrap.

Source: B. Efron and R. Tibshirani, An Introduction to the Bootstrap (1993), chapter 13; paired use in P. Koehn, EMNLP 2004.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shopbench.hashing import hash64

LEVEL = 0.95


def task_score(values: np.ndarray) -> float:
    """A task's score: the mean of `values` of shape (n,), or micro F1 of counts (tp, fp, fn) of shape (n, 3)."""
    return float(_statistic(values, np.ones((1, len(values))))[0])


def task_resamples(values: np.ndarray, task: str, draws: int, seed: int) -> np.ndarray:
    """The task's score in each of `draws` resamples of its questions, shape (draws,), float64."""
    n = len(values)
    generator = np.random.default_rng([seed, hash64("bootstrap", task)])
    return _statistic(values, generator.multinomial(n, np.full(n, 1 / n), size=draws))


def mean_over_tasks(resamples: Sequence[np.ndarray]) -> np.ndarray:
    """Draw-by-draw unweighted mean of several tasks' (or tracks') resamples, shape (draws,)."""
    return np.mean(np.stack(resamples), axis=0)


def interval(resamples: np.ndarray, level: float = LEVEL) -> tuple[float, float]:
    """Percentile interval (low, high) that holds the middle `level` of the resamples."""
    tail = 100 * (1 - level) / 2
    low, high = np.percentile(resamples, [tail, 100 - tail])
    return float(low), float(high)


def _statistic(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Score under each row of question counts; values (n,) or (n, 3), weights (draws, n), result (draws,)."""
    sums = weights @ values
    if values.ndim == 1:
        return sums / weights.sum(axis=1)
    true_positives, false_positives, false_negatives = sums.T.astype(float)
    total = 2 * true_positives + false_positives + false_negatives
    return np.divide(2 * true_positives, total, out=np.zeros_like(total), where=total > 0)
