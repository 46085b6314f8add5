"""Make the validation set: held-out rows of all training datasets, at most so many of each.

    python workflow/scripts/prepare_validation.py --datasets datasets/*.parquet --metrics '{"review_rating": "accuracy"}' \
        --rows-per-dataset 100 --seed 1 --output evaluation/validation.parquet

Reads the dataset files and takes of each the validation rows with the lowest hashes. A dataset is a task of the set,
named like it, with the metric that --metrics gives it. Leaves one Parquet file with the columns that all evaluation
sets share (shopbench/questions.py); its metadata count the rows of each dataset.
"""

from __future__ import annotations

import argparse
import json

from shopbench.files import BadInput, progress, run_program
from shopbench.held_out import lowest, validation_question
from shopbench.questions import Question, write_questions
from shopbench.tables import scan_table

COLUMNS = ["id", "dataset", "task_type", "track", "locale", "prompt", "completion", "split", "source"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", required=True, nargs="+", help="dataset files (Parquet)")
    parser.add_argument("--metrics", required=True, type=json.loads, help="JSON object, dataset to metric")
    parser.add_argument("--rows-per-dataset", required=True, type=int, help="most questions to take of one dataset (number)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the choice")
    parser.add_argument("--output", required=True, help="Parquet file to write")
    args = parser.parse_args()

    questions: list[Question] = []
    for path in args.datasets:
        questions += questions_of(path, args.metrics, args.rows_per_dataset, args.seed)
    counts: dict[str, int] = {}
    for question in questions:
        counts[question["task"]] = counts.get(question["task"], 0) + 1
    write_questions(args.output, questions, {"questions": len(questions), "tasks": len(counts), "rows": counts})
    progress(f"{len(questions)} questions of {len(counts)} datasets")


def questions_of(path: str, metrics: dict[str, str], count: int, seed: int) -> list[Question]:
    """At most `count` questions of one dataset file. Raises BadInput when it has no validation row, or its dataset no metric."""
    import polars as pl

    rows = scan_table(path, COLUMNS).filter(pl.col("split") == "validation").collect().to_dicts()
    if not rows:
        raise BadInput(f"{path}: no row with split 'validation'; raise datasets.validation_share or datasets.scale, or exclude the dataset")
    dataset = rows[0]["dataset"]
    if dataset not in metrics:
        raise BadInput(f"{path}: --metrics names no metric for dataset '{dataset}'")
    return [validation_question(row, metrics[dataset], f"{path}, row {row['id']}") for row in lowest(rows, count, seed)]


if __name__ == "__main__":
    run_program(main)
