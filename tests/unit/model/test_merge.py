"""The streamed merge against plain arithmetic on whole state dicts, and against PEFT."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import merge_ensemble
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, Qwen2Config, Qwen2ForCausalLM

from shopbench import merging
from shopbench.files import BadInput, read_json, write_manifest
from shopbench.lora import CONFIG, WEIGHTS

TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def save_base(folder: Path, tied: bool, shard: str = "100MB") -> Path:
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2}
    Qwen2ForCausalLM(Qwen2Config(vocab_size=64, tie_word_embeddings=tied, **sizes)).save_pretrained(folder, max_shard_size=shard)
    (folder / "tokenizer.json").write_text("{}")
    write_manifest(folder)
    return folder


def save_ensemble(folder: Path, base: Path) -> Path:
    """A random ensemble on all linear layers of `base`: lora_alpha = r."""
    folder.mkdir()
    torch.manual_seed(1)
    tensors = {}
    for name, weight in state(base).items():
        if name.split(".")[-2] in TARGETS and name.endswith(".weight"):
            key = f"base_model.model.{name.removesuffix('.weight')}"
            tensors[f"{key}.lora_A.weight"] = torch.randn(8, weight.shape[1]) / 8
            tensors[f"{key}.lora_B.weight"] = torch.randn(weight.shape[0], 8) / 8
    save_file(tensors, folder / WEIGHTS)
    config = {"peft_type": "LORA", "base_model_name_or_path": str(base), "r": 8, "lora_alpha": 8, "bias": "none", "target_modules": TARGETS}
    (folder / CONFIG).write_text(json.dumps(config))
    write_manifest(folder)
    return folder


def state(folder: Path) -> dict[str, torch.Tensor]:
    """All stored tensors of a model folder."""
    return {name: tensor for file in sorted(folder.glob("model*.safetensors")) for name, tensor in load_file(file).items()}


def deltas(ensemble: Path) -> dict[str, torch.Tensor]:
    tensors = load_file(ensemble / WEIGHTS)
    modules = {key.removeprefix("base_model.model.").partition(".lora_")[0] for key in tensors}
    a, b = ({m: tensors[f"base_model.model.{m}.lora_{factor}.weight"] for m in modules} for factor in "AB")
    return {f"{m}.weight": b[m] @ a[m] for m in modules}


def merge(monkeypatch, base: Path, ensemble: Path, output: Path, *more: str) -> Path:
    arguments = ["--base", base, "--ensemble", ensemble, "--parts", output.parent / "parts", "--output", output, *more]
    monkeypatch.setattr(sys, "argv", ["merge_ensemble.py", *map(str, arguments), *([] if "--dtype" in more else ["--dtype", "float32"])])
    merge_ensemble.main()
    return output


def logits(folder_or_model) -> torch.Tensor:
    model = folder_or_model
    if isinstance(model, Path):
        model = AutoModelForCausalLM.from_pretrained(model)
    with torch.inference_mode():
        return model.eval()(torch.arange(40)[None]).logits


@pytest.mark.parametrize(("tied", "shard"), [(True, "100MB"), (False, "40KB")])
def test_every_weight_is_base_plus_delta(tmp_path, monkeypatch, tied, shard):
    monkeypatch.setattr(merging, "BLOCK_BYTES", 32 * 4 * 7)  # blocks of a few rows, the last one short
    base = save_base(tmp_path / "base", tied, shard)
    ensemble = save_ensemble(tmp_path / "track1", base)
    merged = merge(monkeypatch, base, ensemble, tmp_path / "merged")

    before, after, added = state(base), state(merged), deltas(ensemble)
    assert before.keys() == after.keys() and ("lm_head.weight" in after) != tied
    assert {file.name for file in merged.glob("model*")} == {file.name for file in base.glob("model*")}
    for name, weight in before.items():
        if name in added:
            assert torch.allclose(after[name], weight + added[name], rtol=0, atol=1e-6) and not torch.equal(after[name], weight)
        else:
            assert torch.equal(after[name], weight), name
    assert not any((tmp_path / "parts" / "merge_ensemble").iterdir()), "finished shards are moved, not kept twice"
    assert (merged / "tokenizer.json").read_text() == "{}"


def test_peft_merges_to_the_same_weights(tmp_path, monkeypatch):
    from peft import PeftModel

    base = save_base(tmp_path / "base", tied=True)
    ensemble = save_ensemble(tmp_path / "track1", base)
    ours = AutoModelForCausalLM.from_pretrained(merge(monkeypatch, base, ensemble, tmp_path / "merged"))
    theirs = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), ensemble).merge_and_unload()
    for name, weight in theirs.state_dict().items():
        assert torch.allclose(ours.state_dict()[name], weight, rtol=0, atol=1e-6), name


@pytest.mark.parametrize("tied", [True, False])
def test_padding_leaves_every_logit_as_it_is(tmp_path, monkeypatch, tied):
    base = save_base(tmp_path / "base", tied)
    ensemble = save_ensemble(tmp_path / "track1", base)
    plain = merge(monkeypatch, base, ensemble, tmp_path / "plain")
    padded = merge(monkeypatch, base, ensemble, tmp_path / "padded", "--pad-intermediate-to", "128")
    assert read_json(padded / "config.json")["intermediate_size"] == 128
    assert state(padded)["model.layers.1.mlp.down_proj.weight"].shape == (32, 128)
    assert torch.equal(logits(plain), logits(padded))
    assert not torch.equal(logits(plain), logits(base))


def test_output_dtype_rounds_the_float32_sum_once(tmp_path, monkeypatch):
    base = save_base(tmp_path / "base", tied=True)
    ensemble = save_ensemble(tmp_path / "track1", base)
    exact = state(merge(monkeypatch, base, ensemble, tmp_path / "float32"))
    rounded = merge(monkeypatch, base, ensemble, tmp_path / "bfloat16", "--dtype", "bfloat16")
    assert read_json(rounded / "config.json")["dtype"] == "bfloat16"
    assert all(torch.equal(tensor, exact[name].bfloat16()) for name, tensor in state(rounded).items())


# The program, except that it is killed (as by a scheduler: SIGKILL, nothing is cleaned up) halfway through writing its third shard.
KILLED = """
import os, signal, sys
import merge_ensemble

