"""Make the table `ecinstruct` from ECInstruct's dataset.json.

    python workflow/scripts/tabulate_ecinstruct.py --input raw/ecinstruct/dataset.json --items 60000 --broken-share 0.02 \\
        --output tables/ecinstruct.parquet

Per task the items with the lowest hashes of their task and input. The authors repeat one input under several instructions: one of them is
kept. Columns, all str: task (see shopbench/raw_ecinstruct.py; its rows stand together), item (hash of task and fields), fields (JSON
object), options (JSON list, without letters), output.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from shopbench.files import run_program
from shopbench.pool import Pool, Tally, table_facts
from shopbench.raw_ecinstruct import TASK_WORDS, BrokenItem, read_item
from shopbench.raw_json import array_items
from shopbench.table_pieces import rows_to_tables, write_pieces

TABLE = pa.schema([(name, pa.string()) for name in ("task", "item", "fields", "options", "output")])


class RawItem(msgspec.Struct, gc=False):
    """The fields that are needed of an item of dataset.json."""

    task: str | None = None
    input: str | None = None
    options: str | None = None
    output: str | None = None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--input", required=True, help="dataset.json, as published")
    parser.add_argument("--items", type=int, required=True, help="items to keep of each task")
    parser.add_argument("--broken-share", type=float, required=True, help="share of broken items from which the file is refused")
    parser.add_argument("--output", required=True, help="the table to write")
    arguments = parser.parse_args()

    tally = Tally(arguments.input, arguments.broken_share)
    folder = Path(arguments.output).parent
    pools = {task: Pool(f"ecinstruct {task}", arguments.items, TABLE, folder) for task in TASK_WORDS}
    different = 0
    for rows in rows_to_tables(read_items(arguments.input, tally), TABLE):
        (batch,) = rows.combine_chunks().to_batches()
        for task in rows["task"].unique().to_pylist():
            pools[task].offer(batch.filter(pc.equal(batch["task"], task)), "item")
        different += rows.num_rows
    tally.close()
    write_pieces(
        arguments.output,
        TABLE,
        (piece for pool in pools.values() for piece in pool.pieces()),
        lambda rows: table_facts([tally], rows, repeated=tally.sound_rows - different, outside_pool=different - rows),
        few=["task"],
    )


def read_items(path: str, tally: Tally) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield the items in the order of TABLE, one of each task and input; counts the broken ones among the items that are looked at."""
    seen_raw: set[int] = set()
    seen: set[bytes] = set()
    for number, raw in array_items(path, RawItem, tally):
        # Python's own hash, another in each run, is quick and does to tell items apart.
        key = hash((raw.task, raw.input))
        if key in seen_raw:
            continue
        seen_raw.add(key)
        try:
            item = read_item(raw.task, raw.input, raw.options, raw.output)
        except BrokenItem as error:
            tally.bad(str(error), number)
            continue
        fields = msgspec.json.encode(item.fields, order="sorted")
        # Inputs that differ in spaces or markup alone are one item too.
        cleaned = hashlib.blake2b(f"{item.task}\0".encode() + fields, digest_size=8).digest()
        if cleaned in seen:
            continue
        seen.add(cleaned)
        yield item.task, cleaned.hex(), fields.decode(), msgspec.json.encode(item.options).decode(), item.output


if __name__ == "__main__":
    run_program(main)
