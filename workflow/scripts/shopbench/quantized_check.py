"""Compare a quantized model's layers with the weights that they were made from.

Rounding moves a weight by half a step at most. GPTQ then moves the weights that follow to make up for the error, so only a share of them
stays that near. AWQ multiplies input channels before it rounds and divides the same channels out of whatever feeds them: a norm's weight,
or the rows of the linear layer before. Those multipliers are read back here, undone, and must cancel. AWQ also clips: a group's outermost
values may lie further off, all others not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import torch

from shopbench.files import BadInput
from shopbench.tensors import TensorFiles
from shopbench.unpack import Unpacked, unpack

# Which norm feeds which linear layers of a decoder layer, and which linear layer's rows feed which columns (Llama, Qwen2 and their kin).
FED_BY_NORM = {
    "self_attn.q_proj": "input_layernorm",
    "self_attn.k_proj": "input_layernorm",
    "self_attn.v_proj": "input_layernorm",
    "mlp.gate_proj": "post_attention_layernorm",
    "mlp.up_proj": "post_attention_layernorm",
}
FED_BY_ROWS = {"self_attn.o_proj": "self_attn.v_proj", "mlp.down_proj": "mlp.up_proj"}

# AWQ: how far the product of a row's and its column's multipliers may lie from 1, beyond six standard errors (rounding noise).
PRODUCT_TOLERANCE = 0.05
# Mean distance, in steps, over any one group: rounding gives 0.25, a group with a broken scale or zero several.
GROUP_LIMIT = {"awq": 1.0, "gptq": 2.0}
# GPTQ: how far the factor between a group and its original may lie from 1. What GPTQ adds to make up for errors has little to do with the
# weights, so only a broken scale moves it. (AWQ needs no such limit, and clipping would break it.)
GROUP_FACTOR_LIMIT = 0.5
# A step is stored in half precision, so an error of exactly one step may come out a little above.
STEP = 1.001


@dataclass(frozen=True)
class Models:
    """The merged and the quantized model's tensors, with what the configs say of them. `mlp` is the MLP's channels before padding."""

    merged: TensorFiles
    quantized: TensorFiles
    method: str
    checkpoint_format: str
    bits: int
    group_size: int
    mlp: int

    def modules(self) -> list[str]:
        """The quantized linear layers, in the checkpoint's order."""
        return [name.removesuffix(".qweight") for name in self.quantized if name.endswith(".qweight")]

    def pairs(self) -> dict[str, str]:
        """AWQ: linear layer -> the one whose rows feed its columns. Value rows that several query heads share are left unscaled by AWQ."""
        found = {}
        for module in self.modules() if self.method == "awq" else []:
            layer, within = split_layer(module)
            rows = f"{layer}.{FED_BY_ROWS.get(within)}"
            if within in FED_BY_ROWS and self.merged[f"{rows}.weight"].shape[0] == self.merged[f"{module}.weight"].shape[1]:
                found[module] = rows
        return found

    def unpack(self, module: str) -> Unpacked:
        return unpack(self.quantized, module, self.checkpoint_format, self.bits)

    def original(self, name: str) -> torch.Tensor:
        return self.merged.read(name).float()


def check_layer(models: Models, module: str, most_off_by_a_step: float) -> dict[str, Any]:
    """Figures of one linear layer. Whatever does not hold raises BadInput with the layer's name."""
    found = models.unpack(module)
    if found.weight.shape != models.merged[f"{module}.weight"].shape:
        raise BadInput(f"{module}: is {tuple(found.weight.shape)}, the merged model's is {models.merged[f'{module}.weight'].shape}")
    if not torch.isfinite(found.weight).all():
        raise BadInput(f"{module}: has weights that are not finite")
    check_padding(models, module, found.weight)

    expected = models.original(f"{module}.weight")
    if models.method == "awq":
        expected = expected * input_multipliers(models, module) * output_multipliers(models, module, found)[:, None]
    distance = (found.weight - expected).abs()
    steps = torch.where(distance == 0, 0.0, distance / found.step.abs())
    figures = {
        "weights": steps.numel(),
        "off_by_a_step": (steps > STEP).float().mean().item(),
        "mean_error_in_steps": steps.mean().item(),
        "worst_group_in_steps": steps.unflatten(1, (-1, models.group_size)).mean(-1).max().item(),
    }
    if models.method == "gptq":
        check_group_factors(module, found.weight, expected, models.group_size)
    wrong = int(((steps > STEP) & ~outermost(found.weight, models.group_size)).sum())
    if wrong and models.method == "awq":
        raise BadInput(f"{module}: {wrong} weights that are not clipped lie over a step from the merged model's")
    if figures["worst_group_in_steps"] > GROUP_LIMIT[models.method]:
        raise BadInput(f"{module}: a group of weights lies {figures['worst_group_in_steps']:.2f} steps from the merged model's on average")
    if figures["off_by_a_step"] > most_off_by_a_step:
        raise BadInput(
            f"{module}: {figures['off_by_a_step']:.2%} of its weights lie over a step from the merged model's, {most_off_by_a_step:.2%} may"
        )
    return figures


def check_group_factors(module: str, found: torch.Tensor, expected: torch.Tensor, group_size: int) -> None:
    """Each group of weights is about as large as its original: factors m of found = m * expected, by least squares over a group."""
    found, expected = found.unflatten(1, (-1, group_size)), expected.unflatten(1, (-1, group_size))
    size = expected.square().sum(-1)
    factors = torch.where(size > 0, (found * expected).sum(-1) / size, 1.0).flatten()
    worst = factors[(factors - 1).abs().argmax()].item()
    if abs(worst - 1) > GROUP_FACTOR_LIMIT:
        raise BadInput(f"{module}: a group of weights is {worst:.2f} times the merged model's")


