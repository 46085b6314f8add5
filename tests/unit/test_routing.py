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
    ("prompt", "is_multiple_choice", "expected"),
    [
        # Numbers inside options, as product titles have them.
        ("Rank for 'kettle'.\n" + "\n".join(f"{n}. Kettle 1.7 L, 2.4 kW, pack of {n}." for n in range(1, 6)), False, "ranking"),
        ("What is it?\nIt has 3.5 mm jacks, 12) inch, version 2.\n7.2 V", False, "generation"),
        # A product's numbered features, then a question that has no options.
        ("1. waterproof\n2. light\n3. red\nExplain this product.", False, "generation"),
        # Lists with other marks, indented, on Windows line ends, in Japanese.
        ("Rank.\n" + options(1, 5, dot=") "), False, "ranking"),
        ("Rank.\n" + options(1, 5).replace("\n", "\r\n"), False, "ranking"),
        ("Rank.\n   " + options(1, 5).replace("\n", "\n   "), False, "ranking"),
        ("順位をつけてください。\n" + "\n".join(f"{n}. 商品{n}" for n in range(1, 6)), False, "ranking"),
        # Six options of a flagged question are no retrieval; without the flag they are.
        ("Which?\n" + options(0, 5), True, "multiple-choice"),
        ("Which?\n" + options(0, 5), False, "retrieval"),
        # An empty list, or one whose entries are empty.
        ("Select three from the list.\n", False, "retrieval"),
        ("Rank these.\n1.\n2.\n3.\n4.\n5.\n", False, "ranking"),
        # Other languages: the lists decide, as the phrases are English.
        ("Wählen Sie drei Angebote aus.\n" + options(1, 15), False, "retrieval"),
        ("¿Cuál es la entidad?", False, "generation"),
        # What a query or a review says is no instruction.
        ("Output the entity of type game.\nQuery: pick 3 lottery, a permutation of numbers", False, "named_entity_recognition"),
        ("Given the query, directly OUTPUT THE ENTITY of type brand.", False, "named_entity_recognition"),
        ("Which of them?", True, "multiple-choice"),
        ("", False, "generation"),
    ],
)
def test_awkward_prompts(prompt, is_multiple_choice, expected):
    assert task_type(prompt, is_multiple_choice) == expected


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
