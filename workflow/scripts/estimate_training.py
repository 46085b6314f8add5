"""Memory and hours of one adapter's training, before anything is there.

    python workflow/scripts/estimate_training.py --configfile config/config.yaml --adapter v8 [--gpu a100] [--gpus 8]

Prints the bytes that a GPU has to hold, part by part, and the hours that the blend takes. Reads the config and the tables beside it alone.
benchmarks/bench_training.py compares the memory with measured runs; the paper's hours set the one free number of ours
(shopbench/estimates.py).
"""

from __future__ import annotations

import argparse
from pathlib import Path

from shopbench.estimates import blend_rows, read_run, training_hours, training_tokens
from shopbench.files import BadInput, run_program
from shopbench.gpu_models import GPUS, find_gpu
from shopbench.text_table import text_table
from shopbench.training_config import TrainingConfig
from shopbench.training_memory import gpu_memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--configfile", nargs="+", type=Path, default=[], help="configs laid over config/config.yaml, as for Snakemake")
    parser.add_argument("--adapter", required=True, help="adapter of the config")
    parser.add_argument("--gpu", default="a100", help="model of the GPUs")
    parser.add_argument("--gpus", type=int, help="how many (default: launch.processes)")
    args = parser.parse_args()

    run = read_run(args.configfile)
    trained = {name: adapter for name, adapter in run.config["adapters"].items() if "blend" in adapter}
    if args.adapter not in trained:
        raise BadInput(f"--adapter {args.adapter}: the config trains no such adapter; it trains {', '.join(trained)}")
    if find_gpu(args.gpu) is None:
        raise BadInput(f"--gpu {args.gpu}: unknown; known are {', '.join(GPUS)}")
    adapter = trained[args.adapter]
    shape, gpus = run.shapes[adapter["model"]], args.gpus or run.config["launch"]["processes"]

    terms = gpu_memory(shape, adapter["training"])
    rows = [[term.what, f"{term.bytes / 2**30:.2f}", term.formula] for term in terms]
    print(text_table(["memory of a GPU", "GiB", "formula"], [*rows, ["sum", f"{sum(term.bytes for term in terms) / 2**30:.2f}", ""]]))

    samples = sum(blend_rows(run, adapter["blend"]).values())
    steps = TrainingConfig(**adapter["training"]).steps_for(samples)
    tokens = training_tokens(run, adapter)
    hours = training_hours(shape, tokens, gpus, args.gpu)
    batch = adapter["training"]["batch_samples"]
    print(f"\n{adapter['blend']}: {samples:,} samples, {steps:,} steps of {batch}, {tokens / 1e6:,.1f} M tokens")
    print(f"{gpus} x {args.gpu}: {hours:.1f} h, {gpus * hours:.0f} GPU-hours, {tokens / hours / 3600 / gpus:,.0f} tokens/s on each")


if __name__ == "__main__":
    run_program(main)
