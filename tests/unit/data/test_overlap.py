"""What counts as content of an evaluation question, and what the blend program does with it."""

import json

import polars as pl
import pytest
from in_process import run

from shopbench.overlap import EvaluationText, words

COLUMNS = ["id", "dataset", "task_type", "track", "locale", "prompt", "completion", "group", "split", "source"]

INSTRUCTION = "Evaluate the following product review on a scale of 1 to 5 with 1 being very negative and 5 being very positive."
REVIEWS = [
    "Runs small and fabric doesn't stretch. This body shaper is way too small even though I bought the largest one.",
    "The kettle boils quickly but the lid fell off on the second day and nobody from the shop ever answered me.",
    "My daughter wears these boots every day since October and they still look exactly like new, best buy this year.",
]
QUESTIONS = EvaluationText({"development": [f"{INSTRUCTION}\nInput: {review}" for review in REVIEWS]})


def overlap(prompt, questions=QUESTIONS):
    (found,) = questions.overlaps([prompt])
    return found


def test_copied_content_is_found_whatever_its_case_and_frame():
    assert overlap(f"How many stars? {REVIEWS[1].upper().replace(' ', '  ')} Answer with a digit.") == "development"


def test_shared_wording_is_no_overlap():
    other = "Lovely curtains, they keep the morning sun out and were easy to hang without any tools."
    assert overlap(f"{INSTRUCTION}\nInput: {other}") is None


def test_wording_needs_three_questions():
    two = EvaluationText({"development": [f"{INSTRUCTION}\nInput: {review}" for review in REVIEWS[:2]]})
    assert overlap(INSTRUCTION, two) == "development"


def test_wording_of_a_training_dataset_is_no_overlap_but_copied_content_in_it_is():
    """One question alone cannot show that it is mostly wording; the training rows that all ask so can."""
    alone = EvaluationText({"development": [f"{INSTRUCTION}\nInput: {REVIEWS[0]}"]})
    prompts = [f"{INSTRUCTION}\nInput: number {n} of my own reviews" for n in range(100)]
    prompts[42] = f"{INSTRUCTION}\nInput: {REVIEWS[0]}"
    assert [n for n, name in enumerate(alone.overlaps(prompts)) if name] == [42]


def test_twelve_words_are_not_enough_and_thirteen_are():
    copied = words(REVIEWS[1])
    assert overlap("new text " + " ".join(copied[:12])) is None
    assert overlap("new text " + " ".join(copied[:13])) == "development"


def test_short_questions_match_exactly():
    short = EvaluationText({"mmlu": ["What is a lamp?"]})
    assert overlap("what is a LAMP", short) == "mmlu"
    assert overlap("What is a lamp? Answer in a word.", short) is None


def test_japanese_characters_are_words():
    assert words("黒いケース x2") == ["黒", "い", "ケ", "ー", "ス", "x2"]


def dataset(path, rows):
    """Rows given as (prompt, completion, split); everything else is filled in."""
    name = path.stem
    filled = [
        [f"{name}-{i}", name, "generation", "track1", "us", prompt, completion, f"x:product:{name}{i}", split, "{}"]
        for i, (prompt, completion, split) in enumerate(rows)
    ]
    pl.DataFrame(filled, schema=dict.fromkeys(COLUMNS, pl.String), orient="row").write_parquet(path)
    return path


def blend(tmp_path, datasets, rows, seed=1, name="blend"):
    evaluation = tmp_path / "development.parquet"
    pl.DataFrame({"prompt": [f"{INSTRUCTION}\nInput: {review}" for review in REVIEWS]}).write_parquet(evaluation)
    output = tmp_path / f"{name}.parquet"
    arguments = ["--datasets", *datasets, "--rows", json.dumps(rows), "--evaluation", evaluation, "--seed", seed, "--output", output]
    arguments += ["--held-out", tmp_path / f"{name}-held-out.parquet"]
    return run("blend_datasets.py", *arguments), output


@pytest.fixture
def two_datasets(tmp_path):
    a = dataset(tmp_path / "a.parquet", [(f"question {i}", str(i), "train") for i in range(40)] + [("held out", "1", "validation")])
    copies = [("question 3", "3", "train"), ("question 4", "other answer", "train"), (f"Stars? {REVIEWS[0]}", "1", "train")]
    return [a, dataset(tmp_path / "b.parquet", copies)]


def test_blend_removes_caps_and_counts(tmp_path, two_datasets):
    result, output = blend(tmp_path, two_datasets, {"a": 10, "b": None})
    assert result.returncode == 0, result.stderr
    table = pl.read_parquet(output)
    assert table.columns == COLUMNS and set(table["split"]) == {"train"}
    assert set(table.filter(pl.col("dataset") == "b")["prompt"]) == {"question 4"}  # the duplicate and the review are gone
    facts = json.loads(pl.read_parquet_metadata(output)["shopbench"])
    assert facts["datasets"]["a"] == {"available": 40, "duplicates": 0, "overlap": {}, "over_cap": 30, "taken": 10, "llm": 0}
    assert facts["datasets"]["b"] == {"available": 3, "duplicates": 1, "overlap": {"development": 1}, "over_cap": 0, "taken": 1, "llm": 0}
    assert facts["totals"]["taken"] == facts["rows"] == table.height == 11


def test_some_validation_rows_of_each_dataset_are_put_aside(tmp_path):
    rows = [(f"question {i}", str(i), "train" if i % 2 else "validation") for i in range(80)]
    files = [dataset(tmp_path / "a.parquet", rows), dataset(tmp_path / "b.parquet", rows[:6])]
    _, output = blend(tmp_path, files, {"a": 5, "b": 1})
    held_out = pl.read_parquet(tmp_path / "blend-held-out.parquet")
    assert held_out.columns == COLUMNS and set(held_out["split"]) == {"validation"}
    assert dict(held_out.group_by("dataset").len().iter_rows()) == {"a": 25, "b": 3}
    assert not set(held_out["group"]) & set(pl.read_parquet(output)["group"])


def test_smaller_caps_take_subsets_and_order_is_mixed(tmp_path, two_datasets):
    small, large = (pl.read_parquet(blend(tmp_path, two_datasets, {"a": cap}, name=f"cap{cap}")[1])["id"].to_list() for cap in (5, 20))
    assert set(small) < set(large)
    positions = [large.index(identity) for identity in small]
    assert max(positions) >= 10  # a shuffle that went by the cap's hash would put them first


def test_same_seed_same_bytes_and_other_seed_other_order(tmp_path, two_datasets):
    one, again, other = (
        blend(tmp_path, two_datasets, {"a": None, "b": None}, seed=seed, name=name)[1].read_bytes()
        for seed, name in ((1, "one"), (1, "again"), (2, "other"))
    )
    assert one == again != other


def test_validation_group_in_train_rows_stops_the_blend(tmp_path):
    path = dataset(tmp_path / "a.parquet", [("question 1", "1", "train"), ("question 2", "2", "validation")])
    pl.read_parquet(path).with_columns(group=pl.lit("x:product:same")).write_parquet(path)
    result, output = blend(tmp_path, [path], {"a": None})
    assert result.returncode == 2 and "x:product:same" in result.stderr and not output.exists()
