"""Sweeps as the report reads them: scores of an adapter or ensemble by alpha, set and task, and what follows from them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import polars as pl

from shopbench.ensembles import best_alpha
from shopbench.report_data import TRACKS, mean_with_interval
from shopbench.tables import read_table

SCHEMA = pl.Schema(
    {
        "sweep": pl.String,
        "alpha": pl.Float64,
        "set": pl.String,
        "track": pl.String,
        "task": pl.String,
        "score": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
        "n": pl.Int64,
    }
)
# 97.5 % quantiles of Student's t by the number of values, for the interval of a mean over few seeds; of more, the last is near enough.
STUDENT = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365, 9: 2.306, 10: 2.262}


def read_sweeps(paths: Iterable[str | Path]) -> pl.DataFrame:
    """All sweeps in one frame, a row per sweep, alpha, set and task; a task that was not scored has score null."""
    return pl.concat([pl.DataFrame(schema=SCHEMA), *(read_table(path, list(SCHEMA)).cast(SCHEMA) for path in paths)])


def of_track(sweeps: pl.DataFrame, track: str) -> pl.DataFrame:
    """The scored tasks of a track; Track 5 has all tasks of a set."""
    scored = sweeps.drop_nulls("score")
    return scored if track == "track5" else scored.filter(pl.col("track") == track)


def one_curve(sweeps: pl.DataFrame, repeats: Mapping[str, str]) -> pl.DataFrame:
    """The sweeps under the name of the one that they repeat; a column `run` keeps the sweep's own."""
    names = pl.col("sweep").replace(dict(repeats)) if repeats else pl.col("sweep")
    return sweeps.with_columns(pl.col("sweep").alias("run"), names.alias("sweep"))


def curve_points(sweeps: pl.DataFrame, repeats: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """The mean over tasks per sweep, set and alpha: of all tasks (track5), then of each other track.

    Sweeps that repeat one ({sweep: which}) are one curve with it: its points are means over the runs that have the alpha, with an interval
    over those (`seeds`); a single one has the interval of its questions.
    """
    points, tracks, sets = [], ["track5", *TRACKS[:4]], list(dict.fromkeys(sweeps["set"]))
    curves = one_curve(sweeps, repeats or {})
    for track in tracks:
        for (sweep, set_name, alpha), tasks in of_track(curves, track).group_by(["sweep", "set", "alpha"], maintain_order=True):
            runs = [rows.to_dicts() for rows in tasks.partition_by("run", maintain_order=True)]
            point = {"origin": "this run", "set": set_name, "sweep": sweep, "track": track, "alpha": alpha}
            mean = mean_with_interval(runs[0]) if len(runs) == 1 else mean_over_seeds([mean_with_interval(rows)["score"] for rows in runs])
            count = {"tasks": len(runs[0]), "questions": sum(row["n"] for row in runs[0]), "seeds": len(runs)}
            points.append({**point, **mean, **count})
    return sorted(points, key=lambda p: (tracks.index(p["track"]), sets.index(p["set"]), p["sweep"], p["alpha"]))


def mean_over_seeds(scores: list[Any]) -> dict[str, float]:
    """The mean of at least two runs' scores, and its 95 % interval by Student's t: what another seed of training would change."""
    mean, half = fmean(scores), STUDENT[min(len(scores), max(STUDENT))] * stdev(scores) / math.sqrt(len(scores))
    return {"score": mean, "low": mean - half, "high": mean + half}


def chosen_alphas(sweeps: pl.DataFrame, choosing_set: str) -> dict[tuple[str, str], float]:
    """The best alpha on one set by (sweep, track); none for a track without scored tasks there."""
    chosen = {}
    for track in TRACKS:
        for (sweep,), rows in of_track(sweeps, track).group_by(["sweep"], maintain_order=True):
            if choosing_set in rows["set"]:
                chosen[str(sweep), track] = best_alpha(rows.to_dicts(), choosing_set)
    return chosen
