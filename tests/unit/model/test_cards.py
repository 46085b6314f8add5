"""Cards: their numbers by another route, their pages, and both programs on a small dataset and blend."""

import hashlib
import json
import math

import numpy as np
import polars as pl
import pytest
from in_process import run

from shopbench.cards import counts, fenced, lowest_hashes, percentiles, read_tokenizer, row_counts, table, token_percentiles
from shopbench.coverage import task_coverage
from shopbench.files import BadInput
from shopbench.overlap import words
from shopbench.samples import tokenize
from shopbench.tables import write_table

PERCENTS = [5, 25, 50, 75, 95, 99]


@pytest.fixture
def rows(blend_rows):
    fixed = {"dataset": "kettles", "locale": "us", "source": "{}", "track": "track1"}
    return pl.DataFrame(
        [
            row | fixed | {"id": f"{i:016x}", "group": f"esci:product:{i}", "split": "validation" if i % 6 == 0 else "train"}
            for i, row in enumerate(blend_rows)
        ]
    )


def test_counts_are_ordered_by_number_then_name():
    assert list(counts(["b", "c", "a", "b", "c"]).items()) == [("b", 2), ("c", 2), ("a", 1)]


def test_rows_are_counted_by_source_of_their_group(rows):
    found = row_counts(rows)
    assert found["source"] == {"esci": 48} and found["split"] == {"train": 40, "validation": 8}


@pytest.mark.parametrize("size", [1, 2, 19, 20, 21, 1000])
def test_percentiles_are_nearest_ranks(size):
    lengths = np.random.default_rng(size).integers(1, 500, size).tolist()
    expected = np.percentile(lengths, PERCENTS, method="inverted_cdf")
    assert percentiles(lengths) == {str(p): int(value) for p, value in zip(PERCENTS, expected, strict=True)} | {"max": max(lengths)}


def test_lengths_are_those_of_training_samples(rows, base, tokenizer):
    made = tokenize(tokenizer, rows.to_dicts(), max_length=100_000)
    found = token_percentiles(rows, read_tokenizer(base))
    assert found["completion"] == percentiles([sample.answer_length for sample in made])
    assert found["prompt"] == percentiles([len(sample) - sample.answer_length for sample in made])


def test_a_folder_without_a_tokenizer_is_named(tmp_path):
    with pytest.raises(BadInput, match=f"{tmp_path}/tokenizer.json"):
        read_tokenizer(tmp_path)


def test_samples_do_not_depend_on_the_order_of_rows(rows):
    assert lowest_hashes(rows, 5)["id"].to_list() == lowest_hashes(rows.reverse(), 5)["id"].to_list()
    assert lowest_hashes(rows, 1000).height == 48


def test_text_cannot_break_out_of_the_page():
    assert fenced("a\n````\nb").splitlines()[0] == "`````text"
    assert table(["x"], [["a|b\nc"], [1234]]).splitlines()[2:] == ["| a\\|b c |", "| 1,234 |"]


PROMPTS = pl.DataFrame(
    {
        "dataset": ["stars", "stars", "brands", "brands"],
        "prompt": ["how many stars has this", "how many stars for it", "which brand is it", "青い 商品"],
    }
)
QUESTIONS = pl.DataFrame(
    {
        "task": ["rating", "rating", "brand", "none"],
        "task_type": ["multiple-choice"] * 4,
        "track": ["track3", "track3", "track1", "track1"],
        "prompt": ["how many stars would you give", "which brand", "青い", "unheard"],
    }
)


def tf_idf_cosines():
    """The definition, in plain Python: (questions, prompts)."""
    texts = [words(text) for text in [*PROMPTS["prompt"], *QUESTIONS["prompt"]]]
    terms = [[*text, *zip(text, text[1:], strict=False)] for text in texts]
    idf = {term: 1 + math.log((1 + len(terms)) / (1 + sum(term in other for other in terms))) for text in terms for term in text}
    vectors = [{term: text.count(term) * idf[term] for term in text} for text in terms]
    norms = [math.sqrt(sum(value**2 for value in vector.values())) for vector in vectors]
    cosine = [[sum(v * b.get(t, 0) for t, v in a.items()) / n / m for b, m in zip(vectors[:4], norms[:4], strict=True)]
              for a, n in zip(vectors[4:], norms[4:], strict=True)]  # fmt: skip
    return cosine


def test_similarity_is_the_mean_of_the_best_cosines():
    covered = task_coverage(PROMPTS, QUESTIONS)
    best = [max(row) for row in tf_idf_cosines()]
    assert list(covered) == ["rating", "brand", "none"]
    assert covered["rating"]["similarity"] == pytest.approx((best[0] + best[1]) / 2, abs=1e-4)
    assert covered["brand"]["similarity"] == pytest.approx(best[2], abs=1e-4)
    assert (covered["rating"]["items"], covered["brand"]["track"]) == (2, "track1")


