"""The ensemble's program: its adapter is the merged model in transformers and in vLLM, and a kill leaves nothing half-made."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import build_ensemble
import pytest
import torch
from in_process import run
from peft import PeftModel
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

from shopbench.files import read_json, whole_folder, write_json
from shopbench.tiny_qwen2 import make_model

SCRIPTS = Path(build_ensemble.__file__).parent
# vLLM's attention on the CPU takes heads of 32 or more.
SHAPE = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1, "intermediate_size": 128}
ENSEMBLE = {"mode": "stack", "alpha": 0.9, "adapters": [{"name": "first", "weight": 0.56}, {"name": "second", "weight": -0.4}]}
TOKENS = [5, 17, 40, 3, 99, 120, 7, 61]

# vLLM's logits of the token after TOKENS, with the adapter on.
VLLM = """
import json, sys
from pathlib import Path
from shopbench.engine import engine_arguments, set_environment
set_environment("cpu")
from vllm import LLM, SamplingParams
from vllm.lora.request import LoRARequest
from shopbench.cpu_kernels import register_missing_kernels
from shopbench.cpu_lora import use_grouped_products
register_missing_kernels()
use_grouped_products()
model, adapter, rank, tokens = sys.argv[1], sys.argv[2], int(sys.argv[3]), json.loads(sys.argv[4])
settings = {"dtype": "float32", "tensor_parallel": 1, "max_model_len": 64, "max_num_seqs": 2}
settings |= {"enforce_eager": True, "attention_backend": None}
llm = LLM(model=model, logprobs_mode="raw_logits", max_logprobs=-1, **engine_arguments(settings, "cpu", rank))
sampling = SamplingParams(temperature=0, max_tokens=1, logprobs=-1)
[output] = llm.generate([{"prompt_token_ids": tokens}], sampling, lora_request=LoRARequest("e", 1, adapter))
logits = output.outputs[0].logprobs[0]
Path(sys.argv[5]).write_text(json.dumps([logits[token].logprob for token in sorted(logits)]))
"""


@pytest.fixture(scope="module")
def inputs(tokenizer, tmp_path_factory):
    """A base model and two adapters of unequal rank and scaling, the second one with rsLoRA."""
    folder = tmp_path_factory.mktemp("ensemble")
    torch.manual_seed(0)
    base = make_model(tokenizer, SHAPE)
    with torch.no_grad():
        for weight in base.parameters():
            if weight.ndim == 2:
                weight.normal_(std=0.15)
    with whole_folder(folder / "base/tiny") as partial:
        base.save_pretrained(partial)
        tokenizer.save_pretrained(partial)
    save_adapter(base, folder / "first", 4, lora_alpha=8)
    save_adapter(base, folder / "second", 6, lora_alpha=5, use_rslora=True)
    return folder


def save_adapter(base, folder, rank, **settings):
    layers = {name: layer for name, layer in base.named_modules() if isinstance(layer, torch.nn.Linear) and name != "lm_head"}
    weights = {}
    for name, layer in layers.items():
        weights[f"base_model.model.{name}.lora_A.weight"] = torch.randn(rank, layer.in_features) / 6
        weights[f"base_model.model.{name}.lora_B.weight"] = torch.randn(layer.out_features, rank) / 6
    targets = sorted({name.rpartition(".")[2] for name in layers})
    fixed = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "bias": "none", "r": rank, "target_modules": targets}
    with whole_folder(folder) as partial:
        save_file(weights, partial / "adapter_model.safetensors")
        write_json(partial / "adapter_config.json", fixed | {"base_model_name_or_path": "results/base/tiny"} | settings)


def arguments(inputs, output, ensemble=ENSEMBLE, **options):
    given = {"--ensemble": json.dumps(ensemble), "--base-names": "base/tiny", "--output": output} | options
    return ["--adapters", inputs / "first", inputs / "second", *(word for option in given.items() for word in option)]


def logits(model):
    with torch.inference_mode():
        return model.eval()(torch.tensor([TOKENS])).logits[0, -1]


def test_transformers_vllm_and_the_merged_model_agree(inputs, tmp_path):
    built = run("build_ensemble.py", *arguments(inputs, tmp_path / "sum"))
    assert built.returncode == 0, built.stderr
    given = {"--base": inputs / "base/tiny", "--ensemble": tmp_path / "sum", "--dtype": "float32", "--parts": tmp_path / "parts"}
    merged = run("merge_ensemble.py", *(w for o in given.items() for w in o), "--output", tmp_path / "merged")
    assert merged.returncode == 0, merged.stderr

    def base():
        return AutoModelForCausalLM.from_pretrained(inputs / "base/tiny")

    expected = logits(AutoModelForCausalLM.from_pretrained(tmp_path / "merged"))
    with_adapter = logits(PeftModel.from_pretrained(base(), tmp_path / "sum"))
    rank = read_json(tmp_path / "sum/adapter_config.json")["r"]
    assert rank == 16
    found = tmp_path / "logits.json"
    command = [sys.executable, "-c", VLLM, inputs / "base/tiny", tmp_path / "sum", rank, json.dumps(TOKENS), found]
    done = subprocess.run(list(map(str, command)), cwd=SCRIPTS, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    in_vllm = torch.tensor(read_json(found))

    assert torch.allclose(with_adapter, expected, rtol=0, atol=1e-4)
    assert torch.allclose(in_vllm[: len(expected)], expected, rtol=0, atol=1e-4)
    assert (logits(base()) - expected).abs().max() > 0.1


def test_an_adapter_of_another_base_is_refused_by_name(inputs, tmp_path):
    done = run("build_ensemble.py", *arguments(inputs, tmp_path / "sum", **{"--base-names": "Qwen2-72B-Instruct"}))
    assert done.returncode == 2 and "first/adapter_config.json: base_model_name_or_path is results/base/tiny" in done.stderr
    assert list(tmp_path.iterdir()) == []


# The program, except that it is killed (SIGKILL: nothing is cleaned up) when the weights are half written.
KILLED = """
import os, signal
import build_ensemble
from shopbench import lora

