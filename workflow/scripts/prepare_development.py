"""Turn the challenge's development set into evaluation questions.

    python workflow/scripts/prepare_development.py --development development.json --output evaluation/development.parquet

Reads the JSON lines that the KDD Cup 2024 handed out (96 questions of 18 tasks) and leaves one Parquet file with the
columns that all evaluation sets share (shopbench/questions.py). Task names and their order stay the challenge's.
"""

from __future__ import annotations

import argparse

from shopbench.files import progress, read_jsonl, run_program
from shopbench.questions import challenge_questions, write_questions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--development", required=True, help="the development set, JSON lines")
    parser.add_argument("--output", required=True, help="Parquet file to write")
    args = parser.parse_args()

    questions = challenge_questions(read_jsonl(args.development), args.development, "development")
    tasks = {question["task"] for question in questions}
    write_questions(args.output, questions, {"questions": len(questions), "tasks": len(tasks)})
    progress(f"{len(questions)} questions of {len(tasks)} tasks")


if __name__ == "__main__":
    run_program(main)
