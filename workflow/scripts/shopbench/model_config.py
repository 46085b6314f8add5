"""What is written into a model's config.json so that loaders of every age read the same model."""

from __future__ import annotations

from typing import Any


def with_rope_theta(config: dict[str, Any]) -> dict[str, Any]:
    """The config with rope_parameters.rope_theta repeated as rope_theta: loaders before transformers 5 look there, else take 10000."""
    rope = config.get("rope_parameters") or {}
    return config | ({"rope_theta": rope["rope_theta"]} if "rope_theta" in rope else {})


def legacy_config(config: dict[str, Any]) -> dict[str, Any]:
    """The config in the words of transformers before 5, which knows neither rope_parameters nor dtype and passes over both in silence."""
    config = with_rope_theta(config) | {"torch_dtype": weight_dtype(config)}
    scaling = {key: value for key, value in (config.pop("rope_parameters", None) or {}).items() if key != "rope_theta"}
    if scaling.get("rope_type", "default") != "default":
        config["rope_scaling"] = scaling
    config.pop("dtype", None)
    return config


def weight_dtype(config: dict[str, Any]) -> str:
    """float32, bfloat16 or float16: under the name of transformers 5, else under the one before it."""
    return config.get("dtype") or config.get("torch_dtype") or "float32"
