"""QLoRA training: what is learned from, what is computed, and that a killed run ends as if it had not been."""

import dataclasses
import json
import math
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import bitsandbytes as bnb
import numpy as np
import pytest
import torch
import torch.nn.functional as F
import train_adapter
from accelerate import Accelerator
from safetensors.torch import load_file
from train_adapter import check_loss, train_step, validation_loss
from transformers import AutoModelForCausalLM, get_cosine_schedule_with_warmup

from shopbench.chat import TASK_TYPES, chat_answer, chat_prompt
from shopbench.files import BadInput
from shopbench.packing import packed
from shopbench.qlora import load_model, make_optimizer, save_adapter, trainable
from shopbench.samples import SHORTEST_PROMPT, kept_places, tokenize
from shopbench.training_config import TrainingConfig, Watching

PROGRAM = Path(__file__).resolve().parents[3] / "workflow" / "scripts" / "train_adapter.py"
ON_CPU = {"compute_dtype": "float32", "optimizer": "adamw", "gradient_checkpointing": False}
SMALL = ON_CPU | {"rank": 8, "alpha": 4, "max_length": 256, "batch_samples": 8}
CONFIG = TrainingConfig.from_json(json.dumps(SMALL | {"dropout": 0.0, "learning_rate": 1e-2, "warmup_steps": 0}))


@pytest.fixture(scope="module")
def accelerator():
    return Accelerator(cpu=True)


# What is learned from


@pytest.mark.parametrize("task_type", TASK_TYPES)
def test_only_answer_tokens_are_learned(tokenizer, blend_rows, task_type):
    row = next(row for row in blend_rows if row["task_type"] == task_type)
    sample = tokenize(tokenizer, [row], 512)[0]
    assert tokenizer.decode(sample.tokens) == chat_prompt(row["prompt"], task_type) + chat_answer(row["completion"])
    laid = packed([sample, sample], [0.5, 0.5])
    answer = tokenizer(row["completion"] + "<|im_end|>", add_special_tokens=False)["input_ids"]
    assert laid.targets.tolist() == answer * 2
    # Each target stands right after the position that predicts it, and the first one is predicted by the prompt's last token.
    assert laid.input_ids[0, laid.predicting + 1].tolist() == answer * 2
    prompt_length = len(tokenizer(chat_prompt(row["prompt"], task_type), add_special_tokens=False)["input_ids"])
    assert laid.predicting[0] == prompt_length - 1
    assert laid.predicting[len(answer)] == len(sample) + prompt_length - 1


def test_the_longest_lines_are_cut_to_one_length():
    # A line of 3, one of 20, one of 5: the 20 becomes 8. Of two as long, the first keeps the odd token.
    assert kept_places([0] * 3 + [1] * 20 + [2] * 5, 16) == [*range(7), *range(19, 28)]
    assert kept_places([0] * 9 + [1] * 9, 7) == [0, 1, 7, 8, 9, 10, 17]
    assert kept_places([0, 0, 1], 3) == [0, 1, 2]


@pytest.mark.parametrize("cut", [1, 40, 101])
def test_a_long_prompt_loses_the_middle_of_its_longest_line_alone(tokenizer, cut):
    lines = ["Which brand?", "Text: " + " ".join(f"word{number}" for number in range(60)), "0. Ax", "1. Bx", "Answer:"]
    row = {"prompt": "\n".join(lines), "task_type": "multiple-choice", "completion": "1"}
    (whole,) = tokenize(tokenizer, [row], 9999)
    (sample,) = tokenize(tokenizer, [row], len(whole) - cut)
    assert (len(sample), sample.cut, sample.answer_length) == (len(whole) - cut, cut, whole.answer_length)
    kept = tokenizer.decode(sample.tokens).split("\n")
    for place, line in enumerate(tokenizer.decode(whole.tokens).split("\n")):
        if line.startswith("Text:"):
            head, tail = len(os.path.commonprefix([kept[place], line])), len(os.path.commonprefix([kept[place][::-1], line[::-1]]))
            assert head + tail >= len(kept[place]) and min(head, tail) > 5
        else:
            assert kept[place] == line


