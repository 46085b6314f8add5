"""Build one of the 39 datasets with its module.

    python workflow/scripts/build_dataset.py --module workflow/scripts/datasets/title_brand.py \\
        --row '{"dataset": "title_brand", "source": "esci", "task_type": "multiple-choice", "track": "track1", "size": 10000}' \\
        --tables tables/esci_products.parquet tables/esci_judgements.parquet --scale 1.0 --seed 1 --validation-share 0.02 \\
        --output datasets/title_brand.parquet

Columns of the output, all str: id, dataset, task_type, track, locale, prompt, completion, group, split (train or validation), source
(JSON: the raw keys, and the truth as the challenge's development set gives it). Its metadata hold the rows wanted and made, those that
could not be asked, by reason, those that a language model helped to make (llm: rows, and by use), and the raw rows that its tables were
made from, the broken ones by reason. Which datasets there are, and their sizes: Team NVIDIA's KDD Cup '24 solution (arXiv 2408.04658).
"""

from __future__ import annotations

import argparse
import gc
import json
from pathlib import Path
from typing import Any

from shopbench.dataset.sampling import Inputs, sample
from shopbench.files import progress, run_program
from shopbench.modules import load_module
from shopbench.tables import facts_of, write_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--module", required=True, help="the dataset's module")
    parser.add_argument("--row", required=True, help="the dataset's row of config/datasets.tsv, JSON")
    parser.add_argument("--tables", nargs="+", required=True, help="the tables of its source")
    parser.add_argument(
        "--synthetic", nargs="*", default=[], help="the synthetic sets that it uses (JSON lines); none without a language model"
    )
    parser.add_argument("--scale", type=float, required=True, help="multiplies the size in the row")
    parser.add_argument("--seed", type=int, required=True, help="of sampling, wordings and the order of options")
    parser.add_argument("--validation-share", type=float, required=True, help="share of groups held out")
    parser.add_argument("--output", required=True, help="the dataset to write")
    arguments = parser.parse_args()

    # Nothing here refers to itself: the collector of such things would go through all rows again and again for nothing.
    gc.disable()
    dataset = json.loads(arguments.row)
    size = max(1, round(dataset["size"] * arguments.scale))
    inputs = Inputs(arguments.tables, dataset["dataset"], size, arguments.validation_share, arguments.synthetic)
    candidates = load_module(arguments.module, "build").build(inputs)
    progress(f"{dataset['dataset']}: {candidates.frame.height:,} candidates for {size:,} rows")
    table, facts = sample(candidates, dataset, size, arguments.seed, arguments.validation_share, inputs.rewordings())
    progress(f"{dataset['dataset']}: {table.height:,} rows, skipped {facts['skipped']}, with a language model {facts['llm']}")
    facts["tables"] = {Path(path).stem: raw_rows(path) for path in sorted(arguments.tables)}
    write_table(arguments.output, table, facts)


def raw_rows(path: str) -> dict[str, Any]:
    """How many raw rows a table was made from, and how many were broken for which reason."""
    facts = facts_of(path)
    return {"rows_read": facts["rows_read"], "broken": facts["broken"]}


if __name__ == "__main__":
    run_program(main)
