"""Estimates against what is public of the models and of the winners' runs, and against each other."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from shopbench.estimates import (
    blend_rows,
    estimate,
    padded,
    quantized_bytes,
    questions,
    read_run,
    rows_of,
    sample_tokens,
    seconds_per_question,
    training_hours,
    training_tokens,
)
from shopbench.files import BadInput
from shopbench.gpu_models import find_gpu
from shopbench.model_shapes import ModelShape, read_model_shapes, shape_in, shape_of
from shopbench.planned_jobs import PlannedJob
from shopbench.training_memory import gpu_memory

ROOT = Path(__file__).resolve().parents[2]
SHAPES = read_model_shapes(ROOT / "config/models.tsv")
QWEN = SHAPES["Qwen/Qwen2-72B-Instruct"]


@pytest.fixture(scope="module")
def paper():
    return read_run([ROOT / "config/config.yaml"], ROOT)


def job(rule, submitted=None, **wildcards):
    asked = {"threads": 1, **(submitted or {})}
    return PlannedJob(rule, wildcards, False, [], [], 0, None, 1, asked, asked)


@pytest.mark.parametrize(
    ("hub", "billions"),
    [
        ("Qwen/Qwen2-72B-Instruct", 72.71),
        ("Qwen/Qwen2-7B-Instruct", 7.616),
        ("meta-llama/Meta-Llama-3-70B-Instruct", 70.55),
        ("jondurbin/bagel-34b-v0.5", 34.39),
        ("abacusai/Smaug-72B-v0.1", 72.29),
    ],
)
def test_shapes_give_the_published_parameter_counts(hub, billions):
    assert SHAPES[hub].parameters / 1e9 == pytest.approx(billions, rel=2e-4)


def test_the_lora_counts_two_matrices_for_each_linear_layer():
    tiny = ModelShape(layers=2, hidden=8, intermediate=12, heads=2, kv_heads=1, head_size=4, vocabulary=10)
    # q 8+8, k and v 8+4, o 8+8, gate and up 8+12, down 12+8
    assert tiny.lora_parameters(3) == 3 * 2 * (16 + 12 + 12 + 16 + 20 + 20 + 20)
    assert tiny.linear_parameters == 2 * (64 + 32 + 32 + 64 + 96 + 96 + 96)


def test_a_shape_is_read_from_a_folder_and_a_missing_one_is_named(tmp_path):
    (tmp_path / "config.json").write_text(
        '{"num_hidden_layers": 2, "hidden_size": 8, "intermediate_size": 12, "num_attention_heads": 2, "vocab_size": 10, '
        '"tie_word_embeddings": true}'
    )
    assert shape_in(tmp_path / "config.json") == ModelShape(2, 8, 12, 2, 2, 4, 10, tied=True)
    with pytest.raises(BadInput, match=r"config/models.tsv: no row for some/model \(models.other\)"):
        shape_of("other", {"hub": "some/model"}, SHAPES)


def test_a_broken_table_of_models_names_row_and_column(tmp_path):
    text = (ROOT / "config/models.tsv").read_text()
    table = tmp_path / "models.tsv"
    table.write_text(text.replace("\t80\t", "\teighty\t", 1))
    with pytest.raises(BadInput, match="row 2, column layers: 'eighty'"):
        read_model_shapes(table)


def test_the_papers_samples_take_the_papers_day(paper):
    tokens = sum(rows_of(paper, name) * sample_tokens(name, row["source"]) for name, row in paper.datasets.items())
    assert sum(rows_of(paper, name) for name in paper.datasets) == 502_435
    assert 22 < training_hours(QWEN, tokens * 500_000 / 502_435, 8, "a100") < 26


def test_training_hours_go_with_tokens_and_against_gpus():
    one = training_hours(QWEN, 1e8, 8, "a100")
    read = training_hours(QWEN, 0, 8, "a100")
    assert training_hours(QWEN, 2e8, 8, "a100") - read == pytest.approx(2 * (one - read))
    assert training_hours(QWEN, 1e8, 4, "a100") - read == pytest.approx(2 * (one - read))
    assert training_hours(QWEN, 1e8, 8, "h100") < one / 2


def test_second_rounds_take_what_the_slides_say(paper):
    for name in ("v7b", "v9b"):
        assert 3 <= estimate(job("train_adapter", {"gpu_model": "a100"}, adapter=name), paper).hours <= 8


def test_blends_have_the_papers_sizes_and_caps(paper):
    rows = blend_rows(paper, "v7")
    assert sum(rows.values()) == pytest.approx(417_000, rel=0.01)
    assert rows["mmlu_auxiliary"] == 24_500
    assert rows["title_brand"] == 9_800, "2 % are held out"
    assert sum(blend_rows(paper, "v8").values()) == pytest.approx(462_000, rel=0.01)


def test_epochs_steps_and_cut_prompts_count(paper):
    adapter = paper.config["adapters"]["v7b"]
    once = training_tokens(paper, adapter)
    assert training_tokens(paper, {**adapter, "training": {**adapter["training"], "epochs": 3}}) == pytest.approx(3 * once)
    short = training_tokens(paper, {**adapter, "training": {**adapter["training"], "max_steps": 10}})
    assert short == pytest.approx(once * 320 / sum(blend_rows(paper, "v7b").values()))
    assert training_tokens(paper, {**adapter, "training": {**adapter["training"], "max_length": 64}}) < 0.5 * once


def test_track_5_is_answered_within_its_limit_but_not_by_far():
    minutes = 20_600 * seconds_per_question(QWEN, quantized_bytes(QWEN), 4, "t4", 16) / 60
    assert 70 < minutes < 140


def test_the_quantized_model_is_as_large_as_the_teams(paper):
    assert padded(QWEN, paper.config).intermediate == 29696
    assert quantized_bytes(padded(QWEN, paper.config)) / 2**30 == pytest.approx(39, rel=0.02)


def test_questions_are_held_out_rows_capped_by_dataset(paper):
    # 39 datasets; 2 % of the smallest are fewer than 100.
    assert 3500 < questions(paper, ["validation"]) < 3900
    assert questions(paper, ["development", "shopping_mmlu"]) == 96 + 20_799


def test_bytes_of_downloads_and_of_merged_weights(paper):
    assert estimate(job("download_model", model="qwen2-72b"), paper).download == pytest.approx(145.4e9, rel=0.01)
    (merged,) = estimate(job("merge_ensemble", ensemble="track1"), paper).disk
    assert merged.place == "merged" and not merged.kept and merged.bytes == pytest.approx(146e9, rel=0.01)
    (esci,) = estimate(job("download_source", source="esci", file="shopping_queries_dataset_products.parquet"), paper).disk
    assert (esci.place, esci.bytes) == ("raw", 1108857465)


def test_every_rule_of_the_demo_is_timed_by_the_demo():
    demo = read_run([ROOT / "config/demo.yaml"], ROOT)
    made = estimate(job("train_adapter", adapter="v8"), demo)
    assert made.how == "demo" and 0 < made.hours < 0.1


def test_a_72b_model_trains_in_80_gib_and_not_in_40():
    training = {
        "rank": 64,
        "max_length": 2048,
        "compute_dtype": "bfloat16",
        "optimizer": "paged_adamw_8bit",
        "gradient_checkpointing": True,
    }
    total = sum(term.bytes for term in gpu_memory(QWEN, training)) / 2**30
    assert 40 < total < 80
    assert sum(term.bytes for term in gpu_memory(QWEN, {**training, "gradient_checkpointing": False})) / 2**30 > 80
    assert sum(term.bytes for term in gpu_memory(QWEN, {**training, "optimizer": "adamw"})) / 2**30 == pytest.approx(total + 4.7, abs=0.2)


@pytest.mark.parametrize(
    ("name", "like"),
    [("nvidia_a100_80gb_pcie", "a100"), ("a10", "a10"), ("tesla_t4", "t4"), ("L40S", "l40s"), ("rtx2080ti", "2080"), ("h100-sxm", "h100")],
)
def test_gpus_are_found_by_the_names_that_sites_give_them(name, like):
    assert find_gpu(name) is find_gpu(like) is not None


def test_an_unknown_gpu_is_none():
    assert find_gpu("mi300x") is None and find_gpu(None) is None and find_gpu("quadro_t400") is None


def estimate_training(*arguments):
    command = [sys.executable, "workflow/scripts/estimate_training.py", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_one_adapters_training_is_estimated_as_the_plan_does(paper):
    said = estimate_training("--adapter", "v8").stdout
    total = sum(term.bytes for term in gpu_memory(QWEN, paper.config["adapters"]["v8"]["training"])) / 2**30
    assert re.search(rf"^sum +{total:.2f}$", said, re.M)
    hours = estimate(job("train_adapter", adapter="v8"), paper).hours
    assert f"8 x a100: {hours:.1f} h, {8 * hours:.0f} GPU-hours" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--adapter", "v9"], "error: --adapter v9: the config trains no such adapter; it trains v7, v8, v7b, v9b"),
        (["--adapter", "v8", "--gpu", "gtx"], "error: --gpu gtx: unknown; known are b200"),
    ],
)
def test_what_cannot_be_estimated_is_named(arguments, message):
    result = estimate_training(*arguments)
    assert result.returncode == 2 and result.stderr.startswith(message) and result.stderr.count("\n") == 1
