"""Make the table `mmlu` from MMLU's four Parquet files (config "all").

    python workflow/scripts/tabulate_mmlu.py --inputs raw/mmlu/all/test-00000-of-00001.parquet ... --broken-share 0.02 \\
        --output tables/mmlu.parquet

Every question is kept. Columns: part (str: test, validation, dev or auxiliary_train, from the file's name), number (int64, row from 1),
subject, question (str), choices (list of 4 str), answer (int64, 0-3).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from shopbench.files import BadInput, run_program
from shopbench.pool import Tally, table_facts
from shopbench.raw_parquet import LONG_ROWS, parquet_pieces
from shopbench.table_pieces import rows_to_tables, write_pieces

PARTS = ["test", "validation", "dev", "auxiliary_train"]
RAW = pa.schema([("subject", pa.string()), ("question", pa.string()), ("choices", pa.list_(pa.string())), ("answer", pa.int64())])
TABLE = pa.schema([("part", pa.string()), ("number", pa.int64()), *RAW])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", nargs="+", required=True, help="the Parquet files of all four parts")
    parser.add_argument("--broken-share", type=float, required=True, help="share of broken rows from which a file is refused")
    parser.add_argument("--output", required=True, help="the table to write")
    arguments = parser.parse_args()

    tallies = [Tally(path, arguments.broken_share) for path in sorted(arguments.inputs, key=lambda p: PARTS.index(part_of(p)))]
    pieces = (piece for tally in tallies for piece in rows_to_tables(sound_rows(tally), TABLE))
    write_pieces(arguments.output, TABLE, pieces, lambda rows: table_facts(tallies, rows), few=["part", "subject", "answer"])


def part_of(path: str | Path) -> str:
    """The part that a file's name begins with."""
    for part in PARTS:
        if Path(path).name.startswith(part):
            return part
    raise BadInput(f"{path}: the name begins with none of {', '.join(PARTS)}")


def sound_rows(tally: Tally) -> Iterator[tuple[Any, ...]]:
    """The rows of a part in the order of TABLE, the broken ones left out and counted."""
    part = part_of(tally.file)
    for rows, numbers in parquet_pieces(tally.file, RAW, tally, LONG_ROWS):
        for number, row in zip(numbers.tolist(), rows.to_pylist(), strict=True):
            question = (row["question"] or "").strip()
            choices = [(choice or "").strip() for choice in row["choices"] or []]
            if reason := wrong_with(question, choices, row["answer"]):
                tally.bad(reason, number)
            else:
                yield part, number, row["subject"] or "", question, choices, row["answer"]
    tally.close()


def wrong_with(question: str, choices: list[str], answer: int | None) -> str:
    """Why a question cannot be asked; "" if it can."""
    if not question:
        return "no question"
    if len(choices) != 4:
        return "not four choices"
    if not all(choices):
        return "an empty choice"
    return "" if answer in range(4) else "answer not in 0-3"


if __name__ == "__main__":
    run_program(main)
