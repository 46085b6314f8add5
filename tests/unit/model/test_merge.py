"""The streamed merge against plain arithmetic on whole state dicts, and against PEFT."""

import hashlib
import json
import os
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
from shopbench.files import BadInput, read_json, sha256_of, write_json, write_manifest
from shopbench.lora import CONFIG, WEIGHTS

TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def save_base(folder: Path, tied: bool, shard: str = "100MB") -> Path:
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2}
    Qwen2ForCausalLM(Qwen2Config(vocab_size=64, tie_word_embeddings=tied, **sizes)).save_pretrained(folder, max_shard_size=shard)
    (folder / "tokenizer.json").write_text("{}")
    write_manifest(folder)
    return folder


def save_ensemble(folder: Path, base: Path, size: float = 0.125, targets: list[str] = TARGETS) -> Path:
    """A random ensemble on linear layers of `base`, all but the output's if not told otherwise: lora_alpha = r."""
    folder.mkdir()
    torch.manual_seed(1)
    tensors = {}
    for name, weight in state(base).items():
        if name.split(".")[-2] in targets and name.endswith(".weight"):
            key = f"base_model.model.{name.removesuffix('.weight')}"
            tensors[f"{key}.lora_A.weight"] = torch.randn(8, weight.shape[1]) * size
            tensors[f"{key}.lora_B.weight"] = torch.randn(weight.shape[0], 8) * size
    save_file(tensors, folder / WEIGHTS)
    config = {"peft_type": "LORA", "base_model_name_or_path": str(base), "r": 8, "lora_alpha": 8, "bias": "none", "target_modules": targets}
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
    return {f"{m}.weight": b[m].double() @ a[m].double() for m in modules}


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
            expected = (weight + added[name]).float()
            assert torch.allclose(after[name], expected, rtol=0, atol=1e-6) and not torch.equal(after[name], weight)
        else:
            assert torch.equal(after[name], weight), name
    assert not any((tmp_path / "parts/merge_ensemble/merged").iterdir()), "finished shards are moved, not kept twice"
    for entry in read_json(merged / "manifest.json")["files"]:
        assert entry["sha256"] == hashlib.sha256((merged / entry["name"]).read_bytes()).hexdigest(), entry["name"]
    assert (merged / "tokenizer.json").read_text() == "{}"


@pytest.mark.parametrize(
    ("tied", "shard", "targets"),
    [
        (True, "100MB", TARGETS),
        (False, "40KB", TARGETS),
        (False, "100MB", [*TARGETS, "lm_head"]),  # the output layer, of more rows than the tokenizer has tokens
        (True, "100MB", ["q_proj", "v_proj"]),  # modules with a bias, others left alone
    ],
)
def test_peft_merges_to_the_same_weights(tmp_path, monkeypatch, tied, shard, targets):
    from peft import PeftModel

    base = save_base(tmp_path / "base", tied, shard)
    ensemble = save_ensemble(tmp_path / "track1", base, targets=targets)
    ours = AutoModelForCausalLM.from_pretrained(merge(monkeypatch, base, ensemble, tmp_path / "merged")).state_dict()
    theirs = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), ensemble).merge_and_unload().state_dict()
    before = AutoModelForCausalLM.from_pretrained(base).state_dict()
    assert ours.keys() == theirs.keys()
    for name, weight in theirs.items():
        assert torch.allclose(ours[name], weight, rtol=0, atol=1e-6), name
        adapted = name.split(".")[-2] in targets and name.endswith(".weight")
        assert torch.equal(ours[name], before[name]) != adapted, name


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


@pytest.mark.parametrize(("multiple", "width"), [(64, 128), (96, 96), (40, 120)])
def test_padding_goes_to_the_next_multiple(tmp_path, monkeypatch, multiple, width):
    base = save_base(tmp_path / "base", tied=True)
    ensemble = save_ensemble(tmp_path / "track1", base)
    padded = merge(monkeypatch, base, ensemble, tmp_path / "padded", "--pad-intermediate-multiple", str(multiple))
    assert read_json(padded / "config.json")["intermediate_size"] == width
    assert read_json(padded / "merge.json")["intermediate_size"] == {"base": 96, "merged": width}
    for name, weight in state(padded).items():
        if ".mlp." in name:
            inside = weight[:, :96] if "down_proj" in name else weight[:96]
            assert weight.numel() == 32 * width and weight.count_nonzero() == inside.count_nonzero() > 0.99 * 32 * 96


