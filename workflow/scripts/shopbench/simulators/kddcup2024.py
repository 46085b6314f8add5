"""The challenge's development set: 96 questions of 18 tasks, about the simulated shop and worded unlike the training data.

Schema: development.json as JSON lines of {input_field, output_field, task_name, task_type, metric, is_multiple_choice, track}. It has
96 rows at every scale, as the real one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from shopbench.simulators.shop_questions import TASKS, TRANSLATE_TO_JAPANESE, Task

FILES = ("development.json",)
ROWS = {
    "task1": 4, "task2": 4, "task3": 4, "task4": 8, "task5": 8, "task6": 8, "task7": 4, "task8": 8, "task9": 4, "task10": 4, "task11": 8,
    "task12": 4, "task13": 3, "task14": 4, "task15": 8, "task16": 4, "task17": 5, "task18": 4,
}  # fmt: skip


def write(file: str, scale: float, seed: int, path: Path, real_text: bool = False) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        for row in _rows(seed):
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")


def _rows(seed: int) -> Iterator[dict]:
    for name, count in ROWS.items():
        for index in range(count):
            # The last title is translated into Japanese, which is scored with another tokenizer.
            task = TRANSLATE_TO_JAPANESE if name == "task17" and index == count - 1 else TASKS[name]
            yield question_row(seed, name, task, (seed, "development", name, index))


def question_row(seed: int, name: str, task: Task, key: tuple) -> dict:
    """One question with the challenge's keys."""
    input_field, output_field = task.build(seed, key)
    return {
        "input_field": input_field,
        "output_field": output_field,
        "task_name": name,
        "task_type": task.task_type,
        "metric": task.metric,
        "is_multiple_choice": task.task_type == "multiple-choice",
        "track": task.track,
    }
