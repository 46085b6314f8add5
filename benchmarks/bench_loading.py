"""An engine on the demo's base, started and ended in new processes: CPU time of the whole process over that of what the pipeline does.

inference.loading_speedup      with Python's garbage collector at work while it loads (shopbench/loading.py)
inference.leaving_speedup      with Python taking its modules apart at the end (shopbench/files.py, `leave`)
inference.first_start_speedup  with vLLM looking at the model's class in another process, as it does once in a home directory
                               (shopbench/engine.py, `inspect_here`)
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[1]
RUNS = 3
PROGRAM = """
import contextlib, json, sys
from pathlib import Path
import shopbench.engine, shopbench.files
model, settings, way = sys.argv[1:]
if way == "collected":
    shopbench.engine.loading_for_good = contextlib.nullcontext
if way == "taken apart":
    shopbench.files.leave = lambda: None
if way == "elsewhere":
    shopbench.engine.inspect_here = lambda model: None
shopbench.files.run_program(lambda: shopbench.engine.Engine(Path(model), json.loads(settings), {}, "cpu"))
"""


def measure(scale: float) -> dict[str, float]:
    settings = yaml.safe_load((REPOSITORY / "config/demo.yaml").read_text())["inference"]["unquantized"]
    ways = {"collected": "loading", "taken apart": "leaving", "elsewhere": "first_start"}
    ratios: dict[str, list[float]] = {figure: [] for figure in ways.values()}
    for _ in range(RUNS):
        shipped = cpu_seconds(settings, "shipped")
        for way, figure in ways.items():
            ratios[figure].append(cpu_seconds(settings, way) / shipped)
    return {f"inference.{figure}_speedup": statistics.median(values) for figure, values in ratios.items()}


def cpu_seconds(settings: dict[str, Any], way: str) -> float:
    """CPU seconds of a process that starts an engine and ends, and of those that it starts."""
    command = [sys.executable, "-c", PROGRAM, str(REPOSITORY / "workflow/demo_base"), json.dumps(settings), way]
    before = os.times()
    with tempfile.TemporaryDirectory() as cache:
        variables = {**os.environ, "VLLM_CACHE_ROOT": cache}
        subprocess.run(command, cwd=REPOSITORY / "workflow/scripts", env=variables, check=True, capture_output=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system
