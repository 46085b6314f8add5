"""The older quantization libraries, each run for real in its own environment, judged by the programs of the model environment."""

import os
import subprocess

import pytest
import torch
from in_process import run
from quantized_models import quantize_arguments, save_models, verify_arguments
from support import ROOT
from transformers import AutoModelForCausalLM, AutoTokenizer
from verify_quantized import open_models

from shopbench.chat import TASK_TYPES, chat_prompt
from shopbench.constraints import cut_text
from shopbench.engine import Ask, Engine
from shopbench.files import read_json
from shopbench.quantization import legacy_model

SCRIPTS = ROOT / "workflow/scripts"
# AutoAWQ as it is: without the copies that keep its trials out of the weights.
STOCK = "import quantizers.autoawq as backend, quantize_model; backend.safe_on_cpu = lambda quantizer: quantizer; quantize_model.main()"
LOGITS = """
import sys, torch
from transformers import AutoModelForCausalLM
model = AutoModelForCausalLM.from_pretrained(sys.argv[1], torch_dtype=torch.float32).eval()
with torch.inference_mode():
    torch.save(model(torch.arange(100)[None]).logits, sys.argv[2])
"""


def python(backend: str) -> str:
    """The interpreter of a backend's environment, which `make test-backends` builds."""
    path = ROOT / f".envs/{backend}-cpu/bin/python"
    assert path.exists(), f"{path} is missing: run make test-backends"
    return str(path)


def quantize(backend: str, *arguments: object, program: tuple[str, ...] = (str(SCRIPTS / "quantize_model.py"),)):
    command = [python(backend), *program, *map(str, arguments)]
    # Two OpenMP threads on a core that is taken wait for each other.
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=SCRIPTS, capture_output=True, text=True, env=environment)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """base/, ensemble/, merged/ and autoawq/."""
    folder = save_models(tmp_path_factory.mktemp("backends"))
    result = quantize("autoawq", *quantize_arguments(folder, "awq", folder / "autoawq", "autoawq"))
    assert result.returncode == 0, result.stderr
    return folder


def test_autoawq_on_the_cpu_is_sound_and_says_what_it_is(made, tmp_path):
    record = read_json(made / "autoawq/quantization.json")
    assert record["backend"] == "autoawq" and record["versions"]["autoawq"] == "0.2.9" and record["versions"]["transformers"] == "4.51.3"
    result = run("verify_quantized.py", *verify_arguments(made, "awq", made / "autoawq", tmp_path / "report.json", "autoawq"))
    assert result.returncode == 0, result.stderr
    report = read_json(tmp_path / "report.json")
    assert report["made_by"] == record and len(report["layers"]) == 14
    assert all(0.1 < layer["mean_error_in_steps"] < 0.4 for layer in report["layers"].values())
    config, merged = read_json(made / "autoawq/config.json"), read_json(made / "merged/config.json")
    assert {key: value for key, value in config.items() if key not in ("quantization_config", "dtype")}.items() <= merged.items()
    assert sorted(file.name for file in (made / "autoawq").iterdir() if file.is_symlink() or file.is_dir()) == []


def test_autoawq_as_it_is_corrupts_weights_on_the_cpu_and_is_caught(made, tmp_path):
    arguments = quantize_arguments(made, "awq", tmp_path / "stock", "autoawq")
    result = quantize("autoawq", *arguments, program=("-c", STOCK))
    assert result.returncode == 0, result.stderr
    result = run("verify_quantized.py", *verify_arguments(made, "awq", tmp_path / "stock", tmp_path / "report.json", "autoawq"))
    assert result.returncode == 2 and result.stderr.splitlines()[-1].startswith("error: model.layers.0."), result.stderr
    assert not (tmp_path / "report.json").exists()


def test_vllm_answers_as_the_unpacked_weights_do(made):
    """AutoAWQ's own loader and its transformers cannot load the result on a CPU; vLLM must."""
    settings = {"dtype": "half", "tensor_parallel": 1, "max_model_len": 256, "max_num_seqs": 16, "gpu_memory_utilization": 0.9}
    settings |= {"enforce_eager": True, "attention_backend": None}
    engine = Engine(made / "autoawq", settings, dict.fromkeys(TASK_TYPES, 8), "cpu")
    asks = [Ask(f"Which of these goes with item {number * 7}?\n1. tea cups\n2. desk lamp", True) for number in range(12)]
    answered = dict(engine.answers(asks, "none"))

    tokenizer = AutoTokenizer.from_pretrained(made / "autoawq")
    models = open_models(made / "merged", made / "autoawq", "awq")
    plain = AutoModelForCausalLM.from_pretrained(made / "merged")
    weights = {f"{module}.weight": models.unpack(module).weight for module in models.modules()}
    others = {name: models.quantized.read(name) for name in plain.state_dict() if name in models.quantized}
    plain.load_state_dict({**weights, **others}, strict=False)
    assert len(weights) == 14 and len(others) == 12
    expected = []
    for ask in asks:
        prompt = torch.tensor([tokenizer.encode(chat_prompt(ask.prompt, ask.task_type), add_special_tokens=False)])
        output = plain.generate(input_ids=prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=8, do_sample=False)
        text = tokenizer.decode(output[0, prompt.shape[1] :], skip_special_tokens=True)
        expected.append(cut_text(text.rstrip("\ufffd")))
    # Half precision may turn a near tie.
    assert sum(answered[index].response == text for index, text in enumerate(expected)) >= 10
    assert len(set(expected)) > 5, "answers that differ can be told apart"


def test_older_transformers_reads_our_models_right_and_would_not_by_itself(made, tmp_path):
    """What is saved by transformers 5 alone has its rope_theta where 4.51 does not look."""
    tokens = torch.arange(100)[None]
    with torch.inference_mode():
        expected = AutoModelForCausalLM.from_pretrained(made / "base").eval()(tokens).logits
    found = {}
    for name, folder in {"view": legacy_model(made / "base", tmp_path / "view"), "unchanged": made / "base"}.items():
        subprocess.run([python("autoawq"), "-c", LOGITS, str(folder), str(tmp_path / f"{name}.pt")], check=True, capture_output=True)
        found[name] = torch.load(tmp_path / f"{name}.pt")
    assert torch.allclose(found["view"], expected, atol=1e-4)
    assert not torch.allclose(found["unchanged"], expected, atol=1e-2), "the copy in older words is not needed any more"


@pytest.mark.parametrize(
    ("backend", "method", "device", "message"),
    [
        ("auto-gptq", "gptq", "cpu", "error: quantization.methods.gptq.backend: auto-gptq needs CUDA; set accelerator: cuda"),
        ("auto-gptq", "gptq", "cuda", "error: torch: this build has no CUDA"),
        ("autoawq", "awq", "cuda", "error: torch: this build has no CUDA"),
        ("gptqmodel", "awq", "cpu", "error: gptqmodel: gptqmodel is not in this environment"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_read(made, tmp_path, backend, method, device, message):
    arguments = quantize_arguments(made, method, tmp_path / "output", backend)
    result = quantize("autoawq" if backend == "gptqmodel" else backend, *arguments, "--device", device)
    assert result.returncode == 2 and result.stderr.splitlines()[-1].startswith(message), result.stderr
    assert list(tmp_path.iterdir()) == []


def test_auto_gptq_can_be_imported():
    """All of it that runs without CUDA: its classes, and what our module takes of them."""
    code = "from auto_gptq import AutoGPTQForCausalLM, BaseQuantizeConfig as C; C(bits=8, group_size=128, desc_act=False)"
    result = subprocess.run([python("auto-gptq"), "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
