"""Configs: every shipped one is right, and a mistake gets one line that names the key and the nearest right one."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from shopbench.config import answered_alphas, quantized_models, resolve
from shopbench.files import BadInput
from shopbench.training_config import TrainingConfig

ROOT = Path(__file__).resolve().parents[2]


def merged(*files):
    """What Snakemake makes of `configfile: config/config.yaml` and --configfile."""

    def lay_over(base, top):
        for key, value in top.items():
            if isinstance(value, dict) and isinstance(base.get(key), dict):
                lay_over(base[key], value)
            else:
                base[key] = value

    config: dict = {}
    for file in ("config/config.yaml", *files):
        lay_over(config, yaml.safe_load((ROOT / file).read_text()))
    return config


@pytest.mark.parametrize("files", [(), ("config/7b.yaml",), ("config/demo.yaml",), ("config/demo.yaml", "tests/config/tiny.yaml")])
def test_every_shipped_config_is_valid(files):
    resolve(merged(*files), ROOT)


def test_the_papers_hyper_parameters_reach_every_adapter():
    config = resolve(merged(), ROOT)
    published = {"rank": 64, "alpha": 32, "dropout": 0.05, "learning_rate": 2e-4, "weight_decay": 0.01, "warmup_steps": 10}
    for adapter in config["adapters"].values():
        assert published.items() <= adapter["training"].items()
        # Micro batch 1, 4 accumulation steps, one process on each of 8 GPUs.
        assert adapter["training"]["batch_samples"] == 1 * 4 * config["launch"]["processes"]
        assert adapter["training"]["schedule"] == "cosine" and "adamw" in adapter["training"]["optimizer"]


def test_the_schema_knows_every_hyper_parameter_of_the_trainer():
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
    assert set(schema["$defs"]["training"]["properties"]) == {field.name for field in dataclasses.fields(TrainingConfig)}


def test_the_papers_ensembles():
    ensembles = resolve(merged(), ROOT)["ensembles"]
    weights = {name: [(m["name"], m["weight"]) for m in e["adapters"]] for name, e in ensembles.items()}
    assert weights["track1"] == [("v8", 0.56), ("v9b", 0.75)]
    assert weights["track24"] == [("v7", 1.0), ("v7b", 0.5)]
    assert weights["track35"] == [("v8", 0.56), ("v9b", 0.25)]


def test_null_removes_an_entry():
    config = merged()
    config["variants"]["track1-gptq"] = None
    config["adapters"]["spare"] = None
    resolved = resolve(config, ROOT)
    assert ("track1", "gptq") not in set(quantized_models(resolved)) and "spare" not in resolved["adapters"]


def test_variants_of_the_same_weights_and_constraints_are_points_of_a_sweep():
    config = resolve(merged(), ROOT)
    assert answered_alphas(config, "v8") == {"base-strict": 0, "v8": 1, "v8-weighted": 0.56}
    assert answered_alphas(config, "v7v8") == {"base-strict": 0, "v7v8": 1}

    # An ensemble at half its alpha; one whose alpha a sweep selects is no point that the config knows.
    config["ensembles"]["v7v8"]["alpha"] = 0.5
    config["variants"]["v7v8"]["alpha"] = 0.8
    config["variants"]["v8"]["constraints"] = "boost"
    config["variants"]["v8-weighted"]["alpha"] = 0.57
    config["models"]["qwen2-72b"]["chat"] = "own"
    assert answered_alphas(config, "v7v8") == {"v7v8": 0.4}
    assert answered_alphas(config, "v8") == {}
    config["ensembles"]["v7v8"]["alpha"] = {"sweep": "v8", "set": "validation"}
    assert answered_alphas(config, "v7v8") == {}


def set_at(config, path, value):
    *parents, last = path.split(".")
    for key in parents:
        config = config[key]
    config[last] = value


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("training.learnin_rate", 1e-4, "unknown key 'learnin_rate' in training; did you mean 'learning_rate'?"),
        ("acelerator", "cpu", "unknown key 'acelerator' in the top level; did you mean 'accelerator'?"),
        ("adapters.v8.blend", "v88", "adapters.v8.blend names 'v88', which is not defined; did you mean 'v8'?"),
        ("adapters.v8.training", {"rnk": 8}, "unknown key 'rnk' in adapters.v8.training; did you mean 'rank'?"),
        ("adapters.v7.start_from", "v7b", "adapters.v7.start_from leads back to 'v7'"),
        ("ensembles.v7v8.alpha", {"sweep": "v7v8", "select_on": "validation"}, "comes from a sweep over 'v7v8' itself"),
        ("variants.track1.ensemble", "trck1", "did you mean 'track1'?"),
        ("variants.v8.precision", "awq", "a quantized variant needs an ensemble"),
        ("systems.final.track1", "trak1-awq", "did you mean 'track1-awq'?"),
        ("inference.challenge.system", "finl", "inference.challenge.system names 'finl', which is not defined; did you mean 'final'?"),
        ("inference.challenge.set", "shoping_mmlu", "did you mean 'shopping_mmlu'?"),
        ("inference.challenge.system", "round2", "systems.round2.track1 is 'track1', which is not quantized"),
        ("training.rank", "64", "training.rank: '64' is not of type 'integer'"),
        ("base_model", "qwen", "base_model names 'qwen'"),
        ("language_model.model", "llama", "language_model.model names 'llama', which is not defined; did you mean 'llama-3-70b'"),
        ("language_model.engine", "gpt", "language_model.engine: 'gpt' is not one of"),
        ("language_model.endpoint.api_key", "sk-1", "unknown key 'api_key' in language_model.endpoint"),
    ],
)
def test_a_mistake_is_one_line(path, value, says):
    config = merged()
    set_at(config, path, value)
    with pytest.raises(BadInput) as error:
        resolve(config, ROOT)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_a_mistake_stops_snakemake_with_that_line(tmp_path):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("training: {learnin_rate: 0.1}\n")
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--configfile", str(wrong)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 2
    assert "error: config: unknown key 'learnin_rate' in training; did you mean 'learning_rate'?" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("gptq", "message"),
    [
        ({"backend": "auto-gptq"}, "quantization.methods.gptq.backend is auto-gptq, which needs CUDA"),
        ({"bits": 8}, "quantization.methods.gptq.bits is 8, which vLLM loads on CUDA alone"),
        ({"backend": "autoawq"}, "quantization.methods.gptq.backend: 'autoawq' is not one of"),
    ],
)
def test_what_no_cpu_can_quantize_or_load_is_refused(gptq, message):
    config = merged("config/demo.yaml")
    config["quantization"]["methods"]["gptq"] |= gptq
    with pytest.raises(BadInput, match=message):
        resolve(config, ROOT)
    config["accelerator"] = "cuda"
    if "autoawq" not in message:
        resolve(config, ROOT)


def test_a_given_model_and_adapter_take_the_place_of_those_that_are_made():
    config = merged("config/config.yaml")
    config["models"]["qwen2-72b"] |= {"path": "/site/qwen", "hub": None, "revision": None}
    config["adapters"]["v8"] |= {"path": "/my/adapter", "blend": None}
    resolved = resolve(config, ROOT)
    assert resolved["models"]["qwen2-72b"] == {"path": "/site/qwen"}
    assert resolved["adapters"]["v8"] == {"path": "/my/adapter", "model": "qwen2-72b"}


def test_a_given_adapter_beside_its_blend_is_refused():
    config = merged("config/config.yaml")
    config["adapters"]["v8"] |= {"path": "/my/adapter"}
    with pytest.raises(BadInput, match="adapters.v8"):
        resolve(config, ROOT)


def test_a_run_that_asks_an_endpoint_needs_no_model_of_its_own():
    config = merged("config/config.yaml")
    config["models"]["llama-3-70b"] = None
    config["variants"]["llama-3-70b"] = None
    with pytest.raises(BadInput, match="language_model.model"):
        resolve(config, ROOT)
    config["language_model"]["engine"] = "openai"
    resolve(config, ROOT)
