"""Make the table `alpaca` from Alpaca-Cleaned's alpaca_data_cleaned.json: the whole file.

    python workflow/scripts/tabulate_alpaca.py --input raw/alpaca_cleaned/alpaca_data_cleaned.json --broken-share 0.02 \\
        --output tables/alpaca.parquet

Columns: number (int64, the item's place in the file, from 1), instruction, input, output (str, layout kept; input may be empty).
"""

from __future__ import annotations

import argparse

import polars as pl

from shopbench.files import run_program
from shopbench.pool import Tally, table_facts
from shopbench.raw_json import json_array
from shopbench.tables import write_table

TEXTS = ["instruction", "input", "output"]
SCHEMA = {"number": pl.Int64, **dict.fromkeys(TEXTS, pl.String)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--input", required=True, help="alpaca_data_cleaned.json, as published")
    parser.add_argument("--broken-share", type=float, required=True, help="share of broken items from which the file is refused")
    parser.add_argument("--output", required=True, help="the table to write")
    arguments = parser.parse_args()

    tally = Tally(arguments.input, arguments.broken_share)
    rows = []
    for number, item in json_array(arguments.input):
        tally.row()
        texts = [item[name].strip() for name in TEXTS if isinstance(item, dict) and isinstance(item.get(name), str)]
        if len(texts) < len(TEXTS):
            tally.bad("a field is missing or no text", number)
        else:
            rows.append((number, *texts))
    tally.close()
    write_table(arguments.output, pl.DataFrame(rows, schema=SCHEMA, orient="row"), table_facts([tally], len(rows)))


if __name__ == "__main__":
    run_program(main)
