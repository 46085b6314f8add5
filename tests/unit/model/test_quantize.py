"""Both quantizers run for real on a tiny model; the verdict on them is right about sound and about corrupted weights."""

import json
import shutil
import sys
from pathlib import Path

import polars
import pytest
import quantize_model
import torch
import verify_quantized
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

from shopbench.chat import TASK_TYPES
from shopbench.files import BadInput, read_json, write_json, write_manifest
from shopbench.question_answers import question_answer_texts
from shopbench.streamed_model import streamed_log_probs
from shopbench.tensors import TensorFiles, weight_files

MLP, PADDED = 256, 384
# A random model's logits are far more sensitive to rounding than a trained one's.
THRESHOLDS = {"awq": {"off_by_a_step": 0.01, "kl": 0.5}, "gptq": {"off_by_a_step": 0.2, "kl": 0.5}}


def save_questions(path: Path, first: int) -> Path:
    """24 questions of all task types."""
    kinds = list(TASK_TYPES)
    words = ["red kettle", "garden hose", "phone case", "desk lamp", "wool socks", "tea cups", "road bike"]
    rows = [
        {"prompt": f"Which product goes with {words[i % 7]} number {i * i}? " * 6, "reference": words[i % 5], "task_type": kinds[i % 5]}
        for i in range(first, first + 24)
    ]
    polars.DataFrame(rows).write_parquet(path)
    return path


def save_merged(folder: Path, questions: Path) -> Path:
    """A random Qwen2 of two layers with padded MLP channels, as merge_ensemble leaves it."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=512, special_tokens=special, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(question_answer_texts(questions), trainer)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=special[2], pad_token=special[0]).save_pretrained(folder)

    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=512,
        hidden_size=128,
        intermediate_size=PADDED,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        initializer_range=0.1,
        tie_word_embeddings=True,
        eos_token_id=2,
        pad_token_id=0,
    )
    model = Qwen2ForCausalLM(config)
    for layer in model.model.layers:
        layer.mlp.gate_proj.weight.data[MLP:] = layer.mlp.up_proj.weight.data[MLP:] = layer.mlp.down_proj.weight.data[:, MLP:] = 0
    model.save_pretrained(folder)
    write_json(folder / "merge.json", {"merged": {}, "dtype": "float32", "intermediate_size": {"base": MLP, "merged": PADDED}})
    write_manifest(folder)
    return folder


def run(program, monkeypatch, **options) -> None:
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    monkeypatch.setattr(sys, "argv", [program.__name__, *words])
    program.main()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder with merged/, awq/, gptq/ and two sets of questions. gptqmodel is imported once: that is most of the time."""
    folder = tmp_path_factory.mktemp("quantize")
    calibration, _ = save_questions(folder / "development.parquet", 0), save_questions(folder / "validation.parquet", 100)
    save_merged(folder / "merged", calibration)
    with pytest.MonkeyPatch.context() as monkeypatch:
        for method in ("awq", "gptq"):
            settings = json.dumps({"bits": 4, "group_size": 128})
            paths = {"model": folder / "merged", "calibration": calibration, "output": folder / method}
            run(quantize_model, monkeypatch, method=method, settings=settings, **paths)
    return folder


def verify(monkeypatch, made: Path, method: str, quantized: Path, output: Path) -> None:
    paths = {"merged": made / "merged", "quantized": quantized, "questions": made / "validation.parquet", "output": output}
    run(verify_quantized, monkeypatch, method=method, thresholds=json.dumps(THRESHOLDS[method]), texts=4, tokens=64, **paths)


@pytest.mark.parametrize("method", ["awq", "gptq"])
def test_quantized_models_are_sound_and_say_what_they_are(made, monkeypatch, tmp_path, method):
    config = read_json(made / method / "config.json")
    assert config["quantization_config"]["quant_method"] == method and config["quantization_config"]["bits"] == 4
    assert config["rope_theta"] == config["rope_parameters"]["rope_theta"]
    assert (made / method / "generation_config.json").read_text() == (made / "merged" / "generation_config.json").read_text()
    assert str(made) not in (made / method / "config.json").read_text(), "no path of this run stays behind"

    verify(monkeypatch, made, method, made / method, tmp_path / "report.json")
    report = read_json(tmp_path / "report.json")
    assert len(report["layers"]) == 14 and report["unquantized_tensors"] == 12
    # Rounding to the nearest step is off by a quarter of a step on average, and a random 4-bit model is not exact.
    assert all(0.1 < layer["mean_error_in_steps"] < 0.4 for layer in report["layers"].values())
    assert 1e-5 < report["kl"]["mean"] < 0.5


@pytest.mark.parametrize("method", ["awq", "gptq"])
@pytest.mark.parametrize("part", ["qweight", "qzeros", "scales", "input_layernorm"])
def test_corrupted_weights_are_named(made, monkeypatch, tmp_path, method, part):
    folder = tmp_path / method
    shutil.copytree(made / method, folder)
    tensors = load_file(folder / "model.safetensors")
    layer = "model.layers.1.self_attn.k_proj"
    if part == "input_layernorm":
        layer = "model.layers.1.input_layernorm"
        tensors[f"{layer}.weight"][7] *= -1
    elif part == "scales":
        tensors[f"{layer}.scales"][0, 5] *= 3
    else:
        tensors[f"{layer}.{part}"][:16, 5] ^= 0x08888888
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    write_manifest(folder)
    with pytest.raises(BadInput, match=layer):
        verify(monkeypatch, made, method, folder, tmp_path / "report.json")
    assert not (tmp_path / "report.json").exists()


def test_multipliers_that_do_not_cancel_are_named(made, monkeypatch, tmp_path):
    """The fault of a library that scales an MLP channel's row and forgets its column: every weight is on its own grid all the same."""
    folder = tmp_path / "awq"
    shutil.copytree(made / "awq", folder)
    tensors = load_file(folder / "model.safetensors")
    tensors["model.layers.0.mlp.up_proj.scales"][0, 3] *= 1.5
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    write_manifest(folder)
    with pytest.raises(BadInput, match=r"model\.layers\.0\.mlp\.down_proj"):
        verify(monkeypatch, made, "awq", folder, tmp_path / "report.json")


def test_padding_that_is_not_zero_is_named(made, monkeypatch, tmp_path):
    folder = tmp_path / "gptq"
    shutil.copytree(made / "gptq", folder)
    tensors = load_file(folder / "model.safetensors")
    tensors["model.layers.1.mlp.down_proj.qweight"][-1, 0] += 1
    tensors["model.layers.1.mlp.down_proj.scales"][-1, 0] = 1e-3
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    write_manifest(folder)
    with pytest.raises(BadInput, match=r"model\.layers\.1\.mlp\.down_proj.*padded"):
        verify(monkeypatch, made, "gptq", folder, tmp_path / "report.json")


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
        quantize_model.check_groups({"hidden_size": 128, "intermediate_size": 300}, 128, made / "merged")
