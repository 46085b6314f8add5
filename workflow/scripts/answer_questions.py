"""Answer all questions of all evaluation sets with one variant: one vLLM engine, started once.

    python workflow/scripts/answer_questions.py --variant v8 --model results/demo/base/demo-base --adapter results/demo/adapters/v8 \\
      --precision bf16 --constraints strict --device cpu --engine '{"dtype": "float32", ...}' --new-tokens '{"multiple-choice": 1, ...}' \\
      --evaluation results/demo/evaluation/development.parquet results/demo/evaluation/validation.parquet \\
      --parts results/demo/.parts --predictions results/demo/predictions --timing results/demo/timings/v8.json

Reads the evaluation sets (Parquet, named by their set), a model with its manifest, perhaps a LoRA adapter. Sets are answered in turn, and
the tracks of each. Leaves, for each set, <predictions>/<set>/<variant>/track1.jsonl to track5.jsonl (lines of id, task, task_type, prompt,
response, seconds; track5 holds all questions of the set, the others their own) and the timing:

    variant
    engine_start_seconds
    sets    {set: {track: {questions, seconds, median_seconds, slowest_seconds}}}: the wall time of the track without the engine's start,
            and what passed from submitting a question to its last token (many are in flight at once)

The task type is routed from the prompt and is_multiple_choice; the label is compared, never used. Answered prompts survive a kill under
<parts>; the next start answers the missing ones.

Source of the method: Team NVIDIA's solution, KDD Cup 2024 (arXiv 2408.04658), and its public final submission.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from shopbench.answers import KeptAnswers
from shopbench.chat_layouts import LAYOUTS
from shopbench.constraints import MODES
from shopbench.engine import Answer, Ask, Engine, check_precision, check_strict
from shopbench.files import progress, run_program, write_json, write_jsonl
from shopbench.gpu_check import require_gpus
from shopbench.questions import Question, read_questions
from shopbench.scaled_adapter import adapter_rank, scale_adapter

TRACKS = ("track1", "track2", "track3", "track4", "track5")
ALL_QUESTIONS = "track5"


def main() -> None:
    args = parse_arguments()
    if args.device == "cuda":
        bfloat16 = "inference: dtype" if args.engine["dtype"] == "bfloat16" else None
        require_gpus(args.engine["tensor_parallel"], "inference: tensor_parallel", bfloat16)
    sets = {path.stem: read_questions(path) for path in args.evaluation}
    check_precision(args.model, args.precision)
    questions = [question for members in sets.values() for question in members]
    asks = [ask_of(q) for q in questions]
    log_routing(questions, asks)

    settings = (args.alpha, args.constraints, args.chat, args.engine, args.new_tokens)
    kept = KeptAnswers(args.parts, "answer_questions", Path(__file__), args.model, args.adapter, *settings)
    answer_missing(args, kept, sets)
    answers = [kept[ask] for ask in asks]
    if args.constraints == "strict":
        check_strict([q["id"] for q in questions], asks, answers, args.new_tokens)

    answer_of = dict(zip([q["id"] for q in questions], answers, strict=True))
    for set_name, members in sets.items():
        folder = args.predictions / set_name / args.variant
        for track in TRACKS:
            write_jsonl(folder / f"{track}.jsonl", prediction_lines(of_track(members, track), answer_of))
    write_json(args.timing, timing(args.variant, sets, answer_of, kept.start()))
    kept.discard()


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variant", required=True, help="name of the variant, a part of the predictions' paths")
    parser.add_argument("--model", type=Path, required=True, help="folder of the base or the quantized model, with its manifest.json")
    parser.add_argument("--adapter", type=Path, help="PEFT folder of a LoRA adapter, with its manifest.json")
    parser.add_argument("--alpha", type=float, default=1.0, help="factor on the adapter (number, 1 = as trained)")
    parser.add_argument("--precision", choices=("bf16", "awq", "gptq"), required=True, help="what the weights are; bf16 is unquantized")
    parser.add_argument("--constraints", choices=MODES, required=True, help="what an answer may be made of")
    parser.add_argument("--chat", choices=LAYOUTS, default="chatml", help="layout of a prompt: as in training, or the model's own")
    parser.add_argument("--device", choices=("cpu", "cuda"), required=True, help="what vLLM runs on")
    parser.add_argument("--engine", type=json.loads, required=True, help="JSON: vLLM's settings, as inference.quantized in the config")
    parser.add_argument("--new-tokens", type=json.loads, required=True, help="JSON: longest answer by task type, in tokens")
    parser.add_argument("--evaluation", type=Path, nargs="+", required=True, help="evaluation sets (.parquet), named by their set")
    parser.add_argument("--parts", type=Path, required=True, help="folder for answers that must survive a kill")
    parser.add_argument("--predictions", type=Path, required=True, help="folder of the predictions of all sets and variants")
    parser.add_argument("--timing", type=Path, required=True, help="JSON file to write the times to")
    return parser.parse_args()


def log_routing(questions: list[Question], asks: list[Ask]) -> None:
    """Say how often the routed task type is not the labelled one, by set and task."""
    routed = [(q["set"], q["task"], q["task_type"], ask.task_type) for q, ask in zip(questions, asks, strict=True)]
    other = Counter(line for line in routed if line[2] != line[3])
    progress(f"{len(questions)} questions, {sum(other.values())} routed to another task type than their label's")
    for (set_name, task, labelled, taken), n in sorted(other.items()):
        progress(f"  {set_name}, {task}: {n} of {labelled} go to {taken}")


def answer_missing(args: argparse.Namespace, kept: KeptAnswers, sets: dict[str, list[Question]]) -> None:
    """Answer each different question once, unless it already is: set by set, track by track."""
    missing = kept.missing([ask_of(q) for members in sets.values() for q in members])
    if not missing:
        return
    progress(f"{len(missing)} different questions to answer")
    with tempfile.TemporaryDirectory() as scratch:
        adapter = args.adapter
        if adapter and args.alpha != 1:
            adapter = Path(scratch) / "adapter"
            scale_adapter(args.adapter, args.alpha, adapter)
        engine = Engine(args.model, args.engine, args.new_tokens, args.device, adapter_rank(adapter), args.chat)
        kept.record_start(engine.start_seconds)
        for set_name, track, asks in turns(sets):
            if missing := kept.missing(asks):
                progress(f"{set_name}, {track}")
                for index, answer in engine.answers(missing, args.constraints, adapter):
                    kept.add(missing[index], answer)
    if engine.cut_prompts:
        progress(f"warning: {engine.cut_prompts} prompts are longer than max_model_len and lost the middle of their longest lines")


def turns(sets: dict[str, list[Question]]) -> Iterator[tuple[str, str, list[Ask]]]:
    """(set, track, its questions) in the order of answering."""
    for set_name, members in sets.items():
        for track in sorted({q["track"] for q in members}):
            yield set_name, track, [ask_of(q) for q in members if q["track"] == track]


def ask_of(question: Question) -> Ask:
    return Ask(question["prompt"], question["is_multiple_choice"])


def of_track(questions: list[Question], track: str) -> list[Question]:
    return [q for q in questions if track in (ALL_QUESTIONS, q["track"])]


def prediction_lines(questions: list[Question], answer_of: dict[str, Answer]) -> list[dict[str, Any]]:
    """The lines of one track's file, in the questions' order."""
    lines = []
    for question in questions:
        answer = answer_of[question["id"]]
        asked = {"id": question["id"], "task": question["task"], "task_type": answer.task_type, "prompt": question["prompt"]}
        lines.append(asked | {"response": answer.response, "seconds": round(answer.seconds, 6)})
    return lines


def timing(variant: str, sets: dict[str, list[Question]], answer_of: dict[str, Answer], start_seconds: float) -> dict[str, Any]:
    """The timing file's content, as described above. A question that two sets share was answered once, and counts in both."""

    def times_of(questions: list[Question]) -> dict[str, Any]:
        return {track: track_times([answer_of[q["id"]] for q in of_track(questions, track)]) for track in TRACKS}

    by_set = {name: times_of(questions) for name, questions in sets.items()}
    return {"variant": variant, "engine_start_seconds": round(start_seconds, 3), "sets": by_set}


def track_times(answers: list[Answer]) -> dict[str, Any]:
    times = {"questions": len(answers), "seconds": round(sum(answer.share for answer in answers), 3)}
    if not answers:
        return times
    each = [answer.seconds for answer in answers]
    return times | {"median_seconds": round(median(each), 3), "slowest_seconds": round(max(each), 3)}


if __name__ == "__main__":
    run_program(main)
