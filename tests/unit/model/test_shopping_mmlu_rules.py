"""Shopping MMLU's own rules: every difference from the challenge's, each response read by both, and scores worked out by hand."""

import json
import math

import pytest
from in_process import run

from shopbench import parsers, shopping_mmlu_parsers
from shopbench.files import read_json
from shopbench.metrics import entity_counts, ndcg


@pytest.mark.parametrize(
    ("task_type", "response", "here", "challenge"),
    [
        # The first character once spaces are gone: newlines stay, and digits of other scripts are none.
        ("multiple-choice", "  2", 2, 2),
        ("multiple-choice", "2\n0", 2, 2),
        ("multiple-choice", "\n2", -1, 2),
        ("multiple-choice", "\t2", -1, 2),
        ("multiple-choice", "２", -1, 2),
        ("multiple-choice", "", -1, -1),
        # Nothing is cleaned away.
        ("ranking", "[2, 1, 3]", [1], [2, 1, 3]),
        ("ranking", "Ranking: 4, 5", [5], [4, 5]),
        ("ranking", "-3,1", [-3, 1], [3, 1]),
        # The first line, after newlines; for the challenge the newlines vanish.
        ("ranking", "\n\n2,1\n3", [2, 1], [2]),
        # No value is dropped, no return empties the list.
        ("ranking", "7,1,6,2", [7, 1, 6, 2], [1, 2]),
        ("ranking", "1,2,2,3", [1, 2, 2, 3], []),
        ("retrieval", "6, 9, 15, 3", [6, 9, 15], [6, 9, 15]),
        ("retrieval", "[6, 9, 15]", [9], [6, 9, 15]),
        ("retrieval", "-7,8", [-7, 8], [7, 8]),
        # All lines: a newline inside a piece makes it no number, one beside it does not matter.
        ("retrieval", "1\n2,3", [3], [12, 3]),
        ("retrieval", "1,2\n", [1, 2], [1, 2]),
        ("retrieval", "1,\n2", [1, 2], [1, 2]),
        # The first line, and no Python list.
        ("named_entity_recognition", "red, shoe\nblue", ["red", " shoe"], ["red", "shoe\nblue"]),
        ("named_entity_recognition", "\nred", ["red"], ["red"]),
        ("named_entity_recognition", "['red', 'shoe']", ["['red'", " 'shoe']"], ["red", "shoe"]),
        # A blank piece is an entity, an empty one is not.
        ("named_entity_recognition", "red, ,shoe,,", ["red", " ", "shoe"], ["red", "shoe"]),
        ("generation", " \nA lamp. ", " \nA lamp. ", "A lamp."),
        # Not cut to 5,000 characters.
        ("generation", "a" * 6_000, "a" * 6_000, "a" * 5_000),
    ],
)
def test_each_difference(task_type, response, here, challenge):
    assert shopping_mmlu_parsers.parse(response, task_type) == here
    assert parsers.parse(response, task_type) == challenge


def test_every_task_type_has_a_parser():
    assert shopping_mmlu_parsers.PARSERS.keys() == parsers.PARSERS.keys()


def test_a_blank_entity_counts_as_wrong():
    named = shopping_mmlu_parsers.parse("Red, ,shoe", "named_entity_recognition")
    assert entity_counts(named, ["red", "shoe"]) == (2, 1, 0)


def test_ndcg_of_repeated_and_negative_numbers():
    # 0 is the last of three, -1 the one before, -2 the first, and -3 is none.
    assert ndcg([-1], [0, 1, 0]) == pytest.approx(1)
    assert ndcg([-2], [1, 0, 0]) == pytest.approx(1)
    assert ndcg([-3], [1, 1, 1]) == 0
    # The best product three times, of two that count: 1 + 1 / log2(3) + 1 / 2 over 1 + 1 / log2(3).
    assert ndcg([1, 1, 1], [1, 1, 0]) == pytest.approx(1 + 0.5 / (1 + 1 / math.log2(3)))


QUESTIONS = [
    # task, task type, metric, truth, response, Shopping MMLU's score, the challenge's
    ("choice", "multiple-choice", "accuracy", 2, "\n2", 0, 1),
    ("choice", "multiple-choice", "accuracy", 1, "1", 1, 1),
    ("pick", "retrieval", "hit rate@3", [6, 9, 15], "[6, 9, 15]", 1 / 3, 1),
    ("pick", "retrieval", "hit rate@3", [1, 2], "1,2,3", 1, 1),
    ("rank", "ranking", "ndcg", [0, 1, 0, 0, 0], "2,2,1,3,4", 1 + 1 / math.log2(3), 0),
    # Here counts 1, 0, 1 and 1, 1, 0 make 4 / 6; by the challenge 0, 1, 2 (one entity of two lines) and 1, 0, 0 make 2 / 5.
    ("name", "named_entity_recognition", "micro f1", ["red", "shoe"], "red\nshoe", None, None),
    ("name", "named_entity_recognition", "micro f1", ["blue"], "blue, ,", None, None),
    ("say", "generation", "rougel", "a red lamp", "a red lamp\nor two", 3 * 2 / 8, 3 * 2 / 8),
]


def scores(tmp_path, rules):
    """What score.py leaves of `QUESTIONS`, by the flag's default for no rules."""
    truth, predictions, output = tmp_path / "truth.json", tmp_path / "answers/track5.jsonl", tmp_path / "scores.json"
    predictions.parent.mkdir(exist_ok=True)
    rows = [
        {
            "input_field": f"Question {number}", "output_field": truth, "task_name": task, "task_type": task_type, "metric": metric,
            "track": "amazon-kdd-cup-24-user-behavior-alignment",
        }
        for number, (task, task_type, metric, truth, *_) in enumerate(QUESTIONS)
    ]  # fmt: skip
    truth.write_text("".join(json.dumps(row) + "\n" for row in rows))
    from shopbench.questions import read_questions

    lines = [{"id": q["id"], "response": row[4]} for q, row in zip(read_questions(truth), QUESTIONS, strict=True)]
    predictions.write_text("".join(json.dumps(line) + "\n" for line in lines))
    flags = ["--rules", rules] if rules else []
    done = run("score.py", "--predictions", predictions, "--truth", truth, "--output", output, "--bootstrap", 10, *flags)
    assert done.returncode == 0, done.stderr
    return read_json(output)


@pytest.mark.parametrize(("rules", "column"), [("shopping-mmlu", 5), (None, 6)])
def test_the_program_scores_by_either(tmp_path, rules, column):
    found = scores(tmp_path, rules)
    assert found["rules"] == (rules or "challenge")
    wanted = [row[column] for row in QUESTIONS if row[0] != "name"]
    assert [q["score"] for q in found["questions"] if q["task"] != "name"] == pytest.approx(wanted)
    counts = {5: [[1, 0, 1], [1, 1, 0]], 6: [[0, 1, 2], [1, 0, 0]]}[column]
    assert [q["counts"] for q in found["questions"] if q["task"] == "name"] == counts
    assert found["tasks"]["name"]["score"] == pytest.approx({5: 4 / 6, 6: 2 / 5}[column])


def test_the_trivial_answer_is_read_by_the_same_rules(tmp_path):
    # The constant "6,9,15", a truth of the task, reads alike; "[6, 9, 15]" would not.
    assert scores(tmp_path, "shopping-mmlu")["tasks"]["pick"]["trivial"] == pytest.approx(0.5)
