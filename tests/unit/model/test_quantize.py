"""Both quantizers run for real on a tiny model; the verdict on them is right about sound and about corrupted weights."""

import re
import shutil
import signal
import subprocess
import sys
import time

import pytest
import torch
import verify_quantized
from in_process import run
from peft import PeftModel
from quantize_model import check_groups, load_backend
from quantized_models import quantize_arguments, save_models, verify_arguments
from quantizers import gptqmodel
from safetensors.torch import load_file, save_file
from support import ROOT
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

from shopbench.files import BadInput, read_json, write_manifest
from shopbench.model_config import legacy_config
from shopbench.quantization import Order
from shopbench.question_answers import question_answer_texts
from shopbench.streamed_model import streamed_log_probs
from shopbench.tensors import TensorFiles, weight_files

METHODS = {"awq": ("awq", 4), "gptq": ("gptq", 4), "gptq8": ("gptq", 8)}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder with merged/, awq/, gptq/, gptq8/ and two sets of questions. gptqmodel is imported once: that is most of the time."""
    folder = save_models(tmp_path_factory.mktemp("quantize"))
    for name, (method, bits) in METHODS.items():
        result = run("quantize_model.py", *quantize_arguments(folder, method, folder / name, bits=bits))
        assert result.returncode == 0, result.stderr
    return folder


def verify(made, method, quantized, report, **more):
    return run("verify_quantized.py", *verify_arguments(made, method, quantized, report, **more))


def corrupt(made, method, target, change):
    """A copy of a quantized model with its tensors changed, and its manifest right."""
    shutil.copytree(made / method, target)
    tensors = load_file(target / "model.safetensors")
    change(tensors)
    save_file(tensors, target / "model.safetensors", metadata={"format": "pt"})
    write_manifest(target)
    return target


@pytest.mark.parametrize("name", METHODS)
def test_quantized_models_are_sound_and_say_what_they_are(made, tmp_path, name):
    method, bits = METHODS[name]
    config, merged = read_json(made / name / "config.json"), read_json(made / "merged/config.json")
    assert config["quantization_config"]["quant_method"] == method and config["quantization_config"]["bits"] == bits
    assert config["rope_theta"] == config["rope_parameters"]["rope_theta"] == 1e6
    assert {key: value for key, value in config.items() if key not in ("quantization_config", "dtype")}.items() <= merged.items()
    assert (made / name / "generation_config.json").read_text() == (made / "merged" / "generation_config.json").read_text()
    for file in ("config.json", "quantize_config.json", "quantization.json"):
        assert str(made) not in (made / name / file).read_text(), "no path of this run stays behind"
    record = read_json(made / name / "quantization.json")
    assert record["backend"] == "gptqmodel" and set(record["versions"]) == {"gptqmodel", "torch", "transformers"}
    assert record["calibration"]["set"] == "development" and record["calibration"]["texts"] == 24
    assert not (made / "parts/quantize_model").exists() or not any((made / "parts/quantize_model").iterdir())

    result = verify(made, method, made / name, tmp_path / "report.json")
    assert result.returncode == 0, result.stderr
    report = read_json(tmp_path / "report.json")
    assert report["made_by"] == record
    assert len(report["layers"]) == 14 and report["unquantized_tensors"] == 12
    # Rounding to the nearest step is off by a quarter of a step on average, and a random 4-bit model is not exact.
    assert all(0.1 < layer["mean_error_in_steps"] < 0.4 for layer in report["layers"].values())
    assert (report["kl"]["mean"], 1) > (1e-6, 1e-3) if bits == 8 else 1e-3 < report["kl"]["mean"] < 0.5


def test_losses_are_those_of_the_loaded_models(made, tmp_path):
    """The base in NF4 and as it is, with the ensemble on top, as transformers, bitsandbytes and PEFT load and run them."""
    assert verify(made, "awq", made / "awq", tmp_path / "report.json").returncode == 0
    losses = read_json(tmp_path / "report.json")["answer_loss"]
    pairs = verify_quantized.Pairs.read(made / "validation.parquet", made / "merged", 4, 128)
    nf4 = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True)
    nf4.bnb_4bit_compute_dtype = torch.float32
    for kind, quantization in (("base_with_adapter", None), ("nf4_base_with_adapter", nf4)):
        base = AutoModelForCausalLM.from_pretrained(made / "base", dtype=torch.float32, quantization_config=quantization)
        # As in training: for evaluation bitsandbytes repacks the weights and rounds activations to bfloat16. There is no dropout.
        model = PeftModel.from_pretrained(base, made / "ensemble").train()
        labels = pairs.tokens.where(pairs.answers.bool(), -100)
        with torch.inference_mode():
            expected = model(pairs.tokens, attention_mask=pairs.mask, labels=labels).loss.item()
        assert losses[kind] == pytest.approx(expected, abs=1e-4), kind
    assert losses["merged"] == pytest.approx(losses["base_with_adapter"], abs=1e-4)
    differing = [losses[kind] for kind in ("merged", "nf4_base_with_adapter", "quantized")]
    assert len({round(loss, 3) for loss in differing}) == 3, "NF4 and AWQ each move the loss"
    assert losses["tokens"] == int(pairs.answers.sum()) > 0


@pytest.mark.parametrize("method", ["awq", "gptq"])
@pytest.mark.parametrize("part", ["qweight", "qzeros", "scales", "input_layernorm"])
def test_corrupted_weights_are_named(made, tmp_path, method, part):
    layer = "model.layers.1.input_layernorm" if part == "input_layernorm" else "model.layers.1.self_attn.k_proj"

    def change(tensors):
        if part == "input_layernorm":
            tensors[f"{layer}.weight"][7] *= -1
        elif part == "scales":
            tensors[f"{layer}.scales"][0, 5] *= 3
        else:
            tensors[f"{layer}.{part}"][:16, 5] ^= 0x08888888

    folder = corrupt(made, method, tmp_path / method, change)
    result = verify(made, method, folder, tmp_path / "report.json")
    assert result.returncode == 2 and f"error: {layer}" in result.stderr, result.stderr
    assert not (tmp_path / "report.json").exists()


def test_multipliers_that_do_not_cancel_are_named(made, tmp_path):
    """The fault of a library that scales an MLP channel's row and forgets its column: every weight is on its own grid all the same."""

    def change(tensors):
        tensors["model.layers.0.mlp.up_proj.scales"][0, 3] *= 1.5

    result = verify(made, "awq", corrupt(made, "awq", tmp_path / "awq", change), tmp_path / "report.json")
    assert result.returncode == 2 and "error: model.layers.0.mlp.down_proj" in result.stderr, result.stderr


