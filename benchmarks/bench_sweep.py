"""sweep_alphas.py at eleven alphas on a tiny Qwen2: against one evaluation with the adapter on, and against a merge and a new engine each.

Answering is timed by the program's own progress lines, from its first question to the first score: neither starting nor scoring counts.
A merge-and-reload cycle is build_ensemble.py with the alpha, merge_ensemble.py and the engine on the merged model, programs from start to
end; two cycles are run and taken for eleven.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from models.timed import timed

from shopbench.files import progress

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = ROOT / "workflow/scripts"
ALPHAS = [round(0.1 * step, 1) for step in range(11)]
CYCLES = [0.3, 0.7]
QUESTIONS, RANK, RUNS = 400, 64, 2
SHAPE = {"hidden_size": 128, "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 384}
ENGINE = {
    "dtype": "float32",
    "tensor_parallel": 1,
    "max_model_len": 512,
    "max_num_seqs": 64,
    "enforce_eager": True,
    "attention_backend": None,
}
NEW_TOKENS = {"multiple-choice": 1, "retrieval": 8, "ranking": 9, "named_entity_recognition": 15, "generation": 50}
WORDS = "red cotton steel kettle shampoo for men and women a set of three large small water boils made in blue green"


class Sweep(NamedTuple):
    """Seconds of the whole program and of its answering, and how often it started an engine."""

    whole: float
    answering: float
    starts: int


def measure(scale: float) -> dict[str, float]:
    (ROOT / ".bench").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT / ".bench") as scratch:
        folder = Path(scratch)
        # In a process of its own: the benchmarks' process stays small.
        subprocess.run([sys.executable, __file__, str(folder)], check=True, env=os.environ | {"PYTHONPATH": str(PROGRAMS)})
        ratios, whole = [], []
        for _ in range(RUNS):
            one, eleven = (sweep(folder, alphas, folder / "base") for alphas in ([1.0], ALPHAS))
            progress(f"one alpha {one.answering:.1f} s, eleven {eleven.answering:.1f} s of {eleven.whole:.1f} s")
            ratios.append(eleven.answering / one.answering)
            whole.append(eleven.whole)
        cycles = [cycle(folder, alpha) for alpha in CYCLES]
    return {
        "sweep.vs_one_eval": statistics.median(ratios),
        "sweep.engine_starts": float(eleven.starts),
        "sweep.seconds": statistics.median(whole),
        "sweep.vs_merge_and_reload": len(ALPHAS) * statistics.mean(cycles) / statistics.median(whole),
    }


def sweep(folder: Path, alphas: list[float], model: Path) -> Sweep:
    options = {
        "--sweep": "s", "--model": model, "--adapter": folder / "adapter", "--alphas": json.dumps(alphas), "--device": "cpu",
        "--engine": json.dumps(ENGINE), "--new-tokens": json.dumps(NEW_TOKENS), "--sentence-models": "{}", "--bootstrap": "2000",
        "--evaluation": folder / "validation.parquet", "--parts": folder / "parts", "--output": folder / "sweep.parquet",
    }  # fmt: skip
    command = [sys.executable, PROGRAMS / "sweep_alphas.py", *(word for option in options.items() for word in option)]
    started = time.perf_counter()
    process = subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    assert process.stderr
    lines = [(time.perf_counter(), line) for line in process.stderr]
    if process.wait():
        raise RuntimeError("".join(line for _, line in lines)[-3000:])
    whole = time.perf_counter() - started
    asked = next(at for at, line in lines if line.startswith("alpha "))
    scored = next(at for at, line in lines if line.startswith("scoring "))
    # What it keeps of its answers would answer the next run.
    shutil.rmtree(folder / "parts")
    return Sweep(whole, scored - asked, sum(line.startswith("engine of") for _, line in lines))


def cycle(folder: Path, alpha: float) -> float:
    """Seconds of one alpha by a merge and an engine of its own."""
    ensemble = json.dumps({"mode": "stack", "alpha": alpha, "adapters": [{"name": "adapter", "weight": 1.0}]})
    for name in ("sum", "merged"):
        shutil.rmtree(folder / name, ignore_errors=True)
    build = ["--ensemble", ensemble, "--adapters", folder / "adapter", "--output", folder / "sum"]
    merge = ["--base", folder / "base", "--ensemble", folder / "sum", "--dtype", "float32"]
    spent = timed(sys.executable, PROGRAMS / "build_ensemble.py", *build).seconds
    merge += ["--parts", folder / "merge-parts", "--output", folder / "merged"]
    spent += timed(sys.executable, PROGRAMS / "merge_ensemble.py", *merge).seconds
    # Alpha 0: the merged weights alone.
    return spent + sweep(folder, [0.0], folder / "merged").whole


def make_inputs(folder: Path) -> None:
    """A tiny Qwen2, an adapter of rank 64 on it, and questions of three types."""
    import torch
    from models.random_models import write_adapter

    from shopbench.files import read_json, whole_folder
    from shopbench.questions import write_questions
    from shopbench.tiny_qwen2 import make_model, train_tokenizer

    torch.manual_seed(0)
    choice = random.Random(1)
    questions = [make_question(number, choice) for number in range(QUESTIONS)]
    write_questions(folder / "validation.parquet", questions, {})
    tokenizer = train_tokenizer([question["prompt"] for question in questions], 1024)
    with whole_folder(folder / "base") as partial:
        make_model(tokenizer, SHAPE).save_pretrained(partial)
        tokenizer.save_pretrained(partial)
    write_adapter(folder / "adapter", read_json(folder / "base/config.json"), RANK, "base")


def make_question(number: int, choice: random.Random) -> dict[str, Any]:
    """Seven of ten with one token as answer, as in the challenge; the others rank or write."""

    def some(least: int, most: int) -> str:
        return " ".join(choice.choices(WORDS.split(), k=choice.randint(least, most)))

    options = [some(2, 6) for _ in range(4)]
    kind = number % 10
    if kind < 7:
        prompt = f"Which of these is {some(3, 30)}?\n" + "\n".join(f"{n}. {text}" for n, text in enumerate(options)) + "\nAnswer: "
        answer: dict[str, Any] = {"task_type": "multiple-choice", "metric": "accuracy", "truth": choice.randrange(4)}
    elif kind < 9:
        prompt = f"Rank for {some(3, 10)}.\n" + "\n".join(f"{n}. {text}" for n, text in enumerate(options, start=1))
        prompt += "\nOnly respond with the ranking results."
        answer = {"task_type": "ranking", "metric": "ndcg", "truth": [1.0, 0.5, 0.1, 0.0]}
    else:
        prompt = f"Explain why one buys {some(3, 20)}."
        answer = {"task_type": "generation", "metric": "rougel", "truth": some(5, 20)}
    place = {"id": f"q{number}", "set": "validation", "track": f"track{1 + kind % 4}", "task": f"task{kind}"}
    return place | answer | {"is_multiple_choice": kind < 7, "prompt": prompt, "reference": "", "locale": "en"}


if __name__ == "__main__":
    make_inputs(Path(sys.argv[1]))
