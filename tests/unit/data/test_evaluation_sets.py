"""Evaluation sets: from the challenge's file, from held-out rows, from Shopping MMLU's archive."""

import json
import zipfile
from pathlib import Path

import polars as pl
import pytest
from in_process import run

from shopbench.questions import challenge_questions, read_questions, reference_answer

ROOT = Path(__file__).resolve().parents[3]
DEVELOPMENT = ROOT.parent / "shared/data/kddcup2024/development.json"
COLUMNS = ["id", "set", "track", "task", "task_type", "metric", "is_multiple_choice", "prompt", "truth", "reference", "locale"]


def refused(result, output, *words):
    """Exit code 2, one line with all the words, and no output."""
    assert result.returncode == 2, result.stderr
    assert len(result.stderr.splitlines()) == 1 and all(word in result.stderr for word in words), result.stderr
    assert not output.exists()


@pytest.mark.skipif(not DEVELOPMENT.exists(), reason="the challenge's development set is not here")
def test_real_development_set(tmp_path):
    output = tmp_path / "development.parquet"
    assert run("prepare_development.py", "--development", DEVELOPMENT, "--output", output).returncode == 0
    table = pl.read_parquet(output)
    assert table.columns == COLUMNS and table["id"].n_unique() == 96
    assert dict(table.group_by("track").len().iter_rows()) == {"track1": 40, "track2": 16, "track3": 27, "track4": 13}
    assert dict(table.group_by("metric").len().iter_rows()) == {
        "accuracy": 52, "hit rate@3": 15, "micro f1": 8, "ndcg": 4, "rougel": 8, "sent-transformer": 4, "bleu": 4, "jp-bleu": 1,
    }  # fmt: skip
    # The score program reads either file and must find the same questions in both.
    assert [q["id"] for q in read_questions(output)] == [q["id"] for q in read_questions(DEVELOPMENT)]
    assert [q["truth"] for q in read_questions(output)] == [q["truth"] for q in read_questions(DEVELOPMENT)]


def challenge_row(**changes):
    row = {
        "input_field": "Which one?\n0. a\n1. b\n",
        "output_field": 1,
        "task_name": "task2",
        "task_type": "multiple-choice",
        "metric": "accuracy",
        "is_multiple_choice": True,
        "track": "amazon-kdd-cup-24-shopping-knowledge-reasoning",
    }
    return row | changes


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"output_field": "1"}, "does not fit"),
        ({"output_field": True}, "does not fit"),
        ({"metric": "ndcg"}, "cannot score"),
        ({"metric": "acuracy"}, "unknown metric"),
        ({"task_type": "multichoice"}, "unknown task_type"),
        ({"track": "track 1"}, "unknown track"),
        ({"is_multiple_choice": False}, "contradicts"),
        ({"input_field": " "}, "empty"),
    ],
)
def test_bad_rows_are_named(tmp_path, changes, word):
    source, output = tmp_path / "development.json", tmp_path / "out.parquet"
    source.write_text("\n".join(json.dumps(row) for row in (challenge_row(), challenge_row(**changes))))
    refused(run("prepare_development.py", "--development", source, "--output", output), output, "row 2", word)


def test_equal_prompts_get_different_ids():
    questions = challenge_questions([challenge_row(), challenge_row()], "f", "development")
    assert len({q["id"] for q in questions}) == 2


@pytest.mark.parametrize(
    ("truth", "task_type", "answer"),
    [
        (3, "multiple-choice", "3"),
        ([6, 9, 15], "retrieval", "6,9,15"),
        ([1, 0.01, 0.1, 1, 0], "ranking", "1,4,3,2,5"),
        (["red", "shoe"], "named_entity_recognition", "red, shoe"),
        (["5,5 cm"], "named_entity_recognition", "['5,5 cm']"),
        (["first", "second"], "generation", "first"),
    ],
)
def test_reference_answers(truth, task_type, answer):
    assert reference_answer(truth, task_type) == answer


