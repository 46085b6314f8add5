"""merge_ensemble.py on 3 GB of random weights: against `cp` of the model, against PEFT, and against sums in float64.

The model is a Qwen2 of six wide layers with two rank-64 adapters, as an ensemble of the paper has them. All programs count from start to
end, imports and manifests (SHA-256) included; each run begins with written data flushed, and its output is deleted after it.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

import torch
from models.random_models import linear_layers, write_adapter, write_base
from models.timed import Cost, timed

from shopbench.files import progress
from shopbench.lora import Adapter
from shopbench.tensors import TensorFiles, weight_files

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS, PEFT = ROOT / "workflow/scripts", ROOT / "benchmarks/models/peft_merge.py"
SHAPE = {
    "architectures": ["Qwen2ForCausalLM"],
    "model_type": "qwen2",
    "hidden_size": 4096,
    "intermediate_size": 14784,
    "num_hidden_layers": 6,
    "num_attention_heads": 32,
    "num_key_value_heads": 4,
    "vocab_size": 32000,
    "tie_word_embeddings": False,
    "dtype": "bfloat16",
}
SHARDS, RANK = 5, 64
WEIGHTS = {"first": 0.56, "second": -0.75}
# How often each is run, in turn.
RUNS = {"cp": 3, "merge": 3, "bfloat16": 1, "peft": 2}
ROWS = 512


def measure(scale: float) -> dict[str, float]:
    torch.manual_seed(0)
    (ROOT / ".bench").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT / ".bench") as scratch:
        folder = Path(scratch)
        write_base(folder / "base", SHAPE, SHARDS)
        for name in WEIGHTS:
            write_adapter(folder / name, SHAPE, RANK, "base")
        build_ensemble(folder)
        return compare(folder)


def build_ensemble(folder: Path) -> None:
    listed = [{"name": name, "weight": weight} for name, weight in WEIGHTS.items()]
    ensemble = json.dumps({"mode": "stack", "alpha": 1.0, "adapters": listed})
    adapters = [folder / name for name in WEIGHTS]
    timed(
        sys.executable, PROGRAMS / "build_ensemble.py", "--ensemble", ensemble, "--adapters", *adapters, "--output", folder / "ensemble"
    )  # fmt: skip


def compare(folder: Path) -> dict[str, float]:
    base, ensemble = folder / "base", folder / "ensemble"
    size = sum(file.stat().st_size for file in weight_files(base))

    def merge(arithmetic: str) -> list[object]:
        given = ["--base", base, "--ensemble", ensemble, "--dtype", "bfloat16", "--arithmetic", arithmetic]
        return [sys.executable, PROGRAMS / "merge_ensemble.py", *given, "--parts", folder / "parts", "--output", folder / "made"]

    commands = {
        "cp": ["cp", "-r", base, folder / "made"],
        "merge": merge("float32"),
        "bfloat16": merge("bfloat16"),
        "peft": [sys.executable, PEFT, base, ensemble, folder / "made"],
    }
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    figures: dict[str, float] = {}
    for run in range(max(RUNS.values())):
        for name in [name for name in commands if run < RUNS[name]]:
            shutil.rmtree(folder / "made", ignore_errors=True)
            os.sync()
            costs[name].append(timed(*commands[name]))
            progress(f"{name}: {costs[name][-1].seconds:.1f} s, {costs[name][-1].peak / 2**20:.0f} MiB")
            if run == 0 and name in ("merge", "bfloat16", "peft"):
                figures[f"{name}.within_1_ulp"] = share_within_a_step(folder, folder / "made")

    def ratio(one: str, other: str) -> float:
        return statistics.median(a.seconds / b.seconds for a, b in zip(costs[one], costs[other], strict=False))

    peaks = {name: max(cost.peak for cost in spent) for name, spent in costs.items()}
    return {
        "merge.model_gb": size / 1e9,
        "merge.seconds": statistics.median(cost.seconds for cost in costs["merge"]),
        "merge.cp_seconds": statistics.median(cost.seconds for cost in costs["cp"]),
        "merge.rss_vs_model": peaks["merge"] / size,
        "merge.vs_cp": ratio("merge", "cp"),
        "merge.vs_cp.bfloat16": ratio("bfloat16", "cp"),
        "merge.vs_peft_time": ratio("merge", "peft"),
        "merge.vs_peft_mem": peaks["merge"] / peaks["peft"],
        "merge.within_1_ulp": figures["merge.within_1_ulp"],
        "merge.within_1_ulp.bfloat16": figures["bfloat16.within_1_ulp"],
        "merge.within_1_ulp.peft": figures["peft.within_1_ulp"],
    }


def share_within_a_step(folder: Path, merged: Path) -> float:
    """Of the first layer's weights, those at most one bfloat16 from W + sum of weight * delta in float64, from the adapters themselves."""
    base, made = TensorFiles(weight_files(folder / "base")), TensorFiles(weight_files(merged))
    adapters = {Adapter(folder / name): weight for name, weight in WEIGHTS.items()}
    close = total = 0
    for module in [module for module in linear_layers(SHAPE) if ".layers.0." in module]:
        name = f"{module}.weight"
        factors = [(a.double(), weight * b.double()) for adapter, weight in adapters.items() for a, b in [adapter.factors(module)]]
        for first in range(0, base[name].shape[0], ROWS):
            last = min(first + ROWS, base[name].shape[0])
            exact = base.rows(name, first, last).double()
            for a, b in factors:
                exact.addmm_(b[first:last], a)
            off = (_place(made.rows(name, first, last)) - _place(exact.bfloat16())).abs()
            close, total = close + int((off <= 1).sum()), total + off.numel()
    return close / total


def _place(values: torch.Tensor) -> torch.Tensor:
    """The place of bfloat16 values among all bfloat16 numbers in their order: a difference counts units in the last place."""
    bits = values.view(torch.int16).int()
    return torch.where(bits < 0, -(bits & 0x7FFF), bits)