def check_padding(models: Models, module: str, weight: torch.Tensor) -> None:
    """The MLP channels that the merge added are exactly zero."""
    padded = {"gate_proj": weight[models.mlp :], "up_proj": weight[models.mlp :], "down_proj": weight[:, models.mlp :]}
    extra = padded.get(module.rpartition(".")[2])
    if extra is not None and extra.any():
        raise BadInput(f"{module}: {int((extra != 0).sum())} weights of the padded channels are not zero")


def input_multipliers(models: Models, module: str) -> torch.Tensor:
    """What AWQ multiplied each input channel of `module` by (inputs,): undone in the norm, or in the rows of the layer, that feeds it."""
    layer, within = split_layer(module)
    if norm := FED_BY_NORM.get(within):
        return norm_multipliers(models, f"{layer}.{norm}")
    if rows := models.pairs().get(module):
        return 1 / output_multipliers(models, rows, models.unpack(rows))
    return torch.ones(models.merged[f"{module}.weight"].shape[1])


def norm_multipliers(models: Models, norm: str) -> torch.Tensor:
    """Original over scaled weight of a norm; 1 where both are zero."""
    original, scaled = models.original(f"{norm}.weight"), models.quantized.read(f"{norm}.weight").float()
    multipliers = torch.where((original == 0) & (scaled == 0), torch.ones(()), original / scaled)
    if not (torch.isfinite(multipliers).all() and (multipliers > 0).all()):
        raise BadInput(f"{norm}: is not the merged model's norm divided by positive multipliers")
    return multipliers


def output_multipliers(models: Models, module: str, found: Unpacked) -> torch.Tensor:
    """What AWQ multiplied each output row of `module` by (outputs,): estimated by least squares for layers that feed others, else 1."""
    if module not in models.pairs().values():
        return torch.ones(found.weight.shape[0])
    expected = models.original(f"{module}.weight") * input_multipliers(models, module)
    return fitted(found, expected, models.group_size)[0]


def outermost(weight: torch.Tensor, group_size: int) -> torch.Tensor:
    """Which weights (outputs, inputs) have the least or greatest value of their group: where clipped ones are."""
    groups = weight.unflatten(1, (-1, group_size))
    return ((groups == groups.amax(-1, keepdim=True)) | (groups == groups.amin(-1, keepdim=True))).flatten(1)


def fitted(found: Unpacked, expected: torch.Tensor, group_size: int, dim: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    """The factors m of found = m * expected by least squares over `dim`, and their relative standard errors from rounding.

    Clipped weights would bias a factor and are left out. Rows (or columns) of zeros: 1 and 0.
    """
    kept = torch.where(outermost(found.weight, group_size), 0.0, expected)
    size = kept.square().sum(dim)
    zero = size == 0
    size[zero] = 1.0
    factor = (found.weight * kept).sum(dim) / size
    factor[zero] = 1.0
    # A rounding error is uniform over one step: its variance is step^2 / 12.
    error = (found.step * kept).square().sum(dim).div(12).sqrt() / size / factor.abs()
    return factor, error


def check_products(models: Models, module: str) -> dict[str, float]:
    """AWQ: the multipliers of `module`'s columns cancel those of the rows that feed them. A channel where they do not raises BadInput."""
    rows = models.pairs()[module]
    expected = models.original(f"{rows}.weight") * input_multipliers(models, rows)
    up, up_error = fitted(models.unpack(rows), expected, models.group_size)
    down, down_error = fitted(models.unpack(module), models.original(f"{module}.weight"), models.group_size, dim=0)
    distance = (up * down - 1).abs()
    excess = distance - 6 * (up_error.square() + down_error.square()).sqrt()
    if excess.max() > PRODUCT_TOLERANCE:
        channel = int(excess.argmax())
        product = float(up[channel] * down[channel])
        raise BadInput(f"{module}: channel {channel} is {product:.3f} times too large, together with the row of {rows} that feeds it")
    return {"multiplier_product_error": distance.mean().item(), "multiplier_product_excess": excess.max().item()}


def check_unquantized(models: Models) -> int:
    """Embeddings, biases, norms: equal to the merged model's, but for what AWQ divides by multipliers. Returns how many were compared."""
    modules, norms = models.modules(), set()
    for layer, within in map(split_layer, modules):
        if models.method == "awq" and within in FED_BY_NORM:
            norms.add(f"{layer}.{FED_BY_NORM[within]}.weight")
    scaled_biases = {f"{rows}.bias" for rows in models.pairs().values()}

    names = [name for name in models.merged if name.removesuffix(".weight") not in modules]
    for name in names:
        if name not in models.quantized:
            raise BadInput(f"{name}: is in the merged model, not in the quantized one")
        kept = models.quantized.read(name)
        original = models.merged.read(name)
        if name in scaled_biases:
            rows = name.removesuffix(".bias")
            scaled = original.float() * output_multipliers(models, rows, models.unpack(rows))
            same = torch.allclose(kept.float(), scaled, rtol=PRODUCT_TOLERANCE)
        else:
            same = name in norms or torch.equal(original.to(kept.dtype), kept)
        if not same:
            raise BadInput(f"{name}: is not quantized, yet differs from the merged model's")
    return len(names)


def split_layer(module: str) -> tuple[str, str]:
    """model.layers.3.mlp.up_proj -> (model.layers.3, mlp.up_proj); a name without a layer number gives an empty layer."""
    match = re.fullmatch(r"(.*\.\d+)\.(.+)", module)
    return (match[1], match[2]) if match else ("", module)
