"""An adapter scaled by alpha, without a merge: a folder of links to its weights, and a config whose lora_alpha is alpha times as large.

W = W_base + alpha * (lora_alpha / r) * B A, so alpha times lora_alpha is wise-ft's alpha exactly (Wortsman et al. 2022, arXiv 2109.01903).
"""

from __future__ import annotations

from pathlib import Path

from shopbench.files import MANIFEST, BadInput, read_json, write_json

CONFIG = "adapter_config.json"


def scale_adapter(adapter: Path, alpha: float, folder: Path) -> None:
    """Fill the new `folder` with the adapter times `alpha`. The weights are links: `adapter` has to outlive the folder."""
    config = read_json(adapter / CONFIG)
    if not (adapter / "adapter_model.safetensors").is_file():
        raise BadInput(f"{adapter}: no adapter_model.safetensors; it is written last, so this adapter is not finished")
    folder.mkdir(parents=True)
    for file in adapter.iterdir():
        if file.is_file() and file.name not in (CONFIG, MANIFEST):
            (folder / file.name).symlink_to(file.resolve())
    patterns = {name: value * alpha for name, value in (config.get("alpha_pattern") or {}).items()}
    write_json(folder / CONFIG, config | {"lora_alpha": config["lora_alpha"] * alpha, "alpha_pattern": patterns})


def adapter_rank(adapter: Path | None) -> int:
    """The largest rank of any of its matrices; 0 without an adapter."""
    if adapter is None:
        return 0
    config = read_json(adapter / CONFIG)
    return max([config["r"], *(config.get("rank_pattern") or {}).values()])
