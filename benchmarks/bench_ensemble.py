"""build_ensemble.py on four rank-64 adapters of Qwen2-7B's shape: against `cp` of the adapter that comes of them.

The program counts from start to end, imports and manifest (SHA-256) included; `.running` leaves the start (`--help`) out.
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
from models.random_models import write_adapter
from models.timed import timed

from shopbench.files import progress

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = ROOT / "workflow/scripts/build_ensemble.py"
SHAPE = {
    "hidden_size": 3584,
    "intermediate_size": 18944,
    "num_hidden_layers": 28,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
}
RANK = 64
WEIGHTS = {"first": 0.56, "second": -0.75, "third": 0.3, "fourth": 0.1}
RUNS = 5


def measure(scale: float) -> dict[str, float]:
    torch.manual_seed(0)
    (ROOT / ".bench").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT / ".bench") as scratch:
        folder = Path(scratch)
        for name in WEIGHTS:
            write_adapter(folder / name, SHAPE, RANK, "base")
        listed = [{"name": name, "weight": weight} for name, weight in WEIGHTS.items()]
        given = ["--ensemble", json.dumps({"mode": "stack", "alpha": 1.0, "adapters": listed})]
        given += ["--adapters", *map(str, (folder / name for name in WEIGHTS)), "--output", str(folder / "sum")]
        return compare(folder, [sys.executable, str(PROGRAM), *given])


def compare(folder: Path, command: list[str]) -> dict[str, float]:
    whole, running, copies = [], [], []
    for _ in range(RUNS):
        start = timed(*command[:2], "--help").seconds
        shutil.rmtree(folder / "sum", ignore_errors=True)
        os.sync()
        spent = timed(*command)
        size = sum(file.stat().st_size for file in (folder / "sum").iterdir())
        os.sync()
        copy = timed("cp", "-r", folder / "sum", folder / "copy").seconds
        shutil.rmtree(folder / "copy")
        progress(f"{spent.seconds:.1f} s (start {start:.1f} s), {spent.peak / 2**20:.0f} MiB; cp of {size / 1e9:.2f} GB: {copy:.1f} s")
        whole.append(spent.seconds / copy)
        running.append((spent.seconds - start) / copy)
        copies.append(copy)
    return {
        "ensemble.result_gb": size / 1e9,
        "ensemble.cp_seconds": statistics.median(copies),
        "ensemble.vs_cp": statistics.median(whole),
        "ensemble.vs_cp.running": statistics.median(running),
    }
