"""The demo's base model, trained for a few steps for real."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from shopbench.files import check_manifest

SCRIPTS = Path(__file__).resolve().parents[3] / "workflow" / "scripts"
PARAMETERS = {"tokens": 10_000, "num_hidden_layers": 2, "seed": 5}


# The program with fewer texts for its tokenizer and fewer questions to itself, and perhaps something else changed.
PROGRAM = """
import sys
sys.path.insert(0, {scripts!r})
import pretrain_demo_base as program
from shopbench.files import run_program
program.TOKENIZER_ROUNDS, program.QUESTIONS = 300, 5
{change}
run_program(program.main)
"""
KILLED = """
import os
program.CHECKPOINT_SECONDS = 0
save = program.Training.save
def save_and_die(self):
    save(self)
    if self.state["step"] >= 4:
        os._exit(9)
program.Training.save = save_and_die
"""


def train(folder, parts, parameters=PARAMETERS, change=""):
    command = [sys.executable, "-c", PROGRAM.format(scripts=str(SCRIPTS), change=change), "--parameters", json.dumps(parameters)]
    command += ["--parts", str(parts), "--output", str(folder)]
    return subprocess.run(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pretrained")
    outcome = train(folder / "model", folder / "parts")
    assert outcome.returncode == 0, outcome.stderr
    return folder


def test_a_whole_model_is_left(trained):
    folder = trained / "model"
    check_manifest(folder)
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    assert model.config.model_type == "qwen2" and len(tokenizer) <= model.config.vocab_size
    record = json.loads((folder / "pretraining.json").read_text())
    assert record["read"]["tokens"] >= PARAMETERS["tokens"] and len(record["read"]["sha256"]) == 64
    lines = [json.loads(line) for line in (folder / "pretraining_log.jsonl").read_text().splitlines()]
    assert record["read"]["sha256"] in (folder / "README.md").read_text()
    assert set(lines[-1]["right"]) >= {"list", "match", "pick", "rank", "entity", "write"}
    assert not list((trained / "parts" / "pretrain_demo_base").iterdir())


def test_words_of_the_shop_are_single_tokens(trained):
    tokenizer = AutoTokenizer.from_pretrained(trained / "model")
    words = [" Velora", " Kettmar", " ceramic", " Backpack", " rouge", " シャンプー", " backpack", " zaino"]
    assert [len(ids) for ids in tokenizer(words, add_special_tokens=False)["input_ids"]] == [1] * len(words)
    assert tokenizer("Answer: 15", add_special_tokens=False)["input_ids"][-1] == tokenizer("5", add_special_tokens=False)["input_ids"][0]


def test_a_killed_training_ends_as_one_that_was_not(trained, tmp_path):
    """Killed after a checkpoint, then run again: the same bytes."""
    killed = train(tmp_path / "model", tmp_path / "parts", change=KILLED)
    assert killed.returncode == 9 and not (tmp_path / "model").exists()
    outcome = train(tmp_path / "model", tmp_path / "parts")
    assert outcome.returncode == 0 and "going on from step" in outcome.stderr
    for name in ("model.safetensors", "tokenizer.json"):
        assert (tmp_path / "model" / name).read_bytes() == (trained / "model" / name).read_bytes()
    one, other = (json.loads((folder / "pretraining.json").read_text()) for folder in (tmp_path / "model", trained / "model"))
    assert one["read"] == other["read"]


def test_an_unknown_parameter_is_named(tmp_path):
    outcome = train(tmp_path / "model", tmp_path / "parts", {"stepps": 3})
    assert outcome.returncode == 2 and outcome.stderr.strip().endswith("error: pretrain.stepps: no such parameter")
