"""Task types from prompts, against the challenge's labels."""

import json

import pytest
from support import REAL_DATA

from shopbench.routing import numbered_options, task_type

DEVELOPMENT = REAL_DATA / "kddcup2024/development.json"


@pytest.mark.skipif(not DEVELOPMENT.is_file(), reason="the challenge's development set is not here")
def test_the_development_set_gets_its_labels_except_for_task_6():
    rows = [json.loads(line) for line in DEVELOPMENT.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 96
    wrong = [row for row in rows if task_type(row["input_field"], row["is_multiple_choice"]) != row["task_type"]]
    assert [row["task_name"] for row in wrong] == ["task6"] * 8
    assert {task_type(row["input_field"], False) for row in wrong} == {"named_entity_recognition"}


def options(first, last, dot=". "):
    return "\n".join(f"{n}{dot}thing {n}" for n in range(first, last + 1))


def test_the_flag_decides_alone():
    assert task_type("Select three numbers.\n" + options(1, 15), True) == "multiple-choice"


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        (options(1, 6), "retrieval"),
        (options(1, 5), "ranking"),
        (options(1, 4), "generation"),
        (options(1, 5) + "\nSelect three from the list.", "retrieval"),
        (options(1, 4) + "\nYou should output a permutation of 1 to 4.", "ranking"),
        ("Only respond with the ranking results.", "ranking"),
        ("Extract the keyphrase from the review.", "named_entity_recognition"),
        ("Directly output the entity without repeating the entity type.", "named_entity_recognition"),
        ("Translate the product title.", "generation"),
    ],
)
def test_counts_come_before_phrases_and_retrieval_before_ranking(prompt, expected):
    assert task_type(prompt, False) == expected


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("Which?\n" + options(0, 3), [0, 1, 2, 3]),
        ("Which?\n" + options(1, 12, dot="."), list(range(1, 13))),
        ("No list at all, 3.5 mm\n1.5 litres\n2.5 litres", []),
        ("A lone\n1. is no list", []),
        ("2. A list\n3. from the middle", []),
        ("Review: I like\n1. this\n2. that\n3. those\nWhich?\n0. yes\n1. no", [0, 1]),
        ("1. first:\n1. part\n2. part\n2. second\n3. third", [1, 2, 3]),
    ],
)
def test_options_are_the_list_that_ends_last(prompt, expected):
    assert numbered_options(prompt) == expected
