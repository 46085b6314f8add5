"""List the seeds of one synthetic set: what a language model will be asked about.

    python workflow/scripts/list_seeds.py --module workflow/scripts/synthetic/attribute_questions.py --name attribute_questions \\
      --rows '{"category_attribute": {"size": 2350}}' \\
      --dataset-modules workflow/scripts/datasets/category_attribute.py --tables tables/m2_products.parquet \\
      --requests 2500 --rewordings 8 --scale 1.0 --seed 1 --validation-share 0.02 --output seeds/attribute_questions.jsonl

Leaves JSON lines of id (hash of set and keys), keys (which name the raw row), fields (what the prompt shows), facts (what a validator or a
dataset needs besides), sorted by id. Seeds come from the train side of the split alone. No seed at all leaves an empty file: datasets that
use the set then have their rows by rules.
"""

from __future__ import annotations

import argparse
import gc
import json
from itertools import islice
from pathlib import Path

from shopbench.files import progress, run_program, write_jsonl
from shopbench.language_model.seeding import SeedSource
from shopbench.modules import load_module


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--module", required=True, help="the set's module")
    parser.add_argument("--name", required=True, help="the set's name")
    parser.add_argument("--rows", required=True, type=json.loads, help="JSON: what the seeds need of config/datasets.tsv, by dataset")
    parser.add_argument("--dataset-modules", nargs="*", default=[], help="their modules")
    parser.add_argument("--tables", nargs="*", default=[], help="the tables of its sources")
    parser.add_argument("--requests", type=int, required=True, help="seeds to list at most (number; of wordings, all are listed)")
    parser.add_argument("--rewordings", type=int, required=True, help="seeds for each wording (number)")
    parser.add_argument("--scale", type=float, required=True, help="multiplies the datasets' sizes, as in build_dataset")
    parser.add_argument("--seed", type=int, required=True, help="of sampling, as in build_dataset")
    parser.add_argument("--validation-share", type=float, required=True, help="share of groups held out")
    parser.add_argument("--output", required=True, help="JSON lines to write")
    args = parser.parse_args()

    # Nothing here refers to itself: the collector of such things would go through all rows again and again for nothing.
    gc.disable()
    source = SeedSource(
        name=args.name,
        count=args.requests,
        rewordings=args.rewordings,
        rows=args.rows,
        modules={Path(path).stem: load_module(path, "build") for path in args.dataset_modules},
        tables=args.tables,
        scale=args.scale,
        seed=args.seed,
        validation_share=args.validation_share,
    )
    seeds = load_module(args.module, "seeds", "judge").seeds(source)
    lines = {line["id"]: line for line in (seed.line(args.name) for seed in islice(seeds, args.requests or None))}
    write_jsonl(args.output, (lines[identity] for identity in sorted(lines)))
    progress(f"{args.name}: {len(lines):,} seeds")


if __name__ == "__main__":
    run_program(main)
