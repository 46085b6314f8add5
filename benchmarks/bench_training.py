"""The training step: packed against padded rows, against a bare loop and TRL, and the memory estimate against measured peaks.

Random-weight Qwen2 models and random tokens; lengths are those of the paper's blend v8, of datasets made from simulated sources with texts
as long as the real ones' (bench_data.py makes them). Speeds are of tokens that samples have, not of padding, by CPU time. What is compared
runs in turn in one process.

    OMP_NUM_THREADS=1 python benchmarks/run.py --output results.json training
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SCRATCH = ROOT / ".bench/training"
sys.path[:0] = [str(ROOT / "workflow/scripts"), str(ROOT / "benchmarks/training")]

# As wide against its vocabulary as Qwen2-72B.
SPEED_SHAPE = {"layers": 4, "hidden": 256, "intermediate": 768, "heads": 4, "kv_heads": 1, "head_size": 64, "vocabulary": 4096}
ON_CPU = {"compute_dtype": "float32", "optimizer": "adamw", "gradient_checkpointing": False, "rank": 16, "alpha": 8}
BATCHES, ROUNDS = 2, 5
PADDED_SAMPLES = 8
# A deep, a wide and a checkpointed one, each of more than half a gigabyte in training.
MEMORY_RUNS: list[tuple[dict[str, int], dict[str, Any]]] = [
    ({"layers": 12, "hidden": 512, "intermediate": 1408, "heads": 8, "kv_heads": 2, "head_size": 64, "vocabulary": 8192},
     {"max_length": 512, "rank": 64, "alpha": 32, "gradient_checkpointing": False, "compute_dtype": "float32", "optimizer": "adamw"}),
    ({"layers": 4, "hidden": 2048, "intermediate": 5632, "heads": 16, "kv_heads": 4, "head_size": 128, "vocabulary": 8192},
     {"max_length": 512, "rank": 32, "alpha": 32, "gradient_checkpointing": False, "compute_dtype": "bfloat16", "optimizer": "adamw"}),
    ({"layers": 10, "hidden": 1024, "intermediate": 2816, "heads": 16, "kv_heads": 4, "head_size": 64, "vocabulary": 32768},
     {"max_length": 1024, "rank": 16, "alpha": 32, "gradient_checkpointing": True, "compute_dtype": "bfloat16", "optimizer": "adamw"}),
]  # fmt: skip


def measure(scale: float) -> dict[str, float]:
    return {**speeds(blend_lengths(scale)), **memory_error()}


def blend_lengths(scale: float) -> list[tuple[int, int]]:
    """Tokens of (prompt, answer) of a few batches of v8's rows, in the blend's proportions; longer prompts than a row are cut."""
    import polars as pl
    import yaml

    from shopbench.blends import selections
    from shopbench.chat import chat_answer, chat_prompt
    from shopbench.config import datasets_of, resolve
    from shopbench.dataset_table import read_dataset_table
    from shopbench.estimates import BYTES_PER_TOKEN
    from shopbench.training_config import TrainingConfig

    folder = ROOT / ".bench/datasets"
    if not list(folder.glob("*.parquet")):
        raise SystemExit("run the data benchmark first: python benchmarks/run.py --output results.json data training")
    config = resolve(yaml.safe_load((ROOT / "config/config.yaml").read_text()), ROOT)
    table = read_dataset_table(ROOT / "config/datasets.tsv")
    caps = selections(config["blends"], datasets_of(config, table), table, scale)["v8"]
    rows = pl.concat(
        [
            pl.read_parquet(folder / f"{name}.parquet", columns=["prompt", "task_type", "completion"]).head(cap or 10**9)
            for name, cap in caps.items()
        ]
    )
    training = TrainingConfig()
    lengths = []
    for row in rows.sample(BATCHES * training.batch_samples, seed=1).to_dicts():
        answer = round(len(chat_answer(row["completion"]).encode()) / BYTES_PER_TOKEN) + 1
        prompt = round(len(chat_prompt(row["prompt"], row["task_type"]).encode()) / BYTES_PER_TOKEN)
        lengths.append((min(prompt, training.max_length - answer), answer))
    return lengths


def speeds(lengths: Sequence[tuple[int, int]]) -> dict[str, float]:
    """Tokens a second of the same samples, computed in several ways, as medians of ratios to our packed step."""
    import torch
    from accelerate import Accelerator
    from random_model import random_model, random_samples
    from rivals import bare_steps, padded_steps, trl_steps
    from train_adapter import train_step

    from shopbench.files import progress
    from shopbench.model_shapes import ModelShape
    from shopbench.qlora import load_model, make_optimizer
    from shopbench.training_config import TrainingConfig

    # CPU time says how long a step takes while one core does it all.
    torch.set_num_threads(1)
    shape = ModelShape(**SPEED_SHAPE)
    accelerator = Accelerator(cpu=True)
    config = TrainingConfig.from_json(json.dumps(ON_CPU | {"loss_reduction": "token"}))
    folder = random_model(shape, SCRATCH)
    samples = random_samples(lengths, shape.vocabulary)
    batches = [samples[start : start + config.batch_samples] for start in range(0, len(samples), config.batch_samples)]
    full = random_samples([(config.max_length - 16, 16)] * 4, shape.vocabulary)
    model = load_model(folder, config, accelerator.device, None)
    optimizer = make_optimizer(model, config)

    def ours(batches: Sequence[Any]) -> list[float]:
        return [train_step(model, optimizer, batch, 1e-4, step, config, accelerator)[0] for step, batch in enumerate(batches)]

    trl = trl_steps(folder, config, batches, SCRATCH)
    ways: dict[str, Callable[[], Any]] = {
        "packed": lambda: ours(batches),
        "padded": lambda: padded_steps(model, optimizer, batches, PADDED_SAMPLES, config),
        "full": lambda: ours([full]),
        "bare": lambda: bare_steps(model, optimizer, batches, config),
        "trl": trl,
    }
    tokens = {name: sum(map(len, full)) if name == "full" else sum(map(len, samples)) for name in ways}
    at_first = {name: ways[name]() for name in ways}
    # Equal work. TRL's first loss is its first row's.
    for name, tolerance in {"padded": 0.02, "bare": 0.02, "trl": 0.2}.items():
        if abs(at_first[name][0] - at_first["packed"][0]) > tolerance:
            raise RuntimeError(f"{name} and our step have other losses: the comparison is worthless ({at_first})")
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            started = time.process_time()
            way()
            rates[name].append(tokens[name] / (time.process_time() - started))
    for name, found in rates.items():
        progress(f"{name}: {statistics.median(found):,.0f} tokens a second of CPU time")

    def ratio(name: str) -> float:
        return statistics.median(ours / theirs for ours, theirs in zip(rates["packed"], rates[name], strict=True))

    return {
        "training.packed_vs_padded": ratio("padded"),
        "training.packed_vs_full": ratio("full"),
        "training.vs_bare": ratio("bare"),
        "training.vs_trl": ratio("trl"),
        "training.tokens_per_cpu_second": statistics.median(rates["packed"]),
    }


def memory_error() -> dict[str, float]:
    """Estimated over measured peaks less 1, of each shape and the worst."""
    from shopbench.files import progress

    errors = []
    for shape, training in MEMORY_RUNS:
        program = ROOT / "benchmarks/training/memory.py"
        arguments = ["--shape", json.dumps(shape), "--training", json.dumps(training), "--scratch", str(SCRATCH)]
        done = subprocess.run(
            [sys.executable, str(program), *arguments],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        found = json.loads(done.stdout.splitlines()[-1])
        errors.append(found["estimated"] / found["measured"] - 1)
        progress(f"{shape['layers']} layers of {shape['hidden']}: {found['measured'] / 2**20:.0f} MiB, estimated {errors[-1]:+.3f}")
    return {
        "training.memory_estimate_error": max(map(abs, errors)),
        **{f"training.memory_estimate_error.{number}": error for number, error in enumerate(errors, 1)},
    }
