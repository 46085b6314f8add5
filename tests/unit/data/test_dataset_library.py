"""The library of the dataset modules: forms of questions, hard negatives, sampling, the split."""

import json
import math
import re
from collections import Counter

import polars as pl
import pytest

from shopbench.dataset.combinators import choose, extract, generate, match_one, pick_some, rank, rate
from shopbench.dataset.lookalikes import Lookalikes
from shopbench.dataset.question import Draw, Question, Skip
from shopbench.dataset.sampling import COLUMNS, LEAST_SAMPLE, Candidates, Inputs, check_question, sample, split_of
from shopbench.dataset.texts import sentences, shorten
from shopbench.files import BadInput

ASK = ["Which one?\n{options}\nAnswer:"]
DATASET = {"dataset": "numbers", "task_type": "multiple-choice", "track": "track2"}


def options_of(prompt: str) -> dict[int, str]:
    return {int(number): text for number, text in re.findall(r"^(\d+)\. (.*)$", prompt, re.M)}


def test_multiple_choice_counts_from_0_and_favours_no_place():
    places = Counter()
    for n in range(4_000):
        question = match_one(Draw("seed", n), ASK, right="right", wrong=["a", "b", "c"])
        shown = options_of(question.prompt)
        assert sorted(shown) == [0, 1, 2, 3] and shown[question.truth] == "right" and question.completion == str(question.truth)
        places[question.truth] += 1
    # 1,000 expected each; 5 standard deviations of a binomial are 137.
    assert all(abs(count - 1_000) < 137 for count in places.values())


def test_lists_count_from_1():
    picked = pick_some(Draw(1), ASK, right=["x", "y", "z"], wrong=list("abcdefg"))
    shown = options_of(picked.prompt)
    assert sorted(shown) == list(range(1, 11))
    assert {shown[place] for place in picked.truth} == {"x", "y", "z"}
    assert picked.completion == ",".join(map(str, picked.truth))

    ranked = rank(Draw(1), ASK, options=list("abcde"), relevance=[0.1, 1, 0, 0.01, 1])
    shown = options_of(ranked.prompt)
    weights = dict(zip("abcde", [0.1, 1, 0, 0.01, 1], strict=True))
    assert ranked.truth == [weights[shown[place]] for place in range(1, 6)]
    answered = [weights[shown[int(place)]] for place in ranked.completion.split(",")]
    assert answered == sorted(answered, reverse=True)


def test_unsound_parts_are_skipped():
    draw = Draw(1)
    with pytest.raises(Skip, match="alike"):
        match_one(draw, ASK, right="Red", wrong=["red", "blue"])
    with pytest.raises(Skip, match="empty"):
        choose(draw, ASK, options=["a", " "], answer=0)
    with pytest.raises(Skip, match="equally"):
        rank(draw, ASK, options=["a", "b"], relevance=[1, 1])
    with pytest.raises(Skip, match="1 to 3"):
        pick_some(draw, ASK, right=list("abcd"), wrong=list("efgh"))
    with pytest.raises(Skip, match="no answer"):
        generate(draw, ["x"], answer=" ")
    # More options than digits 0-5 is a mistake of a module, not of a row.
    with pytest.raises(ValueError, match="7 options"):
        match_one(draw, ASK, right="a", wrong=list("bcdefg"))


def test_braces_in_the_data_are_data():
    question = rate(Draw(1), ["Rate: {text}"], rating=4, text="{options} {0} {{x}}")
    assert question.prompt == "Rate: {options} {0} {{x}}" and question.truth == 4


def test_entities_stand_in_the_text_as_spelt_there():
    question = extract(Draw(1), ["{text}"], text="Kettle in Dark RED Steel", entities=["dark red", "steel", "Steel"])
    assert question.truth == ["Dark RED", "Steel"] and question.completion == "Dark RED, Steel"
    with pytest.raises(Skip, match="not in the text"):
        extract(Draw(1), ["{text}"], text="Kettle", entities=["steel"])
    with pytest.raises(Skip, match="comma"):
        extract(Draw(1), ["{text}"], text="red, blue", entities=["red, blue"])


def test_lookalikes_come_from_the_nearest_bucket():
    pairs = [("near", "n1"), ("near", "n2"), ("near", "RIGHT"), *(("far", f"f{n}") for n in range(500)), ("far", "n1")]
    draw = Draw(7)
    found = Lookalikes(pairs).wrong(draw, 4, ["near", "far"], ["right"])
    assert set(found[:2]) == {"n1", "n2"} and len(set(found)) == 4
    assert found == Lookalikes(reversed(pairs)).wrong(draw, 4, ["near", "far"], ["right"])
    assert "n2" not in Lookalikes(pairs).wrong(draw, 4, ["near", "far"], ["right"], unless=lambda text: text == "n2")
    with pytest.raises(Skip, match="too few wrong"):
        Lookalikes(pairs).wrong(draw, 3, ["near", "nowhere"], ["right"])


