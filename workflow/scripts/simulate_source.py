"""Write one file of one raw source from the simulated shop, in the source's exact upstream schema.

Example:
    python workflow/scripts/simulate_source.py --source esci --file shopping_queries_dataset_examples.parquet \
        --scale 0.002 --seed 1 --output results/demo/raw/esci/shopping_queries_dataset_examples.parquet

Reads nothing. Leaves the one file. The same scale and seed give the same bytes, and the files of a source agree with each other, in
whatever order they are written. At scale 1 a file has as many rows as the real one, and with `--text-length real` about as many bytes;
small scales keep a sensible minimum.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection
from pathlib import Path

from shopbench.files import BadInput, run_program, whole_file
from shopbench.simulators import alpaca_cleaned, amazon_m2, amazon_reviews_2023, ecinstruct, esci, kddcup2024, mmlu, shopping_mmlu

# What each source's simulator can write, and its function of (file, scale, seed, path, whether texts are as long as real ones).
SIMULATORS: dict[str, tuple[Collection[str], Callable[[str, float, int, Path, bool], None]]] = {
    "alpaca_cleaned": (alpaca_cleaned.FILES, alpaca_cleaned.write),
    "amazon_m2": (amazon_m2.FILES, amazon_m2.write),
    "amazon_reviews_2023": (amazon_reviews_2023.FILES, amazon_reviews_2023.write),
    "ecinstruct": (ecinstruct.FILES, ecinstruct.write),
    "esci": (esci.FILES, esci.write),
    "kddcup2024": (kddcup2024.FILES, kddcup2024.write),
    "mmlu": (mmlu.FILES, mmlu.write),
    "shopping_mmlu": (shopping_mmlu.FILES, shopping_mmlu.write),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", required=True, help="name of the source, as in config/sources.tsv")
    parser.add_argument("--file", required=True, help="upstream name of the file within the source")
    parser.add_argument("--scale", type=float, required=True, help="share of the real source's rows (1.0: as many)")
    parser.add_argument("--seed", type=int, required=True, help="another seed gives another shop with the same words")
    parser.add_argument(
        "--text-length",
        choices=["short", "real"],
        default="short",
        help="short: texts say what questions are about and little else; real: as many bytes a row as in the published files",
    )
    parser.add_argument("--output", required=True, help="file to write")
    args = parser.parse_args()

    if args.source not in SIMULATORS:
        raise BadInput(f"--source {args.source}: there is no simulator for it, only for {', '.join(SIMULATORS)}")
    files, write = SIMULATORS[args.source]
    if args.file not in files:
        raise BadInput(f"--file {args.file}: the source {args.source} has no such file, only {', '.join(files)}")
    if args.scale <= 0:
        raise BadInput(f"--scale {args.scale}: must be above 0")
    with whole_file(args.output) as partial:
        write(args.file, args.scale, args.seed, partial, args.text_length == "real")


if __name__ == "__main__":
    run_program(main)