def test_an_mlp_of_another_make_is_not_padded(tmp_path, monkeypatch):
    base = save_base(tmp_path / "base", tied=True)
    ensemble = save_ensemble(tmp_path / "track1", base)
    tensors = {name.replace("layers.1.mlp.gate_proj", "layers.1.mlp.w1"): tensor for name, tensor in state(base).items()}
    del tensors["model.layers.1.mlp.w1.weight"]
    save_file(tensors, base / "model.safetensors")
    write_manifest(base)
    adapter = {key: tensor for key, tensor in load_file(ensemble / WEIGHTS).items() if "1.mlp.gate_proj" not in key}
    save_file(adapter, ensemble / WEIGHTS)
    write_manifest(ensemble)
    with pytest.raises(BadInput, match="5 matrices named mlp.gate_proj, up_proj and down_proj, 6 would"):
        merge(monkeypatch, base, ensemble, tmp_path / "merged", "--pad-intermediate-to", "128")
    merge(monkeypatch, base, ensemble, tmp_path / "merged")


def test_output_dtype_rounds_the_float32_sum_once(tmp_path, monkeypatch):
    base = save_base(tmp_path / "base", tied=True)
    ensemble = save_ensemble(tmp_path / "track1", base)
    exact = state(merge(monkeypatch, base, ensemble, tmp_path / "float32"))
    rounded = merge(monkeypatch, base, ensemble, tmp_path / "bfloat16", "--dtype", "bfloat16")
    assert read_json(rounded / "config.json")["dtype"] == "bfloat16"
    assert all(torch.equal(tensor, exact[name].bfloat16()) for name, tensor in state(rounded).items())


def test_float32_arithmetic_is_within_a_step_of_the_exact_sum_and_bfloat16_mostly(tmp_path, monkeypatch):
    base = save_base(tmp_path / "base", tied=True)
    tensors = {name: tensor.bfloat16() for name, tensor in state(base).items()}
    save_file(tensors, base / "model.safetensors")
    write_manifest(base)
    ensemble = save_ensemble(tmp_path / "track1", base, size=0.02)
    options = ["--dtype", "bfloat16", "--arithmetic"]
    exact = {name: tensors[name].double() + delta for name, delta in deltas(ensemble).items()}
    within = {}
    for arithmetic in ("float32", "bfloat16"):
        merged = state(merge(monkeypatch, base, ensemble, tmp_path / arithmetic, *options, arithmetic))
        off = [(steps(merged[name]) - steps(exact[name].bfloat16())).abs().flatten() for name in exact]
        within[arithmetic] = torch.cat(off).le(1).double().mean().item()
    # A sum near zero has finer steps than the rounded factors of its delta.
    assert within["float32"] == 1 and 0.98 < within["bfloat16"] < 1


def steps(values: torch.Tensor) -> torch.Tensor:
    """A bfloat16's place among all bfloat16 numbers in their order, so that a difference counts units in the last place."""
    bits = values.view(torch.int16).int()
    return torch.where(bits < 0, -(bits & 0x7FFF), bits)


# The program, except that it is killed (as by a scheduler: SIGKILL, nothing is cleaned up) halfway through its third shard, or when all
# shards are there and the first of the other files is to be written.
KILLED = """
import os, signal, sys
import merge_ensemble

whole, copied, written = merge_ensemble.write_tensors, merge_ensemble.copy_other_files, []

def write_or_die(path, kinds, blocks):
    digest = whole(path, kinds, blocks)
    written.append(path)
    if len(written) == int(os.environ["KILLED_AT"]):
        os.truncate(path, path.stat().st_size // 2)
        os.kill(os.getpid(), signal.SIGKILL)
    return digest

merge_ensemble.write_tensors = write_or_die
merge_ensemble.copy_other_files = lambda base, folder: os.kill(os.getpid(), signal.SIGKILL)
merge_ensemble.main()
"""


