"""The end of a job's run time, seen coming: a program that can go on from a checkpoint stops itself before SLURM kills it.

A signal from SLURM would reach Snakemake or the launcher, which run around the program, and not the program.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

# Exit code of a program that has more to do and can go on: EX_TEMPFAIL of sysexits.h.
UNFINISHED = 75
# Kept of the run time for what came before the program and comes after it: a share of it, within these bounds in seconds.
RESERVED_SHARE = 0.1
LEAST_RESERVED, MOST_RESERVED = 30, 600


class Unfinished(Exception):
    """What is done, and that a rerun goes on from there."""


def process_age() -> float:
    """Seconds since this process began, imports included."""
    start_ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - start_ticks / os.sysconf("SC_CLK_TCK")


class Deadline:
    """Tells whether another step, and a checkpoint after it, still fit into `minutes` from the start of the process; 0 is no limit."""

    def __init__(self, minutes: float, age: float | None = None) -> None:
        reserved = min(max(RESERVED_SHARE * 60 * minutes, LEAST_RESERVED), MOST_RESERVED)
        left = 60 * minutes - reserved - (process_age() if age is None else age)
        self.end = time.monotonic() + left if minutes else float("inf")
        self.slowest = 0.0

    def took(self, seconds: float) -> None:
        """Note how long a step, or a checkpoint, took."""
        self.slowest = max(self.slowest, seconds)

    def is_near(self) -> bool:
        return time.monotonic() + 2 * self.slowest > self.end