def test_the_nearest_prompts_share_a_word():
    covered = task_coverage(PROMPTS, QUESTIONS)
    assert covered["brand"]["nearest"] == [{"dataset": "brands", "share": 1.0}]
    # Two prompts of `stars` are near to the first item, one of `brands` to the second.
    assert covered["rating"]["nearest"] == [{"dataset": "stars", "share": 0.6667}, {"dataset": "brands", "share": 0.3333}]
    assert covered["none"]["similarity"] == 0 and covered["none"]["nearest"] == []


def card_of(program, folder, *arguments):
    done = run(program, *arguments, "--json", folder / "card.json", "--page", folder / "card.md")
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "card.json").read_text(encoding="utf-8")), (folder / "card.md").read_text(encoding="utf-8")


def test_the_card_of_a_dataset(rows, base, tmp_path):
    dataset, drawn_from = tmp_path / "kettles.parquet", tmp_path / "esci_products.parquet"
    facts = {"rows": 48, "wanted": 50, "shortfall": 2, "candidates": 60, "skipped": {"no brand": 12}, "validation_rows": 8}
    facts["llm"] = {"rows": 31, "build": 0, "enrich": 11, "reword": 25}
    write_table(dataset, rows, facts)
    write_table(drawn_from, pl.DataFrame({"x": [1]}), {"rows_read": 9000, "rows_kept": 8000, "broken": {"no title": 1000}})
    register = {"source": "esci", "task_type": "multiple-choice", "track": "track1", "cluster": "new", "size": 600, "asks": "which"}
    sources = {"esci": {"licences": ["Apache-2.0"], "simulated": True}}
    arguments = [
        "--dataset", dataset, "--row", json.dumps({"dataset": "kettles"} | register), "--sources", json.dumps(sources),
        "--tables", drawn_from, "--base", base, "--code", __file__,
    ]  # fmt: skip
    card, text = card_of("describe_dataset.py", tmp_path, *arguments)
    assert card["rows"] == facts and card["sources"] == sources
    assert card["tables"]["esci_products"] == {"rows_read": 9000, "rows_kept": 8000, "broken": {"no title": 1000}, "skipped": None}
    assert card["sha256"]["result"][str(dataset)] == hashlib.sha256(dataset.read_bytes()).hexdigest()
    assert len(card["samples"]) == 3 and all(sample["prompt"].startswith("<|im_start|>system") for sample in card["samples"])
    for words_of_page in (
        "no brand | 12",
        "made with its help | 31",
        "detail named by it | 11",
        "9,000 | 8,000 | no title: 1,000 | not said",
        "esci | Apache-2.0 | simulated",
        "Asks which (esci, ",
    ):
        assert words_of_page in text
    assert card_of("describe_dataset.py", tmp_path, *arguments) == (card, text)


def blend_arguments(rows, base, tmp_path, *evaluation):
    count = {"available": 43, "duplicates": 1, "overlap": {"development": 2}, "over_cap": 0, "taken": 40, "llm": 17}
    blend = tmp_path / "v7.parquet"
    write_table(blend, rows.filter(pl.col("split") == "train"), {"rows": 40, "seed": 1, "datasets": {"kettles": count}, "totals": count})
    sources = json.dumps({"esci": {"licences": ["Apache-2.0"], "simulated": False}})
    return [
        "--blend", blend, "--description", "All.", "--sources", sources, "--datasets", blend, "--evaluation", *evaluation,
        "--base", base, "--code", __file__,
    ]  # fmt: skip


def test_the_card_of_a_blend(rows, base, tmp_path):
    development = tmp_path / "development.parquet"
    write_table(development, QUESTIONS, {})
    card, text = card_of("describe_blend.py", tmp_path, *blend_arguments(rows, base, tmp_path, development))
    assert card["blend"] == "v7" and card["counts"]["dataset"] == {"kettles": 40}
    assert card["removed"]["totals"]["overlap"] == {"development": 2}
    assert card["coverage"]["task_types"]["multiple-choice"]["development"] == 4
    assert sum(n["blend"] for n in card["coverage"]["task_types"].values()) == card["rows"] == card["coverage"]["prompts"] == 40
    assert list(card["coverage"]["tasks"]) == ["rating", "brand", "none"]
    assert "| all | 43 | 1 | development: 2 | 0 | 40 | 17 |" in text
    assert "wording as well as content" in text and "development: 2" in text


def test_a_run_without_a_development_set_has_no_coverage(rows, base, tmp_path):
    card, text = card_of("describe_blend.py", tmp_path, *blend_arguments(rows, base, tmp_path))
    assert card["coverage"] is None and "Not measured" in text


def test_a_missing_blend_is_one_line_and_no_card(rows, base, tmp_path):
    arguments = blend_arguments(rows, base, tmp_path)
    (tmp_path / "v7.parquet").unlink()
    done = run("describe_blend.py", *arguments, "--json", tmp_path / "card.json", "--page", tmp_path / "card.md")
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "v7.parquet: no such file" in done.stderr
    assert not (tmp_path / "card.json").exists() and not (tmp_path / "card.md").exists()
