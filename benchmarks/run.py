"""Run the benchmarks and write their figures: a flat object, name to number.

    python benchmarks/run.py --output benchmarks/results.json --scale 0.1 [names]

Every file benchmarks/bench_*.py has a function `measure(scale) -> dict[str, float]`; the scale is that of simulated sources, 1 being the
real ones' sizes. A ratio is of two things timed in turn in one run, so that
a busy machine slows both.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "workflow/scripts"))

from shopbench.files import progress, run_program, write_json  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="benchmarks to run, as in bench_<name>.py; all if none is given")
    parser.add_argument("--output", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--scale", type=float, default=0.1, help="of simulated sources (1.0: the real ones' sizes)")
    arguments = parser.parse_args()
    figures: dict[str, float] = {}
    for name in arguments.names or sorted(p.stem.removeprefix("bench_") for p in HERE.glob("bench_*.py")):
        progress(f"running {name}")
        figures |= importlib.import_module(f"bench_{name}").measure(arguments.scale)
    write_json(arguments.output, figures)
    for name, value in figures.items():
        progress(f"{name} = {value:.3g}")


if __name__ == "__main__":
    run_program(main)