@pytest.mark.parametrize(("killed_at", "finished"), [(3, 2), (1000, None)])
def test_finished_shards_survive_a_kill(tmp_path, monkeypatch, killed_at, finished):
    base = save_base(tmp_path / "base", tied=False, shard="40KB")
    ensemble = save_ensemble(tmp_path / "track1", base)
    paths = {"--base": base, "--ensemble": ensemble, "--parts": tmp_path / "parts", "--output": tmp_path / "merged"}
    arguments = [str(word) for option in paths.items() for word in option] + ["--dtype", "float32"]
    scripts, environment = Path(merge_ensemble.__file__).parent, os.environ | {"KILLED_AT": str(killed_at)}
    killed = subprocess.run([sys.executable, "-c", KILLED, *arguments], cwd=scripts, env=environment, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not (tmp_path / "merged").exists()
    (parts,) = (tmp_path / "parts/merge_ensemble/merged").iterdir()
    kept = {file.name: file.stat().st_mtime_ns for file in parts.glob("model/model*.safetensors")}
    shards = len(list(base.glob("*.safetensors")))
    assert len(kept) == (finished or shards) and shards > 3

    merged = merge(monkeypatch, base, ensemble, tmp_path / "merged")
    again = merge(monkeypatch, base, ensemble, tmp_path / "again")
    taken_up = {file.name: file.stat().st_mtime_ns for file in merged.iterdir()}
    assert kept.items() <= taken_up.items(), "a finished shard was written again"
    assert (merged / "manifest.json").read_text() == (again / "manifest.json").read_text()
    for entry in read_json(merged / "manifest.json")["files"]:
        assert entry["sha256"] == sha256_of(merged / entry["name"]), entry["name"]


def test_shards_of_other_inputs_are_neither_used_nor_kept(tmp_path, monkeypatch):
    base = save_base(tmp_path / "base", tied=True)
    ensemble = save_ensemble(tmp_path / "track1", base)
    old = tmp_path / "parts/merge_ensemble/merged/of-another-base/model"
    old.mkdir(parents=True)
    (old / "model.safetensors").write_bytes(b"large")
    merged = merge(monkeypatch, base, ensemble, tmp_path / "merged")
    assert state(merged).keys() == state(base).keys() and not old.exists()


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


def test_a_base_that_contradicts_itself_is_refused_by_tensor(tmp_path, monkeypatch):
    base = save_base(tmp_path / "base", tied=False, shard="40KB")
    ensemble = save_ensemble(tmp_path / "track1", base)
    index = read_json(base / "model.safetensors.index.json")
    name = "model.layers.0.mlp.up_proj.weight"
    of_file = index["weight_map"].pop(name)
    write_json(base / "model.safetensors.index.json", index)
    write_manifest(base)
    with pytest.raises(BadInput, match=f"says no file has {name}, which is in {of_file}"):
        merge(monkeypatch, base, ensemble, tmp_path / "merged")


@pytest.mark.parametrize(
    ("dtype", "named"),
    [(torch.float8_e4m3fn, "model.norm.weight is stored as F8_E4M3"), (torch.int8, "up_proj.weight is stored as torch.int8")],
)
def test_weights_that_cannot_be_merged_into_are_refused_by_name(tmp_path, monkeypatch, dtype, named):
    base = save_base(tmp_path / "base", tied=True)
    ensemble = save_ensemble(tmp_path / "track1", base)
    tensors = state(base)
    name = "model.norm.weight" if dtype == torch.float8_e4m3fn else "model.layers.0.mlp.up_proj.weight"
    save_file(tensors | {name: tensors[name].to(dtype)}, base / "model.safetensors")
    write_manifest(base)
    with pytest.raises(BadInput, match=named):
        merge(monkeypatch, base, ensemble, tmp_path / "merged")


def test_an_adapter_of_a_tied_embedding_is_refused(tmp_path, monkeypatch):
    base = save_base(tmp_path / "base", tied=True)
    ensemble = save_ensemble(tmp_path / "track1", base)
    head = {f"base_model.model.lm_head.lora_{f}.weight": torch.zeros(shape) for f, shape in (("A", (8, 32)), ("B", (64, 8)))}
    save_file(load_file(ensemble / WEIGHTS) | head, ensemble / WEIGHTS)
    write_manifest(ensemble)
    with pytest.raises(BadInput, match="lm_head is adapted, but the base ties it"):
        merge(monkeypatch, base, ensemble, tmp_path / "merged")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_makes_the_same_sums(tmp_path, monkeypatch):
    base = save_base(tmp_path / "base", tied=True)
    ensemble = save_ensemble(tmp_path / "track1", base)
    on_gpu = state(merge(monkeypatch, base, ensemble, tmp_path / "gpu"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    on_cpu = state(merge(monkeypatch, base, ensemble, tmp_path / "cpu"))
    assert all(torch.allclose(on_gpu[name], tensor, rtol=0, atol=1e-6) for name, tensor in on_cpu.items())
