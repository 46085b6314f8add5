"""Shopping MMLU: the published benchmark's layout with questions on the simulated shop.

Schema: data.zip with multiple_choice/{task}_dataset.csv (question, choices as a list repr, answer), {retrieval, ranking,
named_entity_recognition, generation}/{task}_dataset.json (JSON lines of input_field, target_field) and skills/{skill}.json (JSON lines of
input_field, output_field, task_name, task_type, metric). The real one has 57 tasks; this has 18, with as many questions at scale 1.
"""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from pathlib import Path

from shopbench.simulators.shop_questions import BEHAVIOR, CONCEPTS, LANGUAGES_TRACK, REASONING, TASKS
from shopbench.world import scaled, spread

FILES = ("data.zip",)
QUESTIONS = 20_799
LEAST_QUESTIONS = 18 * 10
TASK_NAMES = {
    "task1": "product_type_explanation",
    "task2": "attribute_product_type",
    "task3": "review_snippet_retrieval",
    "task4": "query_ner",
    "task5": "title_attribute_selection",
    "task6": "aspect_keyphrase_extraction",
    "task7": "review_aspect_retrieval",
    "task8": "pack_numeric_reasoning",
    "task9": "commonsense_reasoning",
    "task10": "complement_product_type",
    "task11": "query_query_relation",
    "task12": "query_product_ranking",
    "task13": "next_query_retrieval",
    "task14": "also_bought_retrieval",
    "task15": "review_rating_prediction",
    "task16": "multilingual_keyword_set",
    "task17": "multilingual_title_translation",
    "task18": "multilingual_same_product",
}
SKILLS = {CONCEPTS: "skill1_concept", REASONING: "skill2_reasoning", BEHAVIOR: "skill3_behavior", LANGUAGES_TRACK: "skill4_multilingual"}
# Members of a zip file carry a date; a fixed one keeps the bytes the same.
DATE = (1980, 1, 1, 0, 0, 0)


def write(file: str, scale: float, seed: int, path: Path, real_text: bool = False) -> None:
    skills: dict[str, list[dict]] = {skill: [] for skill in SKILLS.values()}
    with zipfile.ZipFile(path, "w") as archive:
        sizes = spread(scaled(QUESTIONS, scale, LEAST_QUESTIONS), len(TASKS))
        for (name, task), size in zip(TASKS.items(), sizes, strict=True):
            questions = [task.build(seed, (seed, "shopping mmlu", name, index)) for index in range(size)]
            if task.task_type == "multiple-choice":
                _add(archive, f"multiple_choice/{TASK_NAMES[name]}_dataset.csv", _choices_csv(questions))
            else:
                rows = [{"input_field": text, "target_field": truth} for text, truth in questions]
                _add(archive, f"{task.task_type}/{TASK_NAMES[name]}_dataset.json", _lines(rows))
            about = {"task_name": TASK_NAMES[name], "task_type": task.task_type, "metric": task.metric}
            skills[SKILLS[task.track]] += [{"input_field": text, "output_field": truth, **about} for text, truth in questions]
        for skill, rows in skills.items():
            _add(archive, f"skills/{skill}.json", _lines(rows))


def _choices_csv(questions: list[tuple[str, int]]) -> str:
    """The question's text without its options, the options as a list repr, and the answer."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["question", "choices", "answer"])
    for text, answer in questions:
        choices = re.findall(r"^\d\. (.*)$", text, re.MULTILINE)
        # A rating has no options in the text: they are the numbers of stars.
        stem = text.split("\n0. ")[0] if choices else text
        writer.writerow([stem, choices or ["1", "2", "3", "4", "5"], answer])
    return stream.getvalue()


def _lines(rows: list[dict]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _add(archive: zipfile.ZipFile, name: str, text: str) -> None:
    archive.writestr(zipfile.ZipInfo(name, DATE), text, zipfile.ZIP_DEFLATED)
