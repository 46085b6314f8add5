"""The questions of an evaluation set with answers of full score, as the chat text that models are trained on: for calibration and for
checks."""

from __future__ import annotations

from pathlib import Path

from shopbench.chat import chat_answer, chat_prompt
from shopbench.files import BadInput


def question_answer_texts(path: Path) -> list[str]:
    """One text a question, in the file's order."""
    return [chat_prompt(row["prompt"], row["task_type"]) + chat_answer(row["completion"]) for row in question_answer_rows(path)]


def question_answer_rows(path: Path) -> list[dict[str, str]]:
    """prompt, task_type and completion, as blends have them. Needs the columns prompt, reference and task_type; no rows raise BadInput."""
    import polars

    try:
        rows = polars.read_parquet(path, columns=["prompt", "task_type", "reference"]).rename({"reference": "completion"}).to_dicts()
    except (FileNotFoundError, polars.exceptions.PolarsError) as error:
        raise BadInput(f"{path}: not an evaluation set ({error}); build it again") from None
    if not rows:
        raise BadInput(f"{path}: has no questions; a model cannot be calibrated or checked on it")
    return rows
