"""Sums of adapters against PEFT: same delta, whatever the ranks and scalings that go in."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from shopbench.ensembles import signed_weights
from shopbench.files import BadInput, read_json, sha256_of
from shopbench.lora import CONFIG, WEIGHTS, Adapter, AdapterSum, check_compatible

SHAPES = {"model.layers.0.self_attn.q_proj": (24, 16), "model.layers.0.mlp.down_proj": (16, 40)}
START_FROM = {"second": "first"}


def save_adapter(folder: Path, seed: int, rank: int = 4, shapes=SHAPES, dtype=torch.float32, **config) -> Adapter:
    """A random adapter as PEFT lays it out on disk."""
    folder.mkdir()
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for module, (outputs, inputs) in shapes.items():
        tensors[f"base_model.model.{module}.lora_A.weight"] = torch.randn(rank, inputs, generator=generator).to(dtype)
        tensors[f"base_model.model.{module}.lora_B.weight"] = torch.randn(outputs, rank, generator=generator).to(dtype)
    save_file(tensors, folder / WEIGHTS)
    settings = {"peft_type": "LORA", "base_model_name_or_path": "base", "r": rank, "lora_alpha": 2, "use_rslora": False, "bias": "none"}
    (folder / CONFIG).write_text(json.dumps(settings | config))
    return Adapter(folder)


def delta(folder: Path, module: str) -> torch.Tensor:
    """What an adapter adds to a module's weight, by the definition of LoRA and rsLoRA, in float64."""
    config, tensors = read_json(folder / CONFIG), load_file(folder / WEIGHTS)
    a, b = (tensors[f"base_model.model.{module}.lora_{factor}.weight"].double() for factor in "AB")
    scaling = config["lora_alpha"] / (config["r"] ** 0.5 if config.get("use_rslora") else config["r"])
    return scaling * b @ a


def build(folder: Path, mode: str, *members: tuple[Adapter, float], alpha: float = 1.0) -> Path:
    folder.mkdir()
    listed = [{"name": adapter.folder.name, "weight": weight} for adapter, weight in members]
    signed = signed_weights({"mode": mode, "alpha": alpha, "adapters": listed}, START_FROM)
    terms = [(adapter, signed[adapter.folder.name]) for adapter, _ in members]
    check_compatible([adapter for adapter, _ in terms])
    total = AdapterSum(terms)
    (folder / CONFIG).write_text(json.dumps(total.config()))
    assert total.write(folder / WEIGHTS) == sha256_of(folder / WEIGHTS)
    return folder


@pytest.fixture
def pair(tmp_path):
    """Adapters of unequal rank and scaling, the second one with rsLoRA."""
    return save_adapter(tmp_path / "first", 1), save_adapter(tmp_path / "second", 2, rank=6, lora_alpha=5, use_rslora=True)


def test_stack_and_interpolate_are_the_signed_sums(tmp_path, pair):
    first, second = (adapter.folder for adapter in pair)
    stack = build(tmp_path / "stack", "stack", (pair[0], 0.56), (pair[1], 0.75), alpha=0.9)
    interpolate = build(tmp_path / "interpolate", "interpolate", (pair[0], 0.56), (pair[1], 0.75), alpha=0.9)
    for module in SHAPES:
        d1, d2 = delta(first, module), delta(second, module)
        assert torch.allclose(delta(stack, module), 0.9 * (0.56 * d1 + 0.75 * (d2 - d1)), rtol=0, atol=1e-5)
        assert torch.allclose(delta(interpolate, module), 0.9 * (0.25 * 0.56 * d1 + 0.75 * d2), rtol=0, atol=1e-5)
        assert (delta(stack, module) - delta(interpolate, module)).abs().max() > 0.1


def test_weight_zero_is_the_first_round_and_others_differ(tmp_path, pair):
    zero = build(tmp_path / "zero", "stack", (pair[0], 0.56), (pair[1], 0.0))
    some = build(tmp_path / "some", "stack", (pair[0], 0.56), (pair[1], 0.25))
    assert read_json(zero / CONFIG)["r"] == 8, "an adapter of coefficient 0 takes no rank"
    for module in SHAPES:
        d1 = delta(pair[0].folder, module)
        assert torch.allclose(delta(zero, module), 0.56 * d1, rtol=0, atol=1e-5)
        assert (delta(some, module) - delta(zero, module)).abs().max() > 0.1


def test_config_multiplies_nothing_again_and_rank_fits_the_engine(tmp_path, pair):
    config = read_json(build(tmp_path / "sum", "stack", (pair[0], 1.0), (pair[1], 0.5)) / CONFIG)
    assert config["r"] == config["lora_alpha"] == 16 and not config["use_rslora"]


