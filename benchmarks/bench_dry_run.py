"""How long the dry run of the paper's whole graph takes: in seconds, and against starting Snakemake at all."""

from __future__ import annotations

import statistics
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SNAKEMAKE = ROOT / ".envs/workflow/bin/snakemake"
RUNS = 5


def seconds(*arguments: str) -> float:
    started = time.perf_counter()
    subprocess.run([SNAKEMAKE, *arguments], cwd=ROOT, check=True, capture_output=True)
    return time.perf_counter() - started


def measure(scale: float) -> dict[str, float]:
    pairs = [(seconds("--dry-run", "--profile", "slurm"), seconds("--version")) for _ in range(RUNS)]
    return {
        "dry_run.seconds": statistics.median(dry for dry, _ in pairs),
        "dry_run.vs_version": statistics.median(dry / version for dry, version in pairs),
    }