def write_or_die(path, kinds, blocks):
    def some(key):
        if key == list(kinds)[len(kinds) // 2]:
            os.kill(os.getpid(), signal.SIGKILL)
        return blocks(key)
    return whole(path, kinds, some)

whole, lora.write_tensors = lora.write_tensors, write_or_die
build_ensemble.main()
"""


def test_a_kill_leaves_no_ensemble_and_the_next_start_the_same_one(inputs, tmp_path):
    given = [str(word) for word in arguments(inputs, tmp_path / "sum")]
    killed = subprocess.run([sys.executable, "-c", KILLED, *given], cwd=SCRIPTS, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not (tmp_path / "sum").exists() and (tmp_path / ".sum.partial/adapter_model.safetensors").exists()
    for output in ("sum", "straight"):
        assert run("build_ensemble.py", *arguments(inputs, tmp_path / output)).returncode == 0
    assert (tmp_path / "sum/manifest.json").read_text() == (tmp_path / "straight/manifest.json").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["straight", "sum"]


def test_beyond_vllms_ranks_an_ensemble_is_refused_or_cut_and_says_what_that_lost(inputs, tmp_path):
    names = [f"copy{number}" for number in range(129)]
    for name in names:
        (tmp_path / name).symlink_to(inputs / "first")
    many = {"mode": "stack", "alpha": 1.0, "adapters": [{"name": name, "weight": 0.01} for name in names]}

    def build(ensemble, output):
        given = ["--ensemble", json.dumps(ensemble), "--adapters", *(tmp_path / name for name in names)]
        return run("build_ensemble.py", *given, "--output", tmp_path / output)

    refused = build(many, "sum")
    assert refused.returncode == 2 and "add up to 516" in refused.stderr and "svd_rank: 512" in refused.stderr
    assert not (tmp_path / "sum").exists() and not (tmp_path / ".sum.partial").exists()
    # The copies are one adapter of rank 4: a cut to that loses nothing, one to less does.
    assert build(many | {"svd_rank": 8}, "enough").returncode == 0
    assert build(many | {"svd_rank": 1}, "too-few").returncode == 0
    assert read_json(tmp_path / "enough/ensemble.json")["svd"]["relative_error"] < 1e-5
    assert 0.2 < read_json(tmp_path / "too-few/ensemble.json")["svd"]["relative_error"] < 1
