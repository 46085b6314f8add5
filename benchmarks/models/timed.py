"""Wall time and largest resident set of a command, measured from a small process of its own.

    python benchmarks/models/timed.py cp -r from to        prints {"seconds": ..., "peak": ...}

A child's largest resident set is at least its parent's at the fork, and the benchmarks' own process has torch in it.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

KIBIBYTE = 1024


class Cost(NamedTuple):
    """Seconds from start to end of a command, and bytes of its largest resident set."""

    seconds: float
    peak: float


def timed(*command: Any) -> Cost:
    """What a command that must succeed costs; what it prints is dropped."""
    said = subprocess.run([sys.executable, __file__, *map(str, command)], stdout=subprocess.PIPE, check=True, text=True).stdout
    return Cost(**json.loads(said.splitlines()[-1]))


def main() -> None:
    started = time.perf_counter()
    done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    seconds = time.perf_counter() - started
    if done.returncode:
        sys.exit(f"{Path(sys.argv[1]).name} failed: {done.stderr[-3000:]}")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * KIBIBYTE
    print(json.dumps({"seconds": seconds, "peak": peak}))


if __name__ == "__main__":
    main()
