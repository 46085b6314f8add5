"""Make the table `ecinstruct` from ECInstruct's dataset.json.

    python workflow/scripts/tabulate_ecinstruct.py --input raw/ecinstruct/dataset.json --items 60000 --broken-share 0.02 \\
        --output tables/ecinstruct.parquet

Per task the items with the lowest hashes of their task and input. The authors repeat one input under several instructions: one of them is
kept. Columns, all str: task (see shopbench/raw_ecinstruct.py), fields (JSON object), options (JSON list, without letters), output.
"""

from __future__ import annotations

import argparse
import json

import polars as pl

from shopbench.files import run_program
from shopbench.hashing import hash64
from shopbench.pool import Pool, Tally, table_facts
from shopbench.raw_ecinstruct import TASK_WORDS, BrokenItem, read_item
from shopbench.raw_json import json_array
from shopbench.tables import write_table

COLUMNS = ["task", "fields", "options", "output"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--input", required=True, help="dataset.json, as published")
    parser.add_argument("--items", type=int, required=True, help="items to keep of each task")
    parser.add_argument("--broken-share", type=float, required=True, help="share of broken items from which the file is refused")
    parser.add_argument("--output", required=True, help="the table to write")
    arguments = parser.parse_args()

    tally = Tally(arguments.input, arguments.broken_share)
    pools = {task: Pool("ecinstruct", arguments.items) for task in TASK_WORDS}
    seen: set[int] = set()
    for number, row in json_array(arguments.input):
        tally.row()
        try:
            item = read_item(row if isinstance(row, dict) else {})
        except BrokenItem as error:
            tally.bad(str(error), number)
            continue
        fields = json.dumps(item.fields, ensure_ascii=False, sort_keys=True)
        key = hash64(item.task, fields)
        if key not in seen:
            seen.add(key)
            pools[item.task].offer(f"{key:016x}", (item.task, fields, json.dumps(item.options, ensure_ascii=False), item.output))
    tally.close()

    rows = [row for pool in pools.values() for row in pool.rows()]
    table = pl.DataFrame(rows, schema=dict.fromkeys(COLUMNS, pl.String), orient="row")
    repeated = tally.read - tally.broken.total() - len(seen)
    write_table(arguments.output, table, table_facts([tally], len(rows), repeated=repeated, outside_pool=len(seen) - len(rows)))


if __name__ == "__main__":
    run_program(main)
