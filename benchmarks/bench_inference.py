"""Answering: our engine against transformers, against the winners' loop, against a random order, and strict against no constraints.

Questions are those of a simulated Shopping MMLU; the model is a random-weight Qwen2, so that answers run to their limits in all ways
alike. All ways run in turn in one process, each from an empty prefix cache; figures are medians of the rounds' ratios of seconds: of CPU
time on the CPU, where this process does all the work in one thread, and of the clock on a GPU. Starting and loading are excluded, and
reported by the clock.

    OMP_NUM_THREADS=1 python benchmarks/run.py --output results.json inference
    python benchmarks/bench_inference.py --device cuda --output inference.json    # on a GPU, in the CUDA environment
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "workflow/scripts"), str(ROOT / "benchmarks")]

from shopbench.files import progress, read_json, write_json  # noqa: E402

if TYPE_CHECKING:
    from inference.rivals import Answering

    from shopbench.engine import Ask, Engine

# As the paper's config has them for unquantized models: 64 in flight, limits by task type.
NEW_TOKENS = {"multiple-choice": 1, "retrieval": 8, "ranking": 9, "named_entity_recognition": 15, "generation": 50}
ENGINE = {"tensor_parallel": 1, "max_model_len": 1024, "max_num_seqs": 64, "gpu_memory_utilization": 0.8, "attention_backend": None}
BY_DEVICE = {"cpu": {"dtype": "float32", "enforce_eager": True}, "cuda": {"dtype": "bfloat16", "enforce_eager": False}}
SHAPE = {"hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 768}
VOCABULARY = 4096
QUESTIONS, WARM_UP, ROUNDS = 256, 32, 3
# Below this share of equal answers two ways do not do the same work.
LEAST_SAME = 0.95
# Of the benchmark's 20,799, the ones that the questions are drawn from.
SIMULATED_SHARE = 0.1


def measure(scale: float) -> dict[str, float]:
    (ROOT / ".bench").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT / ".bench") as scratch:
        output = Path(scratch) / "figures.json"
        # In a process of its own: the benchmarks' process stays small, and vLLM reads its environment when it is imported.
        subprocess.run([sys.executable, __file__, "--output", str(output)], check=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
        return read_json(output)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="where all ways run")
    parser.add_argument("--output", type=Path, required=True, help="JSON file to write: name to number")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        write_json(arguments.output, figures(Path(scratch), arguments.device))


def figures(scratch: Path, device: str) -> dict[str, float]:
    asks = simulated_questions(scratch)
    model = random_base(scratch / "base", [ask.prompt for ask in asks])
    choices = [ask for ask in asks if ask.is_multiple_choice]

    from inference import rivals

    from shopbench.engine import Engine

    settings = ENGINE | BY_DEVICE[device]
    engine = Engine(model, settings, NEW_TOKENS, device)
    started = time.perf_counter()
    transformers = rivals.transformers_generate(model, NEW_TOKENS, device, settings["dtype"])
    transformers_start = time.perf_counter() - started
    ways: dict[str, tuple[Answering, Sequence[Ask]]] = {
        "ours": (rivals.ours(engine, "none"), asks),
        "transformers": (transformers, asks),
        "random": (rivals.in_random_order(engine, "none"), asks),
        "ours, no cache": (uncached(engine, rivals.ours(engine, "none")), asks),
        "random, no cache": (uncached(engine, rivals.in_random_order(engine, "none")), asks),
        "ours, boost": (rivals.ours(engine, "boost"), asks),
        "winners": (uncached(engine, rivals.winners_loop(engine, "boost")), asks),
        "winners, cached": (rivals.winners_loop(engine, "boost"), asks),
        "free choices": (rivals.ours(engine, "none"), choices),
        "strict choices": (rivals.ours(engine, "strict"), choices),
        "strict": (rivals.ours(engine, "strict"), asks),
    }
    seconds, responses = time_in_turn(engine, ways, time.process_time if device == "cpu" else time.perf_counter)
    for way, reference in {"transformers": "ours", "random": "ours", "winners": "ours, boost"}.items():
        if same(responses[way], responses[reference]) < LEAST_SAME:
            raise RuntimeError(f"{way} and {reference} answer differently: the comparison is worthless")

    def ratio(slow: str, fast: str) -> float:
        return statistics.median(a / b for a, b in zip(seconds[slow], seconds[fast], strict=True))

    return {
        "inference.vs_transformers": ratio("transformers", "ours"),
        "inference.vs_transformers.same_answers": same(responses["transformers"], responses["ours"]),
        "inference.vs_winners_loop": ratio("winners", "ours, boost"),
        "inference.vs_winners_loop.cached": ratio("winners, cached", "ours, boost"),
        "inference.ordered_vs_random": ratio("random", "ours"),
        "inference.ordered_vs_random.no_cache": ratio("random, no cache", "ours, no cache"),
        "inference.strict_vs_free": ratio("strict choices", "free choices"),
        "inference.strict_vs_free.all_types": ratio("strict", "ours"),
        "inference.questions_per_second": len(asks) / statistics.median(seconds["ours"]),
        "inference.start_seconds": engine.start_seconds,
        "inference.start_seconds.transformers": transformers_start,
    }


def time_in_turn(
    engine: Engine, ways: dict[str, tuple[Answering, Sequence[Ask]]], clock: Callable[[], float]
) -> tuple[dict[str, list[float]], dict[str, list[str]]]:
    """(seconds of each round, responses of the last one) of each way; every other round goes backwards through them."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    responses = {name: answer(asks[:WARM_UP]) for name, (answer, asks) in ways.items()}
    for number in range(ROUNDS):
        for name in list(ways)[:: -1 if number % 2 else 1]:
            answer, asks = ways[name]
            engine._llm.reset_prefix_cache()
            started = clock()
            responses[name] = answer(asks)
            seconds[name].append(clock() - started)
    for name, found in seconds.items():
        progress(f"{name}: {len(ways[name][1]) / statistics.median(found):.1f} questions a second ({min(found):.2f} to {max(found):.2f} s)")
    return seconds, responses