def dataset_file(path, task_type, rows):
    """Validation rows given as (completion, truth), and one train row."""
    filled = [
        {
            "id": f"{path.stem}-{i}", "dataset": path.stem, "task_type": task_type, "track": "track3", "locale": "us",
            "prompt": f"prompt {i}",
            "completion": completion, "group": f"g{i}", "split": "validation", "source": json.dumps({"keys": {}, "truth": truth}),
        }
        for i, (completion, truth) in enumerate(rows)
    ]  # fmt: skip
    filled.append(filled[0] | {"id": f"{path.stem}-train", "split": "train"})
    pl.DataFrame(filled).write_parquet(path)
    return path


def prepare_validation(tmp_path, datasets, metrics, rows=3):
    output = tmp_path / "validation.parquet"
    arguments = ["--datasets", *datasets, "--metrics", json.dumps(metrics), "--rows-per-dataset", rows, "--output", output]
    return run("prepare_validation.py", *arguments), output


def test_validation_takes_held_out_rows_of_every_dataset(tmp_path):
    rating = dataset_file(tmp_path / "rating.parquet", "multiple-choice", [(str(i % 5), i % 5) for i in range(8)])
    title = dataset_file(tmp_path / "title.parquet", "generation", [("ein Stuhl", "ein Stuhl"), ("黒いケース", "黒いケース")])
    result, output = prepare_validation(tmp_path, [rating, title], {"rating": "accuracy", "title": "bleu"})
    assert result.returncode == 0, result.stderr
    table = pl.read_parquet(output)
    assert table.columns == COLUMNS and not table["id"].str.contains("train").any()
    assert dict(table.group_by("task").len().iter_rows()) == {"rating": 3, "title": 2}
    assert dict(table.filter(task="title").select("prompt", "metric").iter_rows()) == {"prompt 0": "bleu", "prompt 1": "jp-bleu"}
    assert all(truth == reference for truth, reference in table.filter(task="rating").select("truth", "reference").iter_rows())


def test_which_rows_does_not_depend_on_their_order(tmp_path):
    path = dataset_file(tmp_path / "rating.parquet", "multiple-choice", [(str(i % 5), i % 5) for i in range(8)])
    ids = pl.read_parquet(prepare_validation(tmp_path, [path], {"rating": "accuracy"})[1])["id"].to_list()
    pl.read_parquet(path).reverse().write_parquet(path)
    assert pl.read_parquet(prepare_validation(tmp_path, [path], {"rating": "accuracy"})[1])["id"].to_list() == ids


@pytest.mark.parametrize(
    ("task_type", "metric", "completion", "truth"),
    [
        ("multiple-choice", "accuracy", "2", 3),
        ("ranking", "ndcg", "1,2,3", [0.1, 1, 0]),  # the second should come first
        ("ranking", "ndcg", "2,1", [0.1, 1, 0]),  # one is not ranked
        ("retrieval", "hit rate@3", "1,2,4", [1, 2, 3]),
        ("named_entity_recognition", "micro f1", "red", ["red", "shoe"]),
        ("generation", "rougel", "a lamp", "a lamb"),
    ],
)
def test_a_completion_that_misses_its_own_truth_is_named(tmp_path, task_type, metric, completion, truth):
    path = dataset_file(tmp_path / "d.parquet", task_type, [(completion, truth)])
    result, output = prepare_validation(tmp_path, [path], {"d": metric})
    refused(result, output, "d-0", "own truth")


def test_truncated_parquet_is_named(tmp_path):
    path = dataset_file(tmp_path / "d.parquet", "multiple-choice", [("1", 1)])
    path.write_bytes(path.read_bytes()[:-20])
    result, output = prepare_validation(tmp_path, [path], {"d": "accuracy"})
    refused(result, output, "d.parquet")


