"""The questions of an evaluation set with answers of full score, as the chat text that models are trained on: for calibration and for
checks."""

from __future__ import annotations

from pathlib import Path

from shopbench.chat import chat_answer, chat_prompt
from shopbench.files import BadInput


def question_answer_texts(path: Path) -> list[str]:
    """One text a question, in the file's order. Needs the columns prompt, reference and task_type; no rows raise BadInput."""
    import polars

    try:
        rows = polars.read_parquet(path, columns=["prompt", "reference", "task_type"]).to_dicts()
    except (FileNotFoundError, polars.exceptions.PolarsError) as error:
        raise BadInput(f"{path}: not an evaluation set ({error}); build it again") from None
    if not rows:
        raise BadInput(f"{path}: has no questions; a model cannot be calibrated or checked on it")
    return [chat_prompt(row["prompt"], row["task_type"]) + chat_answer(row["reference"]) for row in rows]
