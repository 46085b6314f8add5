"""Make the table `mmlu` from MMLU's four Parquet files (config "all").

    python workflow/scripts/tabulate_mmlu.py --inputs raw/mmlu/all/test-00000-of-00001.parquet ... --broken-share 0.02 \\
        --output tables/mmlu.parquet

Every question is kept. Columns: part (str: test, validation, dev or auxiliary_train, from the file's name), number (int64, row from 1),
subject, question (str), choices (list of 4 str), answer (int64, 0-3).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import polars as pl

from shopbench.files import BadInput, run_program
from shopbench.pool import Tally, table_facts
from shopbench.tables import read_table, write_table

PARTS = ["test", "validation", "dev", "auxiliary_train"]
SCHEMA: dict = {
    "part": pl.String,
    "number": pl.Int64,
    "subject": pl.String,
    "question": pl.String,
    "choices": pl.List(pl.String),
    "answer": pl.Int64,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", nargs="+", required=True, help="the Parquet files of all four parts")
    parser.add_argument("--broken-share", type=float, required=True, help="share of broken rows from which a file is refused")
    parser.add_argument("--output", required=True, help="the table to write")
    arguments = parser.parse_args()

    tallies, rows = [], []
    for path in sorted(arguments.inputs, key=lambda p: PARTS.index(part_of(p))):
        tally = Tally(path, arguments.broken_share)
        rows += sound_rows(path, tally)
        tally.close()
        tallies.append(tally)
    write_table(arguments.output, pl.DataFrame(rows, schema=SCHEMA, orient="row"), table_facts(tallies, len(rows)))


def part_of(path: str | Path) -> str:
    """The part that a file's name begins with."""
    for part in PARTS:
        if Path(path).name.startswith(part):
            return part
    raise BadInput(f"{path}: the name begins with none of {', '.join(PARTS)}")


def sound_rows(path: str | Path, tally: Tally) -> list[tuple]:
    """Rows in the order of SCHEMA, the broken ones left out and counted."""
    rows = []
    part = part_of(path)
    frame = read_table(path, ["subject", "question", "choices", "answer"])
    for number, (subject, question, choices, answer) in enumerate(frame.iter_rows(), start=1):
        tally.row()
        if not isinstance(question, str) or not question.strip():
            tally.bad("no question", number)
        elif not isinstance(choices, list) or len(choices) != 4 or not all(choices):
            tally.bad("not four choices", number)
        elif answer not in range(4):
            tally.bad("answer not in 0-3", number)
        else:
            rows.append((part, number, subject or "", question.strip(), [choice.strip() for choice in choices], answer))
    return rows


if __name__ == "__main__":
    run_program(main)
