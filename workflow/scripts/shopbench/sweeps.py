"""Sweeps as the report reads them: scores of an adapter or ensemble by alpha, set and task, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
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


def read_sweeps(paths: Iterable[str | Path]) -> pl.DataFrame:
    """All sweeps in one frame, a row per sweep, alpha, set and task; a task that was not scored has score null."""
    return pl.concat([pl.DataFrame(schema=SCHEMA), *(read_table(path, list(SCHEMA)).cast(SCHEMA) for path in paths)])


def of_track(sweeps: pl.DataFrame, track: str) -> pl.DataFrame:
    """The scored tasks of a track; Track 5 has all tasks of a set."""
    scored = sweeps.drop_nulls("score")
    return scored if track == "track5" else scored.filter(pl.col("track") == track)


def curve_points(sweeps: pl.DataFrame) -> list[dict[str, Any]]:
    """The mean over tasks per sweep, set and alpha: of all tasks (track5), then of each other track."""
    points, tracks, sets = [], ["track5", *TRACKS[:4]], list(dict.fromkeys(sweeps["set"]))
    for track in tracks:
        for (sweep, set_name, alpha), tasks in of_track(sweeps, track).group_by(["sweep", "set", "alpha"], maintain_order=True):
            rows = tasks.to_dicts()
            point = {"origin": "this run", "set": set_name, "sweep": sweep, "track": track, "alpha": alpha}
            points.append({**point, **mean_with_interval(rows), "tasks": len(rows), "questions": sum(r["n"] for r in rows)})
    return sorted(points, key=lambda p: (tracks.index(p["track"]), sets.index(p["set"]), p["sweep"], p["alpha"]))


def chosen_alphas(sweeps: pl.DataFrame, choosing_set: str) -> dict[tuple[str, str], float]:
    """The best alpha on one set by (sweep, track); none for a track without scored tasks there."""
    chosen = {}
    for track in TRACKS:
        for (sweep,), rows in of_track(sweeps, track).group_by(["sweep"], maintain_order=True):
            if choosing_set in rows["set"]:
                chosen[str(sweep), track] = best_alpha(rows.to_dicts(), choosing_set)
    return chosen