def test_peft_loads_the_sum_and_applies_the_same_delta(tmp_path, pair):
    from peft import PeftModel
    from transformers import Qwen2Config, Qwen2ForCausalLM

    sizes = {"hidden_size": 16, "intermediate_size": 40, "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 1}
    model = Qwen2ForCausalLM(Qwen2Config(vocab_size=32, **sizes))
    shapes = {name.removesuffix(".weight"): tuple(p.shape) for name, p in model.named_parameters() if "_proj.weight" in name}
    targets = {"target_modules": ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]}
    adapters = [save_adapter(tmp_path / name, seed, shapes=shapes, **targets) for seed, name in enumerate(("left", "right"))]
    before = {name: model.get_parameter(f"{name}.weight").detach().clone() for name in shapes}
    folder = build(tmp_path / "sum", "stack", (adapters[0], 0.7), (adapters[1], -0.4))
    merged = PeftModel.from_pretrained(model, folder).merge_and_unload()
    for name in shapes:
        expected = 0.7 * delta(adapters[0].folder, name) - 0.4 * delta(adapters[1].folder, name)
        assert torch.allclose(merged.get_parameter(f"{name}.weight") - before[name], expected.float(), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"base_model_name_or_path": "other-base"}, "other-base"),
        ({"shapes": {"model.layers.0.self_attn.q_proj": (24, 16)}}, "model.layers.0.mlp.down_proj"),
        ({"shapes": SHAPES | {"model.layers.0.self_attn.q_proj": (24, 18)}}, "model.layers.0.self_attn.q_proj"),
        ({"rank": 510}, "514.*svd_rank"),
        ({"dtype": torch.bfloat16}, "right: stored as torch.bfloat16, .*left as torch.float32"),
        ({"dtype": torch.int8}, "lora_B.weight is stored as torch.int8"),
        ({"r": 8}, "proj has an A of rank 4 and a B of rank 4, adapter_config.json says r = 8"),
        ({"use_dora": True}, "use_dora"),
        ({"bias": "all"}, "bias all"),
        ({"init_lora_weights": "pissa"}, "pissa"),
    ],
)
def test_what_cannot_be_summed_is_refused_by_name(tmp_path, change, named):
    with pytest.raises(BadInput, match=named):
        build(tmp_path / "sum", "stack", (save_adapter(tmp_path / "left", 1), 1.0), (save_adapter(tmp_path / "right", 2, **change), 1.0))


def test_a_base_has_many_names_and_another_base_none_of_them(tmp_path):
    ours, theirs, other = (
        save_adapter(tmp_path / f"adapter{seed}", seed, base_model_name_or_path=base)
        for seed, base in enumerate(("/scratch/results/paper/base/qwen2-72b", "Qwen/Qwen2-72B-Instruct", "Qwen/Qwen2-72B"))
    )
    names = ["base/qwen2-72b", "Qwen2-72B-Instruct"]
    check_compatible([ours, theirs], names)
    with pytest.raises(BadInput, match=r"adapter2/.*base_model_name_or_path is Qwen/Qwen2-72B, which does not end in base/qwen2-72b or"):
        check_compatible([ours, other], names)
    with pytest.raises(BadInput, match="adapter1: its base model is Qwen/Qwen2-72B-Instruct, not /scratch/results/paper/base/qwen2-72b"):
        check_compatible([ours, theirs])
    check_compatible([ours, save_adapter(tmp_path / "copy", 3, base_model_name_or_path="results/base/qwen2-72b")])


def test_singular_values_give_the_closest_sum_of_a_lower_rank(tmp_path, pair):
    terms = [(pair[0], 0.56), (pair[1], -0.75)]
    total = AdapterSum(terms, svd_rank=8)
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut" / CONFIG).write_text(json.dumps(total.config()))
    total.write(tmp_path / "cut" / WEIGHTS)
    assert total.cut and total.exact_rank == 10 and read_json(tmp_path / "cut" / CONFIG)["r"] == 8
    lost = norm = 0.0
    for module in SHAPES:
        exact = 0.56 * delta(pair[0].folder, module) - 0.75 * delta(pair[1].folder, module)
        u, values, v = torch.linalg.svd(exact)
        closest = u[:, :8] @ values[:8].diag() @ v[:8]
        assert torch.allclose(delta(tmp_path / "cut", module), closest, rtol=0, atol=1e-4)
        lost, norm = lost + values[8:].square().sum().item(), norm + values.square().sum().item()
    assert total.relative_error() == pytest.approx((lost / norm) ** 0.5, rel=1e-3) and total.relative_error() > 0.01
    assert not AdapterSum(terms, svd_rank=64).cut and AdapterSum(terms, svd_rank=64).rank == 16, "what fits is exact"


def test_a_cut_file_is_refused_by_name(tmp_path, pair):
    file = pair[0].folder / WEIGHTS
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(BadInput, match=WEIGHTS):
        Adapter(pair[0].folder)
