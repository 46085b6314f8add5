"""An engine on the demo's base, started and ended in new processes: CPU time of the whole process over that of what the pipeline does.

inference.loading_speedup    with Python's garbage collector at work while it loads (shopbench/loading.py)
inference.leaving_speedup    with Python taking its modules apart at the end (shopbench/files.py, `leave`)
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[1]
RUNS = 5
PROGRAM = """
import contextlib, json, sys
from pathlib import Path
import shopbench.engine, shopbench.files
model, settings, way = sys.argv[1:]
if way == "collected":
    shopbench.engine.loading_for_good = contextlib.nullcontext
if way == "taken apart":
    shopbench.files.leave = lambda: None
shopbench.files.run_program(lambda: shopbench.engine.Engine(Path(model), json.loads(settings), {}, "cpu"))
"""


def measure(scale: float) -> dict[str, float]:
    settings = yaml.safe_load((REPOSITORY / "config/demo.yaml").read_text())["inference"]["unquantized"]
    loading, leaving = [], []
    for _ in range(RUNS):
        shipped, collected, taken_apart = (cpu_seconds(settings, way) for way in ("shipped", "collected", "taken apart"))
        loading.append(collected / shipped)
        leaving.append(taken_apart / shipped)
    return {"inference.loading_speedup": statistics.median(loading), "inference.leaving_speedup": statistics.median(leaving)}


def cpu_seconds(settings: dict[str, Any], way: str) -> float:
    """CPU seconds of a process that starts an engine and ends."""
    command = [sys.executable, "-c", PROGRAM, str(REPOSITORY / "workflow/demo_base"), json.dumps(settings), way]
    before = os.times()
    subprocess.run(command, cwd=REPOSITORY / "workflow/scripts", check=True, capture_output=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system