def uncached(engine: Engine, answer: Answering) -> Answering:
    """The same way, with every request told not to read the prefix cache."""
    ordinary: Callable[..., Any] = engine._sampling

    def without_cache(*arguments: Any) -> Any:
        parameters = ordinary(*arguments)
        parameters.skip_reading_prefix_cache = True
        return parameters

    def answer_without_cache(asks: Sequence[Ask]) -> list[str]:
        engine._sampling = without_cache  # type: ignore[method-assign]
        try:
            return answer(asks)
        finally:
            engine._sampling = ordinary  # type: ignore[method-assign]

    return answer_without_cache


def same(these: Sequence[str], those: Sequence[str]) -> float:
    """The share of equal responses: below 1 by near ties alone, or the ways do different work."""
    return sum(a == b for a, b in zip(these, those, strict=True)) / len(these)


def simulated_questions(scratch: Path) -> list[Ask]:
    """Questions of all 18 simulated tasks in the benchmark's proportions, mixed."""
    from prepare_shopping_mmlu import read_archive

    from shopbench.engine import Ask
    from shopbench.simulators import shopping_mmlu

    shopping_mmlu.write("data.zip", SIMULATED_SHARE, 1, scratch / "data.zip")
    questions = read_archive(str(scratch / "data.zip"))
    chosen = random.Random(1).sample(questions, QUESTIONS)
    return [Ask(question["prompt"], question["is_multiple_choice"]) for question in chosen]


def random_base(folder: Path, texts: Sequence[str]) -> Path:
    """A random-weight Qwen2 with a tokenizer of the questions' words; wide weights, so that answers differ and ties are rare."""
    import torch

    from shopbench.tiny_qwen2 import make_model, train_tokenizer

    torch.manual_seed(0)
    tokenizer = train_tokenizer(texts, VOCABULARY)
    model = make_model(tokenizer, SHAPE)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim == 2:
                weight.normal_(std=0.1)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


if __name__ == "__main__":
    main()
