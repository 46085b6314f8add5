"""The run checks itself: that everything is there, and that the numbers mean something.

    python workflow/scripts/check_run.py --results results/demo --config results/demo/run_config.yaml --output results/demo/checked.json

Reads the results folder and the run's config. Every broken rule is one line on stderr, and the exit code is 2; else checked.json lists
what was checked and how much of it. The rules:

- every file and folder that the config promises is there and not empty;
- all scores are finite and lie in [0, 1], and so do their intervals and the trivial answers' scores;
- every response under strict constraints is read by the challenge's parser as what its task asks for;
- no two ensembles have the same weights;
- the comparison that report.check names has its whole 95 % interval above zero.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shopbench.constraints import well_formed
from shopbench.files import progress, read_json, read_jsonl, run_program, write_json
from shopbench.report_data import TRACKS, read_yaml

# Cosines of sentence vectors can exceed 1 by this much. (NaN fails every comparison.)
ROUNDING = 1e-6
ADAPTER_WEIGHTS = "adapter_model.safetensors"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", required=True, type=Path, help="results folder of the run")
    parser.add_argument("--config", required=True, help="the run's config (YAML)")
    parser.add_argument("--output", required=True, help="JSON file to write when nothing is wrong")
    args = parser.parse_args()

    config = read_yaml(args.config)
    checks = {
        "files": check_files,
        "scores": check_scores,
        "strict responses": check_responses,
        "ensembles": check_ensembles,
        "fine-tuning": check_comparison,
    }
    counts, faults = {}, []
    for name, check in checks.items():
        verdicts = list(check(args.results, config))
        counts[name] = len(verdicts)
        faults += [verdict for verdict in verdicts if verdict]
    for fault in faults:
        print(f"error: {fault}", file=sys.stderr)
    if faults:
        sys.exit(2)
    write_json(args.output, {"run": config["run"], "checked": counts})
    progress(f"all is well: {', '.join(f'{count} {name}' for name, count in counts.items())}")


def check_files(results: Path, config: dict[str, Any]) -> Iterator[str | None]:
    """A fault, or None, for each file that the config promises."""
    for path in promised_files(config):
        file = results / path
        yield None if file.is_file() and file.stat().st_size > 0 else f"{file}: missing or empty; remake it with snakemake {file}"


def promised_files(config: dict[str, Any]) -> Iterator[str]:
    """The files of a finished run, relative to its results. Datasets are asked for by the rules that use them."""
    yield from ("report.html", "run_config.yaml")
    yield from (f"evaluation/{name}.parquet" for name in config["evaluation"]["sets"])
    yield from (f"blends/{name}.parquet" for name in config["blends"])
    yield from (f"adapters/{name}/manifest.json" for name in config["adapters"])
    yield from (f"ensembles/{name}/{ADAPTER_WEIGHTS}" for name in config["ensembles"])
    yield from (f"sweeps/{name}.parquet" for name in config["sweeps"])
    for name, variant in config["variants"].items():
        if variant["precision"] != "bf16":
            yield f"quantized/{variant['ensemble']}-{variant['precision']}/manifest.json"
        for set_name in config["evaluation"]["sets"]:
            yield f"scores/{set_name}/{name}.json"
            yield from (f"predictions/{set_name}/{name}/{track}.jsonl" for track in TRACKS)


def check_scores(results: Path, config: dict[str, Any]) -> Iterator[str | None]:
    """A fault, or None, for each task of each score file. A refused metric's task has no score, which is no fault."""
    for set_name, variant in itertools.product(config["evaluation"]["sets"], config["variants"]):
        path = results / f"scores/{set_name}/{variant}.json"
        for task, entry in read_json(path)["tasks"].items() if path.is_file() else ():
            faces = [entry[key] for key in ("low", "score", "high", "trivial")]
            if entry["score"] is None:
                continue
            sound = all(face is not None and -ROUNDING <= face <= 1 + ROUNDING for face in faces) and entry["low"] <= entry["high"]
            yield None if sound else f"{path}: task {task} has low, score, high, trivial {faces}; score it again"


def check_responses(results: Path, config: dict[str, Any]) -> Iterator[str | None]:
    """A fault, or None, for each response of a variant under strict constraints."""
    limits = config["inference"]["new_tokens"]
    strict = [name for name, variant in config["variants"].items() if variant["constraints"] == "strict"]
    for set_name, variant in itertools.product(config["evaluation"]["sets"], strict):
        path = results / f"predictions/{set_name}/{variant}/track5.jsonl"
        for row in read_jsonl(path) if path.is_file() else ():
            sound = well_formed(row["task_type"], row["prompt"], row["response"], limits[row["task_type"]])
            yield None if sound else f"{path}: response {row['response']!r} to {row['id']} is no {row['task_type']} answer"


def check_ensembles(results: Path, config: dict[str, Any]) -> Iterator[str | None]:
    """A fault, or None, for each pair of ensembles."""
    manifests = {name: results / f"ensembles/{name}/manifest.json" for name in config["ensembles"]}
    hashes = {
        name: {entry["name"]: entry["sha256"] for entry in read_json(path)["files"]}.get(ADAPTER_WEIGHTS)
        for name, path in manifests.items()
        if path.is_file()
    }
    for one, other in itertools.combinations(hashes, 2):
        yield None if hashes[one] != hashes[other] else f"ensembles {one} and {other} have the same weights; see `ensembles` in the config"


def check_comparison(results: Path, config: dict[str, Any]) -> Iterator[str | None]:
    """A fault, or None, for the comparison that the config asks to be won."""
    if not (wanted := config["report"]["check"]):
        return
    path = results / f"comparisons/{wanted['finetuned']}-over-{wanted['base']}.json"
    found = read_json(path)
    interval = f"{found['difference']:+.3f} [{found['low']:+.3f}, {found['high']:+.3f}]"
    yield None if found["low"] > 0 else f"{path}: {wanted['finetuned']} over {wanted['base']} is {interval}, which is not above zero"


if __name__ == "__main__":
    run_program(main)
