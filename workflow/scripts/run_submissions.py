"""Answer tracks as the challenge's evaluator had them answered, against its limits: packed submissions, small batches, no network.

    python workflow/scripts/run_submissions.py --variant track24-awq \\
      --submissions results/paper/submissions/track2 results/paper/submissions/track4 \\
      --evaluation results/paper/evaluation/shopping_mmlu.parquet --minutes '{"track2": 20, "track4": 20, ...}' \\
      --seconds-per-question 10 --cut-network --output results/paper/challenge/track24-awq.json

Reads the submissions of one variant, one a track, and an evaluation set (Parquet). The entry point of the first is loaded once and answers
the tracks in turn, all of the set for Track 5: batches of questions in their order, multiple choice and others apart, as the evaluator
gives them. The first batches of a track are spread over it. From these the whole track is predicted, and the program stops with exit code
2 if it cannot fit the track's minutes; so it does after a batch that took more than --seconds-per-question for each of its questions.
What the evaluator counted is not published: here the start of the engine counts, and a batch's questions share its time.

Leaves one JSON object:

    variant, set, batch
    network                  "none", or "left as it is" (not asked to cut it, or the system does not allow it)
    engine_start_seconds
    tracks                   {track: {questions, minutes, limit_minutes, predicted_minutes, slowest_seconds_per_question}}; minutes with the
                             engine's start, predicted ones after the first `measured_batches`
    costs                    {track: {batch, prompt_token, step}} in seconds: the fitted prediction (shopbench/time_budget.py)

Source of the rules: Amazon KDD Cup 2024, starter kit; limits as in config.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

from shopbench.files import BadInput, check_manifest, progress, read_json, run_program, write_json
from shopbench.gpu_check import require_gpus
from shopbench.network import cut_network
from shopbench.time_budget import Costs, fit_costs, spread

# Batches that a track's time is predicted from.
MEASURED = 12
ALL_QUESTIONS = "track5"


def main() -> None:
    args = parse_arguments()
    # Before any library starts a thread.
    cut = args.cut_network and cut_network()
    if args.cut_network and not cut:
        progress("warning: this system does not let a program cut itself off from the network; it stays as it is")
    from shopbench.questions import read_questions

    questions = read_questions(args.evaluation)
    model, start_seconds = load_model(args.submissions)
    progress(f"{args.submissions[0]}: started in {start_seconds:.1f} s")
    size = model.get_batch_size()
    tracks: dict[str, dict[str, Any]] = {}
    costs: dict[str, dict[str, float]] = {}
    for folder in args.submissions:
        track = folder.name
        members = [q for q in questions if track in (ALL_QUESTIONS, q["track"])]
        if not members:
            progress(f"{track}: no questions in this set")
            continue
        limit = args.minutes[track]
        tracks[track], fitted = answer_track(model, track, list(batches(members, size)), limit, start_seconds, args.seconds_per_question)
        costs[track] = asdict(fitted)
    about = {"variant": args.variant, "set": args.evaluation.stem, "batch": size, "network": "none" if cut else "left as it is"}
    write_json(args.output, about | {"engine_start_seconds": round(start_seconds, 3), "tracks": tracks, "costs": costs})


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variant", required=True, help="name of the variant that the submissions hold")
    parser.add_argument(
        "--submissions", type=Path, nargs="+", required=True, help="packed submissions of one variant, named by their track"
    )
    parser.add_argument("--evaluation", type=Path, required=True, help="evaluation set (.parquet), named by its set")
    parser.add_argument("--minutes", type=json.loads, required=True, help="JSON: time limit by track, in minutes")
    parser.add_argument(
        "--seconds-per-question", type=float, required=True, help="time limit of a batch, in seconds for each of its questions"
    )
    parser.add_argument("--cut-network", action="store_true", help="leave the program a loopback device alone, if the system allows it")
    parser.add_argument("--output", type=Path, required=True, help="JSON file to write")
    args = parser.parse_args()
    if missing := [folder.name for folder in args.submissions if folder.name not in args.minutes]:
        parser.error(f"--minutes has no limit for '{missing[0]}'")
    return args


def load_model(submissions: Sequence[Path]) -> tuple[Any, float]:
    """(the model that the entry point makes, seconds it took). Raises BadInput unless all submissions hold the same."""
    held = []
    for folder in submissions:
        check_manifest(folder)
        files = read_json(folder / "manifest.json")["files"]
        held.append({f["name"]: f["sha256"] for f in files if f["name"] != "aicrowd.json"})
    if other := [folder for folder, files in zip(submissions, held, strict=True) if files != held[0]]:
        raise BadInput(f"{other[0]}: does not hold what {submissions[0]} holds; give submissions of one variant")
    check_gpus(read_json(submissions[0] / "settings.json"))
    spec = importlib.util.spec_from_file_location("user_config", submissions[0] / "models/user_config.py")
    assert spec and spec.loader
    started = time.perf_counter()
    entry_point = importlib.util.module_from_spec(spec)
    # The submission brings its modules; without this it would get the ones that this program has loaded.
    for name in [name for name in sys.modules if name.split(".")[0] == "shopbench"]:
        del sys.modules[name]
    spec.loader.exec_module(entry_point)
    return entry_point.UserModel(), time.perf_counter() - started


def check_gpus(settings: dict[str, Any]) -> None:
    if settings["device"] == "cuda":
        bfloat16 = "inference.quantized.dtype" if settings["engine"]["dtype"] == "bfloat16" else None
        require_gpus(settings["engine"]["tensor_parallel"], "inference.quantized.tensor_parallel", bfloat16)


def batches(questions: Sequence[dict[str, Any]], size: int) -> Iterator[tuple[list[str], bool]]:
    """(prompts, whether they are multiple choice), at most `size` of a kind that follow each other."""
    for is_multiple_choice, run in groupby(questions, key=lambda q: bool(q["is_multiple_choice"])):
        prompts = [q["prompt"] for q in run]
        for start in range(0, len(prompts), size):
            yield prompts[start : start + size], is_multiple_choice


def answer_track(
    model: Any, track: str, parts: list[tuple[list[str], bool]], limit: float, start_seconds: float, limit_each: float
) -> tuple[dict[str, Any], Costs]:
    """(what the output says of the track, the costs that it was predicted by)."""
    model.start_afresh()
    loads = [model.load_of(prompts, is_multiple_choice) for prompts, is_multiple_choice in parts]
    first = spread(len(parts), MEASURED)
    seconds = {place: answer(model, track, place, parts[place], limit_each) for place in first}
    costs = fit_costs([loads[place] for place in first], [seconds[place] for place in first])
    rest = [place for place in range(len(parts)) if place not in seconds]
    predicted = (start_seconds + sum(seconds.values()) + sum(costs.seconds(loads[place]) for place in rest)) / 60
    count = sum(len(prompts) for prompts, _ in parts)
    progress(f"{track}: {count} questions in {len(parts)} batches, {predicted:.2f} minutes predicted of {limit:g}")
    if predicted > limit:
        raise BadInput(
            f"{track}: its {count} questions would take {predicted:.1f} minutes, the limit is {limit:g} (from {len(first)} of {len(parts)} "
            "batches); use faster or more GPUs, or raise inference.challenge.minutes"
        )
    seconds |= {place: answer(model, track, place, parts[place], limit_each) for place in rest}
    slowest = max(seconds[place] / len(prompts) for place, (prompts, _) in enumerate(parts))
    return {
        "questions": count,
        "minutes": round((start_seconds + sum(seconds.values())) / 60, 4),
        "limit_minutes": limit,
        "predicted_minutes": round(predicted, 4),
        "measured_batches": len(first),
        "slowest_seconds_per_question": round(slowest, 4),
    }, costs


def answer(model: Any, track: str, place: int, part: tuple[list[str], bool], limit_each: float) -> float:
    """Seconds that a batch took. Raises BadInput if it was too slow, or if a question has no answer."""
    prompts, is_multiple_choice = part
    started = time.perf_counter()
    responses = model.batch_predict({"prompt": prompts}, is_multiple_choice)
    seconds = time.perf_counter() - started
    if len(responses) != len(prompts):
        raise BadInput(f"{track}, batch {place}: {len(responses)} responses to {len(prompts)} prompts")
    if seconds > limit_each * len(prompts):
        raise BadInput(
            f"{track}, batch {place}: {seconds / len(prompts):.1f} s a question, the limit is {limit_each:g}; use faster or more GPUs, "
            "or raise inference.challenge.seconds_per_question"
        )
    return seconds


if __name__ == "__main__":
    run_program(main)
