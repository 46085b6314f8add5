"""Judge a quantized model by the merged one that it was made from: verified/<ensemble>-<method>.json.

    python workflow/scripts/verify_quantized.py --method awq --thresholds '{"off_by_a_step": 0.01, "kl": 0.05}' \\
        --merged results/demo/merged/track1 --quantized results/demo/quantized/track1-awq \\
        --questions results/demo/evaluation/validation.parquet --device cpu --output results/demo/verified/track1-awq.json

Unpacks the weights with plain torch, so no error of the quantizing library can hide itself. Checks that every linear layer is near its
original, that the padded MLP channels are zero, that all else is unchanged, and that next-token distributions on held-out questions stay
close (mean Kullback-Leibler divergence from the merged model's, in nats). Writes the figures of every layer; what does not hold ends with
exit code 2 and the name of the layer. Both models are streamed: one layer is in memory at a time.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import torch

from shopbench.files import BadInput, check_manifest, progress, read_json, run_program, write_json
from shopbench.quantized_check import Models, check_layer, check_products, check_unquantized
from shopbench.question_answers import question_answer_texts
from shopbench.streamed_model import streamed_log_probs
from shopbench.tensors import TensorFiles, weight_files


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--method", choices=["awq", "gptq"], required=True, help="how the model was quantized")
    parser.add_argument("--thresholds", type=json.loads, required=True, help="JSON: off_by_a_step (share of weights) and kl (nats)")
    parser.add_argument("--merged", type=Path, required=True, help="folder of the merged model")
    parser.add_argument("--quantized", type=Path, required=True, help="folder of the quantized model")
    parser.add_argument("--questions", type=Path, required=True, help="evaluation set (Parquet) that did not calibrate")
    parser.add_argument("--texts", type=int, default=16, help="question-answer pairs to compare on, spread over the set")
    parser.add_argument("--tokens", type=int, default=256, help="tokens of each pair, from its start")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="where the two models run")
    parser.add_argument("--output", type=Path, required=True, help="JSON report")
    return parser.parse_args()


def main() -> None:
    args = parse_arguments()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    for folder in (args.merged, args.quantized):
        check_manifest(folder)
    models = open_models(args.merged, args.quantized, args.method)

    unquantized = check_unquantized(models)
    layers: dict[str, dict[str, Any]] = {}
    for number, module in enumerate(models.modules(), start=1):
        layers[module] = check_layer(models, module, args.thresholds["off_by_a_step"])
        progress(f"layer {number} of {len(models.modules())}: {module}, {layers[module]['off_by_a_step']:.3%} off by a step")
    for module in models.pairs():
        layers[module] |= check_products(models, module)

    texts = spread(question_answer_texts(args.questions), args.texts)
    divergence = compare_distributions(models, args.merged, texts, args.tokens, args.device)
    if divergence["mean"] > args.thresholds["kl"]:
        worst = max(layers, key=lambda module: layers[module]["mean_error_in_steps"])
        raise BadInput(
            f"{args.quantized}: KL divergence {divergence['mean']:.4f} nats from the merged model, {args.thresholds['kl']} may be; "
            f"the layer furthest off is {worst}"
        )
    report = {
        "method": args.method,
        "thresholds": args.thresholds,
        "kl": divergence,
        "unquantized_tensors": unquantized,
        "off_by_a_step": max(layer["off_by_a_step"] for layer in layers.values()),
        "layers": layers,
    }
    write_json(args.output, report)


def open_models(merged: Path, quantized: Path, method: str) -> Models:
    """Both models' tensors; a quantized one of another method, or with no quantized layer, raises BadInput."""
    settings = read_json(quantized / "config.json").get("quantization_config", {})
    if settings.get("quant_method") != method:
        raise BadInput(f"{quantized / 'config.json'}: quant_method is {settings.get('quant_method')}, not {method}")
    checkpoint_format = "gemm" if method == "awq" else settings["checkpoint_format"]
    if checkpoint_format not in ("gemm", "gptq", "gptq_v2"):
        raise BadInput(f"{quantized / 'config.json'}: checkpoint_format {checkpoint_format} cannot be unpacked here")
    mlp = read_json(merged / "merge.json")["intermediate_size"]["base"]
    original, judged = (TensorFiles(weight_files(folder)) for folder in (merged, quantized))
    models = Models(original, judged, method, checkpoint_format, settings["bits"], settings["group_size"], mlp)
    linear = {name.removesuffix(".weight") for name in models.merged if name.endswith("_proj.weight")}
    for module in sorted(linear ^ set(models.modules())):
        raise BadInput(f"{quantized}: {module} is {'not quantized' if module in linear else 'no linear layer of the merged model'}")
    return models


def spread(texts: list[str], count: int) -> list[str]:
    """At most `count` of the texts, evenly spaced, so that all tasks of a set that is sorted by task are among them."""
    return texts[:: max(1, len(texts) // count)][:count]


def compare_distributions(models: Models, merged: Path, texts: list[str], most_tokens: int, device: str) -> dict[str, Any]:
    """Kullback-Leibler divergence (nats) of the quantized model's next-token distributions from the merged one's, over all positions."""
    from transformers import AutoTokenizer

    rows = [torch.tensor(ids[:most_tokens]) for ids in AutoTokenizer.from_pretrained(merged)(texts)["input_ids"]]
    tokens = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
    mask = torch.nn.utils.rnn.pad_sequence([torch.ones_like(row) for row in rows], batch_first=True)

    modules = set(models.modules())

    def original(name: str) -> torch.Tensor:
        return models.original(stored_name(models.merged, name))

    def dequantized(name: str) -> torch.Tensor:
        module = name.removesuffix(".weight")
        return models.unpack(module).weight if module in modules else models.quantized.read(stored_name(models.quantized, name))

    progress(f"merged model: {int(mask.sum())} tokens of {len(texts)} held-out questions")
    before = streamed_log_probs(merged, tokens, mask, original, device)
    progress("dequantized model: the same")
    after = streamed_log_probs(merged, tokens, mask, dequantized, device)
    divergences = torch.cat([(p.exp() * (p - q)).sum(-1)[keep.bool()] for p, q, keep in zip(before, after, mask, strict=True)])
    quantiles = divergences.quantile(torch.tensor([0.5, 0.99])).tolist()
    return {"mean": divergences.mean().item(), "median": quantiles[0], "p99": quantiles[1], "tokens": len(divergences), "texts": len(texts)}


def stored_name(tensors: TensorFiles, parameter: str) -> str:
    """The checkpoint's name of a parameter: tied output embeddings are stored once, with the input embeddings."""
    return parameter if parameter in tensors else parameter.replace("lm_head.", "model.embed_tokens.")


if __name__ == "__main__":
    run_program(main)
