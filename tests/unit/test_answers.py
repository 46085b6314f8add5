"""Answers survive a kill."""

import json

import pytest

from shopbench.answers import ANSWERS, KeptAnswers
from shopbench.engine import Answer, Ask, check_precision, check_strict, engine_arguments, lora_rank
from shopbench.files import BadInput, write_manifest

ASKS = [Ask("first", True), Ask("second", False), Ask("first", True)]


@pytest.fixture
def kept(tmp_path):
    """Opens the answers of a program and a model, both of which a test may change."""
    program, model = tmp_path / "program.py", tmp_path / "model"
    program.write_text("import json\n")
    model.mkdir()
    (model / "weights").write_text("1")
    write_manifest(model)
    return lambda *settings: KeptAnswers(tmp_path / "parts", "answer", program, model, None, *settings)


def test_a_rerun_answers_only_what_is_missing(kept, tmp_path):
    first = kept("strict")
    assert first.missing(ASKS) == ASKS[:2]
    first.add(ASKS[0], Answer("multiple-choice", "1", 0.5, 0.1))
    [file] = (tmp_path / "parts").rglob(ANSWERS)
    with file.open("a") as stream:
        stream.write('{"question": "torn by a ki')

    again = kept("strict")
    assert again.missing(ASKS) == [ASKS[1]]
    again.add(ASKS[1], Answer("generation", "text", 0.25, 0.1))
    assert kept("strict").missing(ASKS) == []
    assert kept("strict")[ASKS[2]] == Answer("multiple-choice", "1", 0.5, 0.1)


def test_other_settings_weights_or_programs_start_anew(kept, tmp_path):
    kept("strict").add(ASKS[0], Answer("multiple-choice", "1", 0.5, 0.1))
    assert kept("boost").missing(ASKS) == ASKS[:2]
    (tmp_path / "program.py").write_text("import re\n")
    assert kept("strict").missing(ASKS) == ASKS[:2]
    (tmp_path / "program.py").write_text("import json\n")
    assert kept("strict").missing(ASKS) == ASKS[1:2]
    (tmp_path / "model/weights").write_text("2")
    write_manifest(tmp_path / "model")
    assert kept("strict").missing(ASKS) == ASKS[:2]


def test_the_multiple_choice_flag_is_part_of_a_question(kept):
    answers = kept("strict")
    answers.add(Ask("first", True), Answer("multiple-choice", "1", 0.5, 0.1))
    assert answers.missing([Ask("first", False)]) == [Ask("first", False)]


def test_a_strict_answer_that_does_not_parse_is_named():
    asks = [Ask("0. a\n1. b", True), Ask("Only respond with the ranking results.\n1. a\n2. b\n3. c", False)]
    answers = [Answer("multiple-choice", "1", 0.1, 0.1), Answer("ranking", "1,2", 0.1, 0.1)]
    with pytest.raises(BadInput, match="question q2: '1,2' is no ranking answer"):
        check_strict(["q1", "q2"], asks, answers, {"multiple-choice": 1, "ranking": 3})


def test_weights_have_to_be_what_the_variant_says(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"quantization_config": {"quant_method": "awq"}}))
    check_precision(tmp_path, "awq")
    with pytest.raises(BadInput, match="the weights are awq, the variant says bf16"):
        check_precision(tmp_path, "bf16")


def test_an_engine_has_a_place_more_than_adapters():
    settings = {"dtype": "half", "tensor_parallel": 4, "max_model_len": 3072, "max_num_seqs": 16}
    settings |= {"gpu_memory_utilization": 0.95, "enforce_eager": True, "attention_backend": "TRITON_ATTN"}
    given = engine_arguments(settings, "cuda", rank=65)
    assert given["max_loras"] == 2 and given["max_lora_rank"] == 128 and given["gpu_memory_utilization"] == 0.95
    assert "enable_lora" not in engine_arguments(settings, "cuda", rank=0)
    with pytest.raises(BadInput, match="rank 513"):
        lora_rank(513)