def test_an_answer_is_never_cut(tokenizer):
    row = {"prompt": "Repeat it. " * 50, "task_type": "generation", "completion": "red cotton kettle " * 20}
    answer = len(tokenizer(row["completion"] + "<|im_end|>", add_special_tokens=False)["input_ids"])
    (kept,) = tokenize(tokenizer, [row], answer + SHORTEST_PROMPT)
    assert (len(kept), kept.answer_length) == (answer + SHORTEST_PROMPT, answer)
    assert tokenize(tokenizer, [row], answer + SHORTEST_PROMPT - 1) == [None]


def test_schedule_is_the_one_of_transformers():
    config = TrainingConfig(warmup_steps=7)
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=config.learning_rate)
    reference = get_cosine_schedule_with_warmup(optimizer, 7, 50)
    for step in range(50):
        assert config.learning_rate_at(step, 50) == pytest.approx(reference.get_last_lr()[0], rel=1e-9, abs=1e-15)
        optimizer.step()
        reference.step()


def test_steps_count_samples():
    assert TrainingConfig(batch_samples=32, epochs=2).steps_for(65) == 6
    assert TrainingConfig(batch_samples=32, epochs=2, max_steps=4).steps_for(65) == 4


def test_unknown_keys_are_named():
    with pytest.raises(BadInput, match=r"training\.learn_rate"):
        TrainingConfig.from_json('{"learn_rate": 1}')
    with pytest.raises(BadInput, match=r"watching\.steps"):
        Watching.from_json('{"steps": 1}')
    with pytest.raises(BadInput, match=r"training\.optimizer: 'sgd'"):
        TrainingConfig.from_json('{"optimizer": "sgd"}')


# What is computed


def test_base_is_nf4_and_the_adapter_float32_on_all_linear_layers(base, accelerator):
    model = load_model(base, CONFIG, accelerator.device, None)
    linears = [module for module in model.modules() if isinstance(module, bnb.nn.Linear4bit)]
    assert len(linears) == 2 * 7
    assert {module.weight.quant_type for module in linears} == {"nf4"}
    assert all(module.weight.dtype == torch.uint8 and module.weight.quant_state.nested for module in linears)
    assert not isinstance(model.get_output_embeddings(), bnb.nn.Linear4bit)
    assert len(trainable(model)) == 2 * 2 * 7
    assert {parameter.dtype for parameter in trainable(model)} == {torch.float32}


class Lora(torch.nn.Module):
    """W x + b + alpha / r B A x in plain torch."""

    def __init__(self, weight, bias, a, b, scale):
        super().__init__()
        self.weight, self.bias, self.scale = weight, bias, scale
        self.a, self.b = torch.nn.Parameter(a), torch.nn.Parameter(b)

    def forward(self, x):
        return F.linear(x, self.weight, self.bias) + self.scale * (x @ self.a.T) @ self.b.T


def reference_of(base, quantized):
    """The same model without bitsandbytes, PEFT or accelerate: its 4-bit weights unpacked once, its LoRA matrices copied."""
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32, attn_implementation="eager").requires_grad_(False)
    for name, layer in quantized.base_model.model.named_modules():
        if hasattr(layer, "lora_A"):
            packed = layer.base_layer.weight
            weight = bnb.functional.dequantize_4bit(packed.data, packed.quant_state)
            bias = layer.base_layer.bias
            a, b = layer.lora_A["default"].weight.detach().clone(), layer.lora_B["default"].weight.detach().clone()
            parent, _, child = name.rpartition(".")
            setattr(model.get_submodule(parent), child, Lora(weight, bias, a, b, CONFIG.alpha / CONFIG.rank))
    return model


def with_any_b(model):
    """B starts at zero, which would hide A: its gradient, and dropout before it."""
    draw = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(0, 0.05, generator=draw)
    return model


