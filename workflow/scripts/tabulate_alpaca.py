"""Make the table `alpaca` from Alpaca-Cleaned's alpaca_data_cleaned.json: the whole file.

    python workflow/scripts/tabulate_alpaca.py --input raw/alpaca_cleaned/alpaca_data_cleaned.json --broken-share 0.02 \\
        --output tables/alpaca.parquet

Columns: number (int64, the item's place in the file, from 1), instruction, input, output (str, layout kept; input may be empty).
"""

from __future__ import annotations

import argparse

import msgspec
import polars as pl

from shopbench.files import run_program
from shopbench.pool import Tally, table_facts
from shopbench.raw_json import array_items
from shopbench.tables import write_table

SCHEMA = {"number": pl.Int64, "instruction": pl.String, "input": pl.String, "output": pl.String}


class RawItem(msgspec.Struct, gc=False):
    """An item of alpaca_data_cleaned.json."""

    instruction: str
    input: str
    output: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--input", required=True, help="alpaca_data_cleaned.json, as published")
    parser.add_argument("--broken-share", type=float, required=True, help="share of broken items from which the file is refused")
    parser.add_argument("--output", required=True, help="the table to write")
    arguments = parser.parse_args()

    tally = Tally(arguments.input, arguments.broken_share)
    rows = [
        (number, item.instruction.strip(), item.input.strip(), item.output.strip())
        for number, item in array_items(arguments.input, RawItem, tally)
    ]
    tally.close()
    write_table(arguments.output, pl.DataFrame(rows, schema=SCHEMA, orient="row"), table_facts([tally], len(rows)))


if __name__ == "__main__":
    run_program(main)
