"""The sweep's own program on a tiny random Qwen2: killed, taken up, extended by an alpha."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
import sweep_alphas
import torch
from safetensors.torch import save_file
from tiny_engine import ENGINE, NEW_TOKENS, save_base

from shopbench.files import read_json, whole_folder, write_json
from shopbench.questions import write_questions

# The program, except that it is killed (SIGKILL: nothing is cleaned up) when it keeps the fifth answer of alpha 0.5.
KILLED = """
import os, signal
import sweep_alphas
from shopbench.answers import KeptAnswers

made, add = [], KeptAnswers.add

def add_or_die(self, ask, answer):
    made.append(id(self))
    if made.count(id(self)) == 5 and len(set(made)) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    add(self, ask, answer)

KeptAnswers.add = add_or_die
sweep_alphas.main()
"""


@pytest.fixture(scope="module")
def inputs(tokenizer, tmp_path_factory):
    """A base model, an adapter of it, and two sets of multiple-choice questions."""
    folder = tmp_path_factory.mktemp("sweep")
    base = save_base(tokenizer, folder / "base")
    layers = {name: layer for name, layer in base.named_modules() if isinstance(layer, torch.nn.Linear) and name != "lm_head"}
    weights = {}
    for name, layer in layers.items():
        weights[f"base_model.model.{name}.lora_A.weight"] = torch.randn(8, layer.in_features) / 4
        weights[f"base_model.model.{name}.lora_B.weight"] = torch.randn(layer.out_features, 8) / 4
    targets = sorted({name.rpartition(".")[2] for name in layers})
    with whole_folder(folder / "adapter") as partial:
        save_file(weights, partial / "adapter_model.safetensors")
        settings = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "bias": "none", "r": 8, "lora_alpha": 8, "target_modules": targets}
        write_json(partial / "adapter_config.json", settings)
    for set_name in ("development", "validation"):
        write_questions(folder / f"{set_name}.parquet", [question(set_name, number) for number in range(20)], {})
    return folder


def question(set_name, number):
    prompt = f"Which of these is kettle number {number} of the {set_name}?\n0. red\n1. cotton\n2. steel\n3. water\nAnswer: "
    fixed = {"task_type": "multiple-choice", "metric": "accuracy", "is_multiple_choice": True, "reference": "", "locale": "en"}
    place = {"id": f"{set_name}-{number}", "set": set_name, "track": f"track{1 + number % 2}", "task": f"task{number % 4}"}
    return place | fixed | {"prompt": prompt, "truth": number % 4}


def sweep(inputs, folder, alphas, program=("sweep_alphas.py",), more=()):
    options = {
        "--sweep": "s", "--model": inputs / "base", "--adapter": inputs / "adapter", "--alphas": alphas, "--device": "cpu",
        "--engine": json.dumps(ENGINE), "--new-tokens": json.dumps(NEW_TOKENS), "--sentence-models": "{}", "--bootstrap": "100",
        "--parts": folder / "parts", "--output": folder / "sweep.parquet",
    }  # fmt: skip
    command = [sys.executable, *program, *(str(word) for option in options.items() for word in option)]
    command += [*map(str, more), "--evaluation", *(str(inputs / f"{name}.parquet") for name in ("development", "validation"))]
    return subprocess.run(command, cwd=Path(sweep_alphas.__file__).parent, capture_output=True, text=True)


def test_a_kill_loses_the_questions_in_flight_and_another_alpha_costs_its_own(inputs, tmp_path):
    straight, broken = tmp_path / "straight", tmp_path / "broken"
    done = sweep(inputs, straight, "[0, 0.5, 1]")
    assert done.returncode == 0, done.stderr
    table = pl.read_parquet(straight / "sweep.parquet")
    assert table.height == 3 * 2 * 4 and table["n"].unique().to_list() == [5]
    assert (table["low"] <= table["score"]).all() and (table["score"] <= table["high"]).all()
    scores = {alpha: part["score"].to_list() for (alpha,), part in table.group_by("alpha", maintain_order=True)}
    assert len({tuple(values) for values in scores.values()}) == 3, "alphas make no difference: the rest of the test says nothing"

    killed = sweep(inputs, broken, "[0, 0.5]", ("-c", KILLED))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not (broken / "sweep.parquet").exists()
    again = sweep(inputs, broken, "[0, 0.5, 1]")
    assert again.returncode == 0, again.stderr
    assert "alpha 0: 0 questions" in again.stderr and "alpha 1: 40 questions" in again.stderr
    assert "alpha 0.5: 36 questions" in again.stderr
    assert pl.read_parquet(broken / "sweep.parquet").equals(table)

    kept = sorted((file, file.stat().st_mtime_ns) for file in (broken / "parts").rglob("answers.jsonl"))
    os.unlink(broken / "sweep.parquet")
    fewer = sweep(inputs, broken, "[1, 0]")
    assert fewer.returncode == 0 and "engine of" not in fewer.stderr, fewer.stderr
    assert pl.read_parquet(broken / "sweep.parquet").equals(table.filter(pl.col("alpha") != 0.5))
    assert kept == sorted((file, file.stat().st_mtime_ns) for file in (broken / "parts").rglob("answers.jsonl"))
    assert read_json(inputs / "adapter/adapter_config.json")["lora_alpha"] == 8


def test_a_point_that_a_variant_has_answered_is_taken_from_its_scores(inputs, tmp_path):
    """Scores that no answer gives: 2, which the table shows, and one task refused."""
    files = [tmp_path / f"{name}.json" for name in ("development", "validation")]
    entry = {"track": "track1", "score": 2.0, "low": 1.5, "high": 2.5, "n": 5}
    for file in files:
        tasks = {"task0": entry, "task1": entry | {"score": None, "low": None, "high": None}}
        write_json(file, {"set": file.stem, "variant": "tuned", "tasks": tasks, "refused": {"sent-transformer": "no model"}})
    done = sweep(inputs, tmp_path, "[0, 1]", more=["--answered", '{"tuned": 1}', "--scores", *files])
    assert done.returncode == 0, done.stderr
    assert "alpha 0: 40 questions" in done.stderr and "alpha 1:" not in done.stderr
    table = pl.read_parquet(tmp_path / "sweep.parquet")
    assert table.height == 2 * 4 + 2 and table["alpha"].is_sorted()
    of_variant = table.filter(pl.col("alpha") == 1)
    assert of_variant.select("sweep", "set", "track", "task", "score", "low", "high", "n").rows() == [
        ("s", name, "track1", "task0", 2.0, 1.5, 2.5, 5) for name in ("development", "validation")
    ]
    assert "no model" in pl.read_parquet_metadata(tmp_path / "sweep.parquet")["shopbench"]

    lacking = sweep(inputs, tmp_path / "lacking", "[0, 1]", more=["--answered", '{"tuned": 1}', "--scores", files[0]])
    assert lacking.returncode == 2 and "no file of tuned on the set validation" in lacking.stderr