def test_padding_that_is_not_zero_is_named(made, tmp_path):
    def change(tensors):
        tensors["model.layers.1.mlp.down_proj.qweight"][-1, 0] += 1
        tensors["model.layers.1.mlp.down_proj.scales"][-1, 0] = 1e-3

    result = verify(made, "gptq", corrupt(made, "gptq", tmp_path / "gptq", change), tmp_path / "report.json")
    assert result.returncode == 2 and "error: model.layers.1.mlp.down_proj" in result.stderr and "padded" in result.stderr


def test_another_librarys_work_is_refused(made, tmp_path):
    result = verify(made, "awq", made / "awq", tmp_path / "report.json", backend="autoawq")
    assert result.returncode == 2 and "made by gptqmodel, the config says autoawq" in result.stderr


@pytest.mark.parametrize("method", ["awq", "gptq"])
def test_a_killed_quantization_goes_on_from_its_last_layer(made, tmp_path, monkeypatch, method):
    """Killed as soon as one of two layers is finished. Weights are compared; the order in a file's header depends on the resume."""
    arguments = [str(word) for word in quantize_arguments(made, method, tmp_path / method)]
    command = [sys.executable, str(ROOT / "workflow/scripts/quantize_model.py"), *arguments]
    # gptqmodel's progress bar names each linear layer as it takes it up, but not where it sees pytest or a CI service.
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    monkeypatch.setenv("LOGBAR_FORCE_PROGRESS", "1")
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        while not list(tmp_path.glob("parts/quantize_model/*/cpu/CURRENT")) and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, (tmp_path / "log").read_text()
    assert not (tmp_path / method).exists()

    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "going on from the layers that are finished" in result.stderr
    taken_up = re.findall(r"layers\.(\d+)\.\w+\.\w+_proj", result.stdout + result.stderr)
    assert set(taken_up) == {"1"}, "the first decoder layer is not done again"
    found, expected = (load_file(folder / method / "model.safetensors") for folder in (tmp_path, made))
    assert set(found) == set(expected)
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    assert not list(tmp_path.glob("parts/quantize_model/*/cpu/CURRENT")), "nothing is left to go on from"


def test_layers_that_cannot_be_gone_on_from_are_named(made, tmp_path):
    (tmp_path / "parts/cpu").mkdir(parents=True)
    (tmp_path / "parts/cpu/CURRENT").write_text("{}")
    order = Order(made / "merged", "gptq", 4, 128, question_answer_texts(made / "development.parquet"), "cpu", tmp_path / "parts")
    (tmp_path / "output").mkdir()
    with pytest.raises(BadInput, match="parts/cpu: its layers cannot be gone on from .* delete it and rerun"):
        gptqmodel.quantize(order, tmp_path / "output")


def test_streamed_model_gives_the_logits_of_the_loaded_one(made):
    merged = made / "merged"
    tensors = TensorFiles(weight_files(merged))
    tokens, mask = torch.arange(60).reshape(2, 30), torch.ones(2, 30, dtype=torch.long)
    mask[1, 20:] = 0
    streamed = streamed_log_probs(merged, tokens, mask, lambda name: tensors.read(verify_quantized.stored_name(tensors, name)), "cpu")
    with torch.inference_mode():
        whole = AutoModelForCausalLM.from_pretrained(merged).eval()(tokens, attention_mask=mask).logits.log_softmax(-1)
    assert torch.allclose(streamed[mask.bool()], whole[mask.bool()], rtol=0, atol=1e-5)


def test_groups_that_do_not_divide_the_model_are_refused(made):
    with pytest.raises(BadInput, match="intermediate_size 300"):
        check_groups({"hidden_size": 128, "intermediate_size": 300}, 128, made / "merged")


@pytest.mark.parametrize(
    ("name", "method", "device", "message"),
    [
        ("autoawq", "awq", "cpu", "autoawq: autoawq is not in this environment"),
        ("auto-gptq", "gptq", "cpu", "auto-gptq needs CUDA"),
        ("autoawq", "gptq", "cpu", "autoawq does awq alone"),
    ],
)
def test_no_library_stands_in_for_another(name, method, device, message):
    with pytest.raises(BadInput, match=message):
        load_backend(name, method, device)


def test_older_libraries_are_told_in_their_own_words():
    rope = {"rope_type": "yarn", "rope_theta": 5e5, "factor": 4.0}
    config = legacy_config({"model_type": "qwen2", "dtype": "bfloat16", "rope_parameters": rope})
    assert config == {
        "model_type": "qwen2",
        "torch_dtype": "bfloat16",
        "rope_theta": 5e5,
        "rope_scaling": {"rope_type": "yarn", "factor": 4.0},
    }
    plain = {"model_type": "qwen2", "torch_dtype": "float16", "rope_theta": 1e6}
    assert legacy_config(plain) == plain
