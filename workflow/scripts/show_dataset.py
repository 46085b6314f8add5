"""Print a few rows of a dataset, or of a blend, as a model sees them.

.envs/data-cpu/bin/python workflow/scripts/show_dataset.py results/demo/datasets/title_brand.parquet --rows 3
"""

from __future__ import annotations

import argparse

from shopbench.files import run_program
from shopbench.tables import facts_of, read_table

COLUMNS = ["task_type", "locale", "split", "group", "prompt", "completion"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", help="a Parquet file of datasets/ or blends/")
    parser.add_argument("--rows", type=int, default=3, help="rows to print, from the first on")
    arguments = parser.parse_args()

    table = read_table(arguments.dataset, COLUMNS)
    print(f"{table.height:,} rows; {facts_of(arguments.dataset)}")
    for row in table.head(arguments.rows).iter_rows(named=True):
        print(f"\n--- {row['task_type']}, {row['locale']}, {row['split']}, {row['group']}\n{row['prompt']}\n-> {row['completion']}")


if __name__ == "__main__":
    run_program(main)
