"""Turn Shopping MMLU into evaluation questions.

    python workflow/scripts/prepare_shopping_mmlu.py --archive data.zip --output evaluation/shopping_mmlu.parquet

Reads `skills/skill<1-4>*.json` inside the benchmark's data.zip (JSON lines with finished prompts: input_field,
output_field, task_name, task_type, metric). A skill is a track of the KDD Cup: concepts 1, reasoning 2, behaviour 3,
languages 4. The folders of single tasks hold the same questions without prompts and are not read. Leaves one Parquet
file with the columns that all evaluation sets share (shopbench/questions.py).

Says how many questions there are by metric, and warns when tasks or questions are not as many as the benchmark has (simulated ones are
fewer). A metric or a task type that the challenge does not have is refused by its line. The pipeline scores them by the challenge's rules;
score.py --rules shopping-mmlu has the benchmark's own.

Source: Y. Jin et al., Shopping MMLU, NeurIPS 2024; github.com/KL4805/ShoppingMMLU.
"""

from __future__ import annotations

import argparse
import json
import re
import zipfile
from collections import Counter

from shopbench.files import BadInput, progress, run_program
from shopbench.questions import Question, challenge_questions, write_questions

TASKS, QUESTIONS = 57, 20_799
SKILL_FILE = re.compile(r"(?:^|/)skills/skill([1-4])[^/]*\.json$")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--archive", required=True, help="the benchmark's data.zip")
    parser.add_argument("--output", required=True, help="Parquet file to write")
    args = parser.parse_args()

    questions = read_archive(args.archive)
    tasks = {question["task"] for question in questions}
    write_questions(args.output, questions, {"questions": len(questions), "tasks": len(tasks)})
    metrics = Counter(question["metric"] for question in questions)
    progress(f"{len(questions)} questions of {len(tasks)} tasks: {', '.join(f'{n} {metric}' for metric, n in metrics.most_common())}")
    if (len(tasks), len(questions)) != (TASKS, QUESTIONS):
        progress(f"warning: Shopping MMLU as published has {QUESTIONS} questions of {TASKS} tasks; means over tasks are not comparable")


def read_archive(path: str) -> list[Question]:
    """Questions of all four skills, in the archive's order within a skill. Raises BadInput for a broken archive, line or question."""
    rows, tracks = [], []
    try:
        with zipfile.ZipFile(path) as archive:
            members = sorted(name for name in archive.namelist() if SKILL_FILE.search(name) and not name.startswith("__MACOSX"))
            for name in members:
                skill = SKILL_FILE.search(name).group(1)  # type: ignore[union-attr]
                found = read_lines(archive.read(name), f"{path}, {name}")
                rows += found
                tracks += [f"track{skill}"] * len(found)
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    except zipfile.BadZipFile as error:
        raise BadInput(f"{path}: not a whole zip archive ({error}); delete it and fetch it again") from None
    absent = sorted({f"track{n}" for n in range(1, 5)} - set(tracks))
    if absent:
        raise BadInput(f"{path}: no questions in skills/skill{absent[0][-1]}*.json; is it Shopping MMLU's data.zip?")
    return challenge_questions(rows, path, "shopping_mmlu", tracks)


def read_lines(content: bytes, where: str) -> list[dict]:
    """The JSON objects of a member, one a line."""
    rows = []
    # Not splitlines(), which would cut a text at a line separator of Unicode.
    for number, line in enumerate(content.decode("utf-8", errors="replace").split("\n"), start=1):
        if line.strip():
            try:
                rows.append(json.loads(line))
            except ValueError as error:
                raise BadInput(f"{where}, line {number}: not JSON ({error})") from None
    return rows


if __name__ == "__main__":
    run_program(main)
