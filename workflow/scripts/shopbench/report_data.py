"""What the report's programs read and write: score files, the published numbers, tables with labels that people read.

A score has four faces everywhere: score, low and high (95 % bootstrap interval), trivial (what the best answer that ignores the question
scores). Track 5 of the challenge is all questions, so its score here is the mean over all tasks of a set.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml

from shopbench.files import BadInput, read_json, whole_text

TRACKS = ["track1", "track2", "track3", "track4", "track5"]

LABELS = {
    "track1": "Track 1 · concepts",
    "track2": "Track 2 · reasoning",
    "track3": "Track 3 · behaviour",
    "track4": "Track 4 · languages",
    "track5": "Track 5 · all",
    "development": "Development set",
    "validation": "Validation set",
    "shopping_mmlu": "Shopping MMLU",
    "esci": "ESCI",
    "mmlu": "MMLU",
    "ecinstruct": "ECInstruct",
    "alpaca_cleaned": "Alpaca-Cleaned",
    "amazon_reviews_2023": "Amazon Reviews",
    "amazon_m2": "Amazon-M2",
    "kdd_cup_2023": "KDD Cup 2023",
    "existing": "existing",
    "new": "new ideas",
    "general": "general",
    "multiple-choice": "multiple choice",
    "named_entity_recognition": "entities",
    "enhanced": "LLM-enhanced",
    "not_enhanced": "not enhanced",
}


def label(name: str) -> str:
    """The words a reader sees for a name of the config."""
    return LABELS.get(name, name)


def figure_arguments(parser: argparse.ArgumentParser, *, figure: bool = True) -> None:
    """The arguments that all programs of workflow/scripts/figures share."""
    parser.add_argument("--run", required=True, type=json.loads, help='what the run is, as JSON: {"name": "demo", "simulated": true}')
    parser.add_argument("--table", required=True, help="TSV to write: the numbers shown")
    if figure:
        parser.add_argument("--png", required=True, help="picture to write, 200 dots per inch")
        parser.add_argument("--pdf", required=True, help="the same as PDF, fonts embedded")


def run_line(run: dict[str, Any], *, published: bool = True) -> str:
    """One line under every figure that says which numbers are this run's, and, if it shows any, where the published ones are from."""
    ours = (
        f"This run: {run['name']} (simulated data; says nothing about the paper's scores)."
        if run["simulated"]
        else f"This run: {run['name']}."
    )
    return f"{ours} Published: arXiv 2408.04658." if published else ours


def read_yaml(path: str | Path) -> Any:
    try:
        return yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    except yaml.YAMLError as error:
        raise BadInput(f"{path}: not YAML ({error})") from None


def read_scores(paths: Iterable[str | Path]) -> dict[tuple[str, str], dict[str, Any]]:
    """Score files by (set, variant), in the order given."""
    found = {}
    for path in paths:
        scores = read_json(path)
        missing = {"set", "variant", "tasks", "tracks", "overall"} - set(scores)
        if missing:
            raise BadInput(f"{path}: no key {sorted(missing)[0]!r}; delete it and score again")
        found[scores["set"], scores["variant"]] = scores
    return found


def sets_of(scores: dict[tuple[str, str], dict[str, Any]]) -> list[str]:
    """The evaluation sets among the scores, in the order given."""
    return list(dict.fromkeys(name for name, _ in scores))


def track_score(scores: dict[str, Any] | None, track: str) -> dict[str, Any]:
    """score, low, high, trivial, tasks, questions of a track; Track 5 is the mean over all tasks. A set without the track has no score."""
    nothing = {"score": None, "low": None, "high": None, "trivial": None, "tasks": 0, "questions": 0}
    if scores is None:
        return nothing
    if track == "track5":
        found, tasks = scores["overall"]["mean_over_tasks"], list(scores["tasks"].values())
    else:
        found, tasks = scores["tracks"].get(track), [t for t in scores["tasks"].values() if t["track"] == track]
    if not found or found["score"] is None:
        return nothing
    faces = {key: found[key] for key in ("score", "low", "high", "trivial")}
    tasks = [t for t in tasks if t["score"] is not None]
    return {**faces, "tasks": len(tasks), "questions": sum(t["n"] for t in tasks)}


def system_score(scores: dict[tuple[str, str], dict[str, Any]], set_name: str, system: dict[str, str], track: str) -> dict[str, Any]:
    """A system's score on a track: the score of the variant that answers it. `variant` is added; all None if that variant was not run."""
    variant = system.get(track, "")
    return {"variant": variant, **track_score(scores.get((set_name, variant)), track)}


def missing_variants(scores: dict[tuple[str, str], dict[str, Any]], systems: Iterable[dict[str, str]]) -> str:
    """A note that names the variants the systems want and the run does not have; empty if all are there."""
    wanted = {variant for system in systems for variant in system.values()}
    absent = sorted(wanted - {variant for _, variant in scores})
    return f"Left out, not in this run: {', '.join(absent)}." if absent else ""


def mean_with_interval(parts: Sequence[dict[str, Any]]) -> dict[str, float | None]:
    """Unweighted mean of scores. Its interval takes the parts as independent: half widths add in squares."""
    count = len(parts)
    mean = sum(p["score"] for p in parts) / count
    if any(p.get("low") is None for p in parts):
        return {"score": mean, "low": None, "high": None}
    below = math.sqrt(sum((p["score"] - p["low"]) ** 2 for p in parts)) / count
    above = math.sqrt(sum((p["high"] - p["score"]) ** 2 for p in parts)) / count
    return {"score": mean, "low": mean - below, "high": mean + above}


def number(text: str | float | None) -> float | None:
    """A published value as a number."""
    return None if text is None else float(text)


def cell(value: Any) -> str:
    """A value as a table shows it: six digits after the point for fractions (of small ones, six that count), nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        if not math.isfinite(value):
            raise BadInput(f"a table's number is {value}; the score file it comes from is broken")
        return f"{value:.6f}" if value == 0 or abs(value) >= 0.001 else f"{value:.6g}"
    return " ".join(str(value).split())


def write_table(path: str | Path, columns: Sequence[str], rows: Iterable[dict[str, Any]]) -> None:
    """A TSV with a header line; every row has every column."""
    with whole_text(path) as stream:
        stream.write("\t".join(columns) + "\n")
        for row in rows:
            stream.write("\t".join(cell(row[column]) for column in columns) + "\n")