whole, written = merge_ensemble.write_tensors, []

def write_or_die(path, kinds, blocks):
    whole(path, kinds, blocks)
    written.append(path)
    if len(written) == 3:
        os.truncate(path, path.stat().st_size // 2)
        os.kill(os.getpid(), signal.SIGKILL)

merge_ensemble.write_tensors = write_or_die
merge_ensemble.main()
"""


def test_finished_shards_survive_a_kill(tmp_path, monkeypatch):
    base = save_base(tmp_path / "base", tied=False, shard="40KB")
    ensemble = save_ensemble(tmp_path / "track1", base)
    paths = {"--base": base, "--ensemble": ensemble, "--parts": tmp_path / "parts", "--output": tmp_path / "merged"}
    arguments = [str(word) for option in paths.items() for word in option] + ["--dtype", "float32"]
    scripts = Path(merge_ensemble.__file__).parent
    killed = subprocess.run([sys.executable, "-c", KILLED, *arguments], cwd=scripts, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not (tmp_path / "merged").exists()
    (parts,) = (tmp_path / "parts" / "merge_ensemble").iterdir()
    finished = {file.name: file.stat().st_mtime_ns for file in parts.glob("model*.safetensors")}
    assert len(finished) == 2 < len(list(base.glob("*.safetensors")))

    merged = merge(monkeypatch, base, ensemble, tmp_path / "merged")
    again = merge(monkeypatch, base, ensemble, tmp_path / "again")
    taken_up = {file.name: file.stat().st_mtime_ns for file in merged.iterdir()}
    assert finished.items() <= taken_up.items(), "a finished shard was written again"
    assert (merged / "manifest.json").read_text() == (again / "manifest.json").read_text()


def test_the_same_ensemble_is_not_merged_twice(tmp_path, monkeypatch):
    base = save_base(tmp_path / "base", tied=True)
    ensemble = save_ensemble(tmp_path / "track1", base)
    merged = merge(monkeypatch, base, ensemble, tmp_path / "merged")
    with pytest.raises(BadInput, match="track1 is merged into it already"):
        merge(monkeypatch, merged, ensemble, tmp_path / "twice")
    assert not (tmp_path / "twice").exists()


def test_an_adapter_of_another_model_is_refused_by_module(tmp_path, monkeypatch):
    base = save_base(tmp_path / "base", tied=True)
    ensemble = save_ensemble(tmp_path / "track1", base)
    tensors = load_file(ensemble / WEIGHTS)
    key = "base_model.model.model.layers.1.mlp.up_proj.lora_B.weight"
    save_file(tensors | {key: torch.zeros(97, 8)}, ensemble / WEIGHTS)
    write_manifest(ensemble)
    with pytest.raises(BadInput, match="model.layers.1.mlp.up_proj"):
        merge(monkeypatch, base, ensemble, tmp_path / "merged")
    assert not (tmp_path / "merged").exists()