def test_a_training_step_equals_plain_torch(base, tokenizer, blend_rows, accelerator):
    batch = tokenize(tokenizer, blend_rows[:8], 256)
    model = with_any_b(load_model(base, CONFIG, accelerator.device, None))
    reference = reference_of(base, model)
    losses = []
    for sample in batch:
        ids = torch.tensor(sample.tokens[None].astype(np.int64))
        labels = ids.clone()
        labels[:, : len(sample) - sample.answer_length] = -100
        losses.append(reference(input_ids=ids, labels=labels).loss)
    expected_loss = torch.stack(losses).mean()
    expected_loss.backward()
    expected_norm = torch.nn.utils.clip_grad_norm_(reference.parameters(), CONFIG.clip_norm)
    torch.optim.AdamW([p for p in reference.parameters() if p.requires_grad], lr=1e-2, weight_decay=CONFIG.weight_decay).step()

    loss, norm = train_step(model, make_optimizer(model, CONFIG), batch, 1e-2, 0, CONFIG, accelerator)
    assert loss == pytest.approx(expected_loss.item(), abs=1e-4)
    assert norm == pytest.approx(expected_norm.item(), rel=1e-3)
    for name, layer in reference.named_modules():
        if isinstance(layer, Lora):
            trained = model.base_model.model.get_submodule(name)
            torch.testing.assert_close(trained.lora_A["default"].weight, layer.a, rtol=0, atol=1e-4)
            torch.testing.assert_close(trained.lora_B["default"].weight, layer.b, rtol=0, atol=1e-4)


def test_the_settings_of_a_gpu_compute_the_same(base, tokenizer, blend_rows, accelerator):
    """bfloat16 arithmetic and recomputed activations: the same loss and gradient within bfloat16's 8 bits, a float32 adapter still."""
    batch = tokenize(tokenizer, blend_rows[:8], 256)
    config = dataclasses.replace(CONFIG, compute_dtype="bfloat16", gradient_checkpointing=True)
    outcomes = []
    for settings in (CONFIG, config):
        model = load_model(base, settings, accelerator.device, None)
        outcomes.append(train_step(model, make_optimizer(model, settings), batch, 1e-3, 0, settings, accelerator))
        assert {parameter.dtype for parameter in trainable(model)} == {torch.float32}
    assert outcomes[1][0] == pytest.approx(outcomes[0][0], rel=1e-2) and outcomes[1][0] != outcomes[0][0]
    assert outcomes[1][1] == pytest.approx(outcomes[0][1], rel=5e-2)


def test_a_loss_that_is_no_number_stops_in_one_line(base, tokenizer, blend_rows, accelerator):
    model = load_model(base, CONFIG, accelerator.device, None)
    with torch.no_grad():
        trainable(model)[0].fill_(math.nan)
    batch = tokenize(tokenizer, blend_rows[:4], 256)
    losses = [2.0] * 4 + [train_step(model, make_optimizer(model, CONFIG), batch, 1e-3, 4, CONFIG, accelerator)[0]]
    with pytest.raises(BadInput, match="step 5: the loss is nan"):
        check_loss(losses, 3.0, 1e-3)


def test_a_loss_that_grows_stops_in_one_line():
    losses = [2.0] * 20 + [1.0] * 100
    # One bad batch is none of it.
    check_loss([*losses, 90.0], 3.0, 1e-3)
    with pytest.raises(BadInput, match=r"step 140: the loss is 6\.1 .* and was 2 .*watching\.loss_limit \(3\)"):
        check_loss([*losses, *[6.1] * 20], 3.0, 1e-3)


def test_validation_is_the_loss_without_dropout(base, tokenizer, blend_rows, accelerator):
    held_out = tokenize(tokenizer, blend_rows[8:20], 256)
    model, dropping = (
        with_any_b(load_model(base, dataclasses.replace(CONFIG, dropout=dropout), accelerator.device, None)) for dropout in (0.0, 0.5)
    )
    found = validation_loss(dropping, held_out, CONFIG, accelerator)
    assert all(module.training for module in dropping.modules())
    expected, _ = train_step(model, make_optimizer(model, CONFIG), held_out, 0.0, 0, CONFIG, accelerator)
    assert found == pytest.approx(expected, abs=1e-5)
    other, _ = train_step(dropping, make_optimizer(dropping, CONFIG), held_out, 0.0, 0, CONFIG, accelerator)
    assert abs(other - expected) > 1e-3


