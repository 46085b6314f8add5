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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", nargs="+", required=True, help="the Parquet files of all four parts")
    parser.add_argument("--broken-share", type=float, required=True, help="share of broken rows from which a file is refused")
    parser.add_argument("--output", required=True, help="the table to write")
    arguments = parser.parse_args()

    tallies, parts = [], []
    for path in sorted(arguments.inputs, key=lambda p: PARTS.index(part_of(p))):
        tallies.append(Tally(path, arguments.broken_share))
        parts.append(sound_rows(path, tallies[-1]))
        tallies[-1].close()
    table = pl.concat(parts)
    write_table(arguments.output, table, table_facts(tallies, table.height))


def part_of(path: str | Path) -> str:
    """The part that a file's name begins with."""
    for part in PARTS:
        if Path(path).name.startswith(part):
            return part
    raise BadInput(f"{path}: the name begins with none of {', '.join(PARTS)}")


def sound_rows(path: str, tally: Tally) -> pl.DataFrame:
    """The part's rows, the broken ones left out and counted."""
    rows = read_table(path, ["subject", "question", "choices", "answer"]).with_row_index("number", offset=1)
    stripped = pl.col("choices").list.eval(pl.element().str.strip_chars())
    rows = rows.with_columns(pl.col("question").str.strip_chars(), stripped, row="number")
    tally.count(rows.height)
    sound = tally.sound(
        rows,
        {
            "no question": pl.col("question").fill_null("") == "",
            "not four choices": (pl.col("choices").list.len() != 4).fill_null(True),
            "an empty choice": pl.col("choices").list.eval((pl.element() == "").fill_null(True)).list.any(),
            "answer not in 0-3": ~pl.col("answer").is_between(0, 3).fill_null(False),
        },
    )
    return sound.select(
        pl.lit(part_of(path)).alias("part"),
        pl.col("number").cast(pl.Int64),
        pl.col("subject").fill_null(""),
        "question",
        "choices",
        pl.col("answer").cast(pl.Int64),
    )


if __name__ == "__main__":
    run_program(main)