def test_split_depends_on_the_group_alone():
    groups = [f"esci:query:{n}" for n in range(20_000)]
    held_out = {group for group in groups if split_of(group, 0.05) == "validation"}
    assert abs(len(held_out) - 1_000) < 5 * math.sqrt(20_000 * 0.05 * 0.95)
    # A larger share holds out more groups, never others.
    assert held_out < {group for group in groups if split_of(group, 0.1) == "validation"}
    assert split_of("esci:query:1", 0.0) == "train" and split_of("esci:query:1", 1.0) == "validation"


def ask(row: dict, draw: Draw) -> Question:
    if row["n"] % 10 == 3:
        raise Skip("ends in 3")
    return match_one(draw, ["{n}?\n{options}"], right=str(row["n"]), wrong=["a", "b", "c"], n=str(row["n"]))


def numbers(count: int = 400) -> pl.DataFrame:
    rows = [{"n": n, "tens": n // 100, "locale": "en", "parity": "odd" if n % 4 == 1 else "even"} for n in range(count)]
    return pl.DataFrame(rows)


def sampled(frame: pl.DataFrame, size: int, seed: int = 1, balance: str | None = None) -> tuple[pl.DataFrame, dict]:
    candidates = Candidates(frame, key=["n"], group=("test", "tens", "tens"), ask=ask, balance=balance)
    return sample(candidates, DATASET, size, seed, validation_share=0.5)


def keys_of(table: pl.DataFrame) -> set[int]:
    return {json.loads(source)["keys"]["n"] for source in table["source"]}


def test_a_sample_is_the_bottom_k_whatever_the_order_of_the_rows():
    table, facts = sampled(numbers(), 50)
    assert table.columns == COLUMNS and set(table.dtypes) == {pl.String}
    assert table["id"].is_sorted() and table["id"].n_unique() == 50 and facts["shortfall"] == 0
    assert table.equals(sampled(numbers().reverse(), 50)[0])
    assert keys_of(table) < keys_of(sampled(numbers(), 90)[0])
    assert keys_of(table) != keys_of(sampled(numbers(), 50, seed=2)[0])
    # Rows are named by dataset and keys, not by the seed that drew them.
    ids = [
        dict(zip(t["source"].map_elements(lambda s: json.loads(s)["keys"]["n"], return_dtype=pl.Int64), t["id"], strict=True))
        for t in (table, sampled(numbers(), 360, seed=2)[0])
    ]
    assert all(ids[1][n] == identity for n, identity in ids[0].items())


def test_too_few_candidates_are_said_and_never_padded():
    table, facts = sampled(numbers(40), 100)
    assert table.height == 36
    assert facts["shortfall"] == 64 and facts["wanted"] == 100 and facts["skipped"] == {"ends in 3": 4}
    with pytest.raises(BadInput, match="dataset numbers: none of 1 candidates"):
        sampled(numbers().filter(pl.col("n") == 3), 1)


def test_balanced_samples_take_strata_in_turn():
    parities = {n: ("odd" if n % 4 == 1 else "even") for n in keys_of(sampled(numbers(), 80, balance="parity")[0])}
    assert abs(Counter(parities.values())["odd"] - 40) <= 8


def test_groups_stay_whole():
    table, _ = sampled(numbers(), 300)
    assert table.group_by("group").agg(pl.col("split").n_unique())["split"].to_list() == [1] * 4


def test_a_candidate_named_twice_is_refused():
    with pytest.raises(ValueError, match="do not name a candidate uniquely"):
        sampled(pl.concat([numbers(), numbers()]), 5)


@pytest.mark.parametrize(
    ("question", "message"),
    [
        (Question("retrieval", "x", "1,2", [1, 2]), "the module asks retrieval"),
        (Question("multiple-choice", "x", "10", 10), "is read as 1, not as 10"),
        (Question("multiple-choice", " ", "1", 1), "the prompt is empty"),
    ],
)
def test_unsound_questions_are_refused(question, message):
    with pytest.raises(BadInput, match=message):
        check_question(question, DATASET, {"n": 1})


def test_texts():
    assert shorten("one two three", 9) == "one two"
    assert shorten("short", 9) == "short"
    assert len(shorten("unbroken" * 20, 50)) == 50
    assert sentences("A lamp. It shines! 明るい。とても良い。") == ["A lamp.", "It shines!", "明るい。", "とても良い。"]


@pytest.mark.parametrize("values", [0, 1, LEAST_SAMPLE, LEAST_SAMPLE + 1, 5_000])
def test_some_values_with_all_their_rows(values):
    frame = pl.DataFrame({"key": [f"k{n % values}" for n in range(3 * values)]}, schema={"key": pl.String})
    kept = Inputs([], "numbers", size=400, validation_share=0.0).some(frame, "key", per_row=2.0)
    assert kept["key"].n_unique() == min(values, 800 if values > LEAST_SAMPLE else LEAST_SAMPLE)
    assert kept.height == 3 * kept["key"].n_unique()
    assert kept["key"].to_list() == [key for key in frame["key"].to_list() if key in set(kept["key"])]