def shopping_mmlu(path, skills):
    with zipfile.ZipFile(path, "w") as archive:
        for name, rows in skills.items():
            archive.writestr(name, "".join(json.dumps(row) + "\n" for row in rows))
        archive.writestr("data/multiple_choice/x_dataset.csv", "question,choices,answer\n")
        archive.writestr("__MACOSX/data/skills/._skill1_concept.json", b"\0\1")
    return path


def test_shopping_mmlu_skills_are_tracks(tmp_path):
    row = {k: v for k, v in challenge_row().items() if k not in ("track", "is_multiple_choice")}
    skills = {f"data/skills/skill{n}_x.json": [row | {"task_name": f"t{n}"}] * n for n in (1, 2, 3, 4)}
    output = tmp_path / "out.parquet"
    result = run("prepare_shopping_mmlu.py", "--archive", shopping_mmlu(tmp_path / "data.zip", skills), "--output", output)
    assert result.returncode == 0, result.stderr
    table = pl.read_parquet(output)
    assert table.columns == COLUMNS and table["id"].n_unique() == 10
    assert dict(table.group_by("track").len().iter_rows()) == {f"track{n}": n for n in (1, 2, 3, 4)}
    assert dict(table.unique("task").select("task", "track").iter_rows()) == {f"t{n}": f"track{n}" for n in (1, 2, 3, 4)}
    said = result.stderr.splitlines()
    assert said[-2] == "10 questions of 4 tasks: 10 accuracy"
    assert said[-1].startswith("warning") and "20799 questions of 57 tasks" in said[-1]


def test_shopping_mmlu_of_the_published_size_is_taken_without_a_warning(tmp_path):
    # Every metric of the benchmark, 57 tasks, and a line separator of Unicode inside a text.
    kinds = {
        "accuracy": ("multiple-choice", 1),
        "hit rate@3": ("retrieval", [1]),
        "ndcg": ("ranking", [1, 0]),
        "micro f1": ("named_entity_recognition", ["a"]),
        **{metric: ("generation", "a") for metric in ("rougel", "bleu", "jp-bleu", "sent-transformer", "multilingual-sent-transformer")},
    }
    skills = {f"skills/skill{n}_x.json": [] for n in (1, 2, 3, 4)}
    for number in range(20_799):
        metric, (task_type, truth) = list(kinds.items())[number % 57 % 9]
        row = {"input_field": f"Which\u2028{number}?", "output_field": truth, "task_name": f"t{number % 57}"}
        skills[f"skills/skill{1 + number % 57 % 4}_x.json"].append(row | {"task_type": task_type, "metric": metric})
    archive, output = tmp_path / "data.zip", tmp_path / "out.parquet"
    with zipfile.ZipFile(archive, "w") as members:
        for name, rows in skills.items():
            members.writestr(name, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    result = run("prepare_shopping_mmlu.py", "--archive", archive, "--output", output)
    assert result.returncode == 0 and "warning" not in result.stderr, result.stderr
    table = pl.read_parquet(output)
    assert table["task"].n_unique() == 57 and set(table["metric"]) == set(kinds)
    assert "20799 questions of 57 tasks" in result.stderr


def test_shopping_mmlu_with_an_unknown_metric_is_refused(tmp_path):
    row = challenge_row(metric="exact match")
    archive, output = shopping_mmlu(tmp_path / "data.zip", {f"skills/skill{n}.json": [row] for n in (1, 2, 3, 4)}), tmp_path / "out.parquet"
    refused(run("prepare_shopping_mmlu.py", "--archive", archive, "--output", output), output, "row 1", "unknown metric 'exact match'")


def test_shopping_mmlu_without_a_skill_is_refused(tmp_path):
    archive, output = shopping_mmlu(tmp_path / "data.zip", {"skills/skill1_x.json": [challenge_row()]}), tmp_path / "out.parquet"
    refused(run("prepare_shopping_mmlu.py", "--archive", archive, "--output", output), output, "skill2")
    archive.write_bytes(archive.read_bytes()[:100])
    refused(run("prepare_shopping_mmlu.py", "--archive", archive, "--output", output), output, "data.zip", "not a whole zip")
