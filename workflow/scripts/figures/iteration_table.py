"""The iteration table: round 1 against round 2 on each track, this run's beside the published ones.

    PYTHONPATH=workflow/scripts python workflow/scripts/figures/iteration_table.py --run '{"name": "demo", "simulated": true}' \\
      --scores results/demo/scores/*/*.json --systems '{"round1": {"track1": "v8"}, "round2": {"track1": "track1"}}' \\
      --paper config/paper.yaml --table iteration_table.tsv

Reads score files and config/paper.yaml. Leaves a table with a row per set and track, columns origin, set, track, round1, round1_score,
round1_low, round1_high, the same of round2, gain, gain_low, gain_high, trivial, questions. round1 and round2 name the variant here, blend
and weight in the paper; the gain's interval is that of the paired bootstrap over questions.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from shopbench.files import progress, run_program
from shopbench.paired import track_gain
from shopbench.report_data import (
    TRACKS,
    figure_arguments,
    missing_variants,
    read_scores,
    read_yaml,
    sets_of,
    system_score,
    write_table,
)

ROUNDS = ["round1", "round2"]
COLUMNS = [
    "origin",
    "set",
    "track",
    *[f"{name}{part}" for name in ROUNDS for part in ("", "_score", "_low", "_high")],
    "gain",
    "gain_low",
    "gain_high",
    "trivial",
    "questions",
]


def our_rows(
    scores: dict[tuple[str, str], dict[str, Any]], systems: dict[str, dict[str, str]], draws: int, seed: int
) -> list[dict[str, Any]]:
    """A row per set and track for which both rounds have a score."""
    rows = []
    for set_name in sets_of(scores):
        for track in TRACKS:
            found = {name: system_score(scores, set_name, systems[name], track) for name in ROUNDS}
            if any(score["score"] is None for score in found.values()):
                continue
            row: dict[str, Any] = {"origin": "this run", "set": set_name, "track": track}
            for name, score in found.items():
                row |= {name: score["variant"], **{f"{name}_{key}": score[key] for key in ("score", "low", "high")}}
            new, old = found["round2"], found["round1"]
            low, high = track_gain(scores[set_name, new["variant"]], scores[set_name, old["variant"]], track, draws, seed)
            row |= {"gain": new["score"] - old["score"], "gain_low": low, "gain_high": high}
            rows.append({**row, "trivial": new["trivial"], "questions": new["questions"]})
    return rows


def published_rows(rounds: dict[str, Any]) -> list[dict[str, Any]]:
    """The paper's row per track, scores as text with the source's digits."""
    rows = []
    for track in TRACKS:
        row: dict[str, Any] = {**dict.fromkeys(COLUMNS), "origin": "published", "set": "hidden test", "track": track}
        for name in ROUNDS:
            entry = rounds[name][track]
            row |= {name: f"{entry['blend']} × {entry['weight']}", f"{name}_score": entry["score"]}
        gain = float(row["round2_score"]) - float(row["round1_score"])
        rows.append({**row, "gain": f"{gain:.3f}"})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scores", nargs="+", required=True, help="score files (JSON)")
    parser.add_argument(
        "--systems",
        required=True,
        type=json.loads,
        help="which variant answers each track, as JSON: {round1: {track: variant}, round2: ...}",
    )
    parser.add_argument("--bootstrap", type=int, default=2000, help="resamples of the gain's paired bootstrap (number)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the bootstrap")
    parser.add_argument("--paper", required=True, help="config/paper.yaml")
    figure_arguments(parser, figure=False)
    args = parser.parse_args()

    scores = read_scores(args.scores)
    if note := missing_variants(scores, [args.systems[name] for name in ROUNDS]):
        progress(note)
    write_table(
        args.table, COLUMNS, [*our_rows(scores, args.systems, args.bootstrap, args.seed), *published_rows(read_yaml(args.paper)["rounds"])]
    )


if __name__ == "__main__":
    run_program(main)
