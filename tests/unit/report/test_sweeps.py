"""Curves over alpha: means over tasks, and over sweeps that repeat one with other seeds."""

import polars as pl
import pytest

from shopbench.sweeps import SCHEMA, curve_points, mean_over_seeds


def sweep(name, scores):
    """Two tasks of one set, both of Track 1, by alpha."""
    rows = [
        {"sweep": name, "alpha": alpha, "set": "validation", "track": "track1", "task": task, "score": score, "low": score - 0.1,
         "high": score + 0.1, "n": 25}
        for alpha, pair in scores.items() for task, score in zip(("a", "b"), pair, strict=True)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=SCHEMA)


FRAME = pl.concat(
    [
        sweep("v8", {0.0: (0.2, 0.4), 1.0: (0.5, 0.7)}),
        sweep("v8-seed2", {1.0: (0.4, 0.6)}),
        sweep("v8-seed3", {1.0: (0.6, 0.8)}),
    ]
)
REPEATS = {"v8-seed2": "v8", "v8-seed3": "v8"}


def test_sweeps_that_repeat_one_are_its_curve():
    points = {point["alpha"]: point for point in curve_points(FRAME, REPEATS) if point["track"] == "track5"}
    assert set(points) == {0.0, 1.0} and {point["sweep"] for point in points.values()} == {"v8"}
    assert (points[0.0]["seeds"], points[1.0]["seeds"]) == (1, 3)
    assert points[1.0]["score"] == pytest.approx(0.6) and points[1.0]["questions"] == 50
    # Three means .5, .6, .7: standard deviation .1, Student's t of two degrees of freedom.
    assert points[1.0]["high"] - points[1.0]["score"] == pytest.approx(4.303 * 0.1 / 3**0.5)
    assert points[0.0]["low"] < points[0.0]["score"] == pytest.approx(0.3)


def test_without_repeats_each_sweep_is_a_curve():
    assert {point["sweep"] for point in curve_points(FRAME)} == {"v8", "v8-seed2", "v8-seed3"}
    assert all(point["seeds"] == 1 for point in curve_points(FRAME))


def test_many_seeds_have_an_interval_too():
    found = mean_over_seeds([0.1 * place for place in range(12)])
    assert found["low"] < found["score"] < found["high"] and found["score"] == pytest.approx(0.55)
