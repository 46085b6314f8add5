"""An alpha is a folder of links with another lora_alpha."""

import json

import pytest
from sweep_alphas import alpha_inside

from shopbench.files import BadInput, write_manifest
from shopbench.scaled_adapter import adapter_rank, scale_adapter


@pytest.fixture
def adapter(tmp_path):
    folder = tmp_path / "adapter"
    folder.mkdir()
    config = {"r": 64, "lora_alpha": 32, "rank_pattern": {"q_proj": 128}, "alpha_pattern": {"q_proj": 48}, "use_rslora": False}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    (folder / "adapter_model.safetensors").write_bytes(b"weights")
    write_manifest(folder)
    return folder


def test_only_the_alphas_change_and_the_weights_are_linked(adapter, tmp_path):
    scale_adapter(adapter, 0.25, tmp_path / "scaled")
    config = json.loads((tmp_path / "scaled/adapter_config.json").read_text())
    assert config == {"r": 64, "lora_alpha": 8, "rank_pattern": {"q_proj": 128}, "alpha_pattern": {"q_proj": 12}, "use_rslora": False}
    weights = tmp_path / "scaled/adapter_model.safetensors"
    assert weights.is_symlink() and weights.read_bytes() == b"weights"
    assert not (tmp_path / "scaled/manifest.json").exists()


def test_the_rank_is_the_largest_of_any_matrix(adapter):
    assert adapter_rank(adapter) == 128
    assert adapter_rank(None) == 0


def test_an_unfinished_adapter_is_refused(adapter, tmp_path):
    (adapter / "adapter_model.safetensors").unlink()
    with pytest.raises(BadInput, match=r"no adapter_model\.safetensors"):
        scale_adapter(adapter, 0.5, tmp_path / "scaled")
    assert not (tmp_path / "scaled").exists()


def test_a_sweep_divides_out_the_alpha_of_an_ensemble(adapter):
    assert alpha_inside(adapter) == 1
    (adapter / "ensemble.json").write_text('{"alpha": 0.8}')
    assert alpha_inside(adapter) == 0.8
    (adapter / "ensemble.json").write_text('{"alpha": 0}')
    with pytest.raises(BadInput, match="alpha 0 cannot be swept"):
        alpha_inside(adapter)
