"""Make the table `alpaca` from Alpaca-Cleaned's alpaca_data_cleaned.json: the whole file.

    python workflow/scripts/tabulate_alpaca.py --input raw/alpaca_cleaned/alpaca_data_cleaned.json --broken-share 0.02 \\
        --output tables/alpaca.parquet

Columns: number (int64, the item's place in the file, from 1), instruction, input, output (str, layout kept; input may be empty).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import msgspec
import pyarrow as pa

from shopbench.files import run_program
from shopbench.pool import Tally, table_facts
from shopbench.raw_json import array_items
from shopbench.table_pieces import rows_to_tables, write_pieces

SCHEMA = pa.schema([("number", pa.int64()), *((name, pa.string()) for name in ("instruction", "input", "output"))])


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
    write_pieces(arguments.output, SCHEMA, read_items(arguments.input, tally), lambda rows: table_facts([tally], rows), few=[])


def read_items(path: str, tally: Tally) -> Iterator[pa.Table]:
    """The sound items in the order of the file."""
    items = array_items(path, RawItem, tally)
    rows = ((number, item.instruction.strip(), item.input.strip(), item.output.strip()) for number, item in items)
    yield from rows_to_tables(rows, SCHEMA)
    tally.close()


if __name__ == "__main__":
    run_program(main)
