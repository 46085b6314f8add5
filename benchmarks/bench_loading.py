"""Starting an engine on the demo's base: CPU time with the garbage collector over that without (shopbench/loading.py), in new processes."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[1]
RUNS = 5
START = """
import contextlib, json, sys, time
from pathlib import Path
import shopbench.engine
model, settings, collected = sys.argv[1:]
if collected == "yes":
    shopbench.engine.loading_for_good = contextlib.nullcontext
shopbench.engine.Engine(Path(model), json.loads(settings), {}, "cpu")
print("CPU", time.process_time())
"""


def measure(scale: float) -> dict[str, float]:
    settings = yaml.safe_load((REPOSITORY / "config/demo.yaml").read_text())["inference"]["unquantized"]
    ratios = [start_seconds(settings, "yes") / start_seconds(settings, "no") for _ in range(RUNS)]
    return {"inference.loading_speedup": statistics.median(ratios)}


def start_seconds(settings: dict[str, Any], collected: str) -> float:
    """CPU seconds of a process that starts an engine and ends."""
    command = [sys.executable, "-c", START, str(REPOSITORY / "workflow/demo_base"), json.dumps(settings), collected]
    run = subprocess.run(command, cwd=REPOSITORY / "workflow/scripts", check=True, capture_output=True, text=True)
    return float(run.stdout.splitlines()[-1].removeprefix("CPU "))