def test_a_second_round_starts_from_the_first_one(base, tokenizer, blend_rows, accelerator, tmp_path):
    first = load_model(base, CONFIG, accelerator.device, None)
    batch = tokenize(tokenizer, blend_rows[:8], 256)
    optimizer = make_optimizer(first, CONFIG)
    losses = [train_step(first, optimizer, batch, 1e-2, step, CONFIG, accelerator)[0] for step in range(8)]
    save_adapter(first, tmp_path)
    assert json.loads((tmp_path / "adapter_config.json").read_text())["base_model_name_or_path"] == str(base)
    second = load_model(base, CONFIG, accelerator.device, tmp_path)
    optimizer = make_optimizer(second, CONFIG)
    assert not optimizer.state
    loss, _ = train_step(second, optimizer, batch, 1e-2, 8, CONFIG, accelerator)
    assert loss < losses[-1] < losses[0] - 0.5
    with pytest.raises(BadInput, match="rank 8, alpha 4"):
        load_model(base, dataclasses.replace(CONFIG, rank=16), accelerator.device, tmp_path)


# The program


def arguments(base, blend, folder, processes=1, **training):
    """The command line, program first."""
    settings = json.dumps(SMALL | {"learning_rate": 1e-2, "warmup_steps": 2} | training)
    watching = json.dumps({"checkpoint_steps": 3, "validation_steps": 10, "validation_samples": 8})
    paths = {"--blend": blend, "--base": base, "--parts": folder / "parts", "--output": folder / "adapter"}
    paths |= {"--held-out": blend}
    flags = {**paths, "--training": settings, "--watching": watching, "--device": "cpu", "--processes": processes}
    return [str(PROGRAM), *(str(word) for flag in flags.items() for word in flag)]


@pytest.fixture
def run(monkeypatch):
    """Run the program in this process, on one thread as the processes that the tests start."""

    def run_here(*args, **keywords):
        monkeypatch.setattr(sys, "argv", arguments(*args, **keywords))
        train_adapter.main()

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield run_here
    torch.set_num_threads(threads)


ENVIRONMENT = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}


def run_apart(*args, **keywords):
    """Run the program in a process of its own; returns what it said. What a process has loaded before may change a sum's last bits."""
    done = subprocess.run([sys.executable, *arguments(*args, **keywords)], env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stderr


def steps_done(folder):
    """Steps that a run has written so far, in all its lives."""
    return sum(len(log.read_bytes().splitlines()) for log in folder.glob("parts/train_adapter/*/metrics.jsonl"))


def test_a_run_killed_three_times_ends_with_the_same_adapter(base, blend, tmp_path):
    training = {"epochs": 4}
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    run_apart(base, blend, straight, **training)

    for steps in random.Random().sample(range(4, 9), 3):
        goal = steps_done(killed) + steps
        command = [sys.executable, *arguments(base, blend, killed, **training)]
        process = subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.DEVNULL)
        while steps_done(killed) < goal and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not (killed / "adapter").exists()
    checkpoint = max(killed.glob("parts/train_adapter/*/step-*.pt"))
    # A torn file that looks newer is passed over.
    (checkpoint.parent / "step-99999999.pt").write_bytes(checkpoint.read_bytes()[:1000])

    said = run_apart(base, blend, killed, **training)
    assert "step-99999999.pt: not readable" in said and "going on from the checkpoint after step" in said
    for name in ("adapter_model.safetensors", "adapter_config.json"):
        assert (killed / "adapter" / name).read_bytes() == (straight / "adapter" / name).read_bytes()
    logs = [[json.loads(line) for line in (folder / "adapter" / "metrics.jsonl").open()] for folder in (straight, killed)]
    assert [row["step"] for row in logs[0]] == list(range(25))
    for key in ("step", "loss", "validation_loss", "gradient_norm"):
        assert [row.get(key) for row in logs[0]] == [row.get(key) for row in logs[1]]
    assert [row["step"] for row in logs[0] if "validation_loss" in row] == [0, 10, 20, 24]
    assert logs[0][-1]["loss"] < logs[0][1]["loss"] / 2
    assert not list(killed.glob("parts/train_adapter/*"))


def test_what_was_computed_is_counted(base, blend, tmp_path, run):
    """Packed and padded runs of the same samples: the same losses, other rows."""
    run(base, blend, tmp_path / "packed", dropout=0.0)
    run(base, blend, tmp_path / "padded", dropout=0.0, packing=False)
    packing, padding = (json.loads((tmp_path / name / "adapter/training.json").read_text()) for name in ("packed", "padded"))
    assert packing["tokens_trained"] == padding["tokens_trained"] == packing["tokens"]
    assert packing["padding_share"] == 0 < padding["padding_share"] < 0.3
    assert padding["tokens_per_row"] == pytest.approx(packing["tokens"] / 48, abs=0.1) and packing["row_fill"] > 0.7
    logs = [[json.loads(line) for line in (tmp_path / name / "adapter/metrics.jsonl").open()] for name in ("packed", "padded")]
    losses = [[row["loss"] for row in log if row["step"]] for log in logs]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
    assert 0.05 < logs[0][-1]["memory_gib"] < 10


def test_a_run_that_is_out_of_time_goes_on_where_it_stopped(base, blend, tmp_path):
    straight, stopped = tmp_path / "straight", tmp_path / "stopped"
    run_apart(base, blend, straight)
    # Half a minute is kept for the end of the job: here, all of it.
    command = [sys.executable, *arguments(base, blend, stopped), "--run-time", "0.5"]
    first = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True)
    assert first.returncode == 75 and "stopped in time: step 1 of" in first.stderr
    assert not (stopped / "adapter").exists()
    assert "going on from the checkpoint after step 1" in run_apart(base, blend, stopped)
    for name in ("adapter_model.safetensors", "adapter_config.json"):
        assert (stopped / "adapter" / name).read_bytes() == (straight / "adapter" / name).read_bytes()


def test_two_processes_train_the_same_adapter_as_one(base, blend, tmp_path, run):
    # 48 samples in batches of 47: the second batch leaves one process without a sample.
    training = {"dropout": 0.0, "batch_samples": 47, "epochs": 2, "warmup_steps": 0, "learning_rate": 1e-3}
    launcher = [sys.executable, "-m", "accelerate.commands.launch", "--num_processes", "2", "--num_machines", "1", "--multi_gpu"]
    options = ["--main_process_port", "0", "--mixed_precision", "no", "--dynamo_backend", "no"]
    command = [*launcher, *options, *arguments(base, blend, tmp_path / "two", processes=2, **training)]
    outcome = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stderr
    run(base, blend, tmp_path / "one", **training)
    expected, found = (load_file(tmp_path / name / "adapter" / "adapter_model.safetensors") for name in ("one", "two"))
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, rtol=0, atol=1e-5)
    # AdamW forgives gradients that are wrong by a factor: their norms do not.
    logs = [[json.loads(line) for line in (tmp_path / name / "adapter" / "metrics.jsonl").open()] for name in ("one", "two")]
    for key in ("loss", "gradient_norm", "validation_loss"):
        one, two = ([row[key] for row in log if key in row] for log in logs)
        assert len(one) > 1 and two == pytest.approx(one, rel=1e-3)


def test_a_launcher_that_starts_fewer_processes_is_found_out(base, blend, tmp_path, run):
    with pytest.raises(BadInput, match="--processes 2: the launcher started 1"):
        run(base, blend, tmp_path, processes=2)
    assert not (tmp_path / "adapter").exists()
