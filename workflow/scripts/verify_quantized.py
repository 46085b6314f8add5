"""Judge a quantized model by the merged one that it was made from: verified/<ensemble>-<method>.json.

    python workflow/scripts/verify_quantized.py --method awq --backend gptqmodel --thresholds '{"off_by_a_step": 0.01, "kl": 0.05}' \\
        --merged results/demo/merged/track1 --quantized results/demo/quantized/track1-awq \\
        --base results/demo/base/demo-base --ensemble results/demo/ensembles/track1 \\
        --questions results/demo/evaluation/validation.parquet --device cpu --output results/demo/verified/track1-awq.json

Unpacks the weights with plain torch, so no error of the quantizing library can hide itself. Checks that every linear layer is near its
original, that the padded MLP channels are zero, that all else is unchanged, and that next-token distributions on held-out questions stay
close (mean Kullback-Leibler divergence from the merged model's, in nats). Beside it stands the loss of the answers (nats a token) of what
the adapters were trained on, the base in NF4 with the ensemble, of the base as it is with the ensemble, of the merged and of the quantized
model. Writes the figures of every layer; what does not hold ends with exit code 2 and the name of the layer. All four models are streamed:
one linear layer is in memory at a time.
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from shopbench.files import BadInput, check_manifest, progress, read_json, run_program, write_json
from shopbench.lora import Adapter
from shopbench.quantized_check import Models, check_layer, check_products, check_unquantized
from shopbench.question_answers import question_answer_rows
from shopbench.samples import tokenize
from shopbench.streamed_model import streamed_log_probs
from shopbench.tensors import TensorFiles, weight_files


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--method", choices=["awq", "gptq"], required=True, help="how the model was quantized")
    parser.add_argument("--backend", required=True, help="library that the config names; another one's work is refused")
    parser.add_argument("--thresholds", type=json.loads, required=True, help="JSON: off_by_a_step (share of weights) and kl (nats)")
    parser.add_argument("--merged", type=Path, required=True, help="folder of the merged model")
    parser.add_argument("--quantized", type=Path, required=True, help="folder of the quantized model")
    parser.add_argument("--base", type=Path, required=True, help="folder of the base model that was merged")
    parser.add_argument("--ensemble", type=Path, required=True, help="folder of the ensemble that was merged into it")
    parser.add_argument("--questions", type=Path, required=True, help="evaluation set (Parquet) that did not calibrate")
    parser.add_argument("--texts", type=int, default=16, help="question-answer pairs to compare on, spread over the set")
    parser.add_argument("--tokens", type=int, default=512, help="tokens of each pair; a longer prompt loses its middle, as in training")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="where the two models run")
    parser.add_argument("--output", type=Path, required=True, help="JSON report")
    return parser.parse_args()


def main() -> None:
    args = parse_arguments()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    for folder in (args.merged, args.quantized, args.base, args.ensemble):
        check_manifest(folder)
    models = open_models(args.merged, args.quantized, args.method)
    made_by = read_json(args.quantized / "quantization.json")
    if made_by["backend"] != args.backend:
        raise BadInput(f"{args.quantized}: made by {made_by['backend']}, the config says {args.backend}; delete it and run again")

    unquantized = check_unquantized(models)
    layers: dict[str, dict[str, Any]] = {}
    for number, module in enumerate(models.modules(), start=1):
        layers[module] = check_layer(models, module, args.thresholds["off_by_a_step"])
        progress(f"layer {number} of {len(models.modules())}: {module}, {layers[module]['off_by_a_step']:.3%} off by a step")
    for module in models.pairs():
        layers[module] |= check_products(models, module)

    pairs = Pairs.read(args.questions, args.merged, args.texts, args.tokens)
    divergence, losses = compare_distributions(models, args.merged, pairs, args.device)
    losses |= losses_with_adapter(TensorFiles(weight_files(args.base)), Adapter(args.ensemble), args.base, pairs, args.device)
    if divergence["mean"] > args.thresholds["kl"]:
        worst = max(layers, key=lambda module: layers[module]["mean_error_in_steps"])
        raise BadInput(
            f"{args.quantized}: KL divergence {divergence['mean']:.4f} nats from the merged model, {args.thresholds['kl']} may be; "
            f"the layer furthest off is {worst}"
        )
    report = {
        "method": args.method,
        "made_by": made_by,
        "thresholds": args.thresholds,
        "kl": divergence,
        "answer_loss": losses,
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
    # AutoGPTQ knows one format, and does not name it.
    checkpoint_format = "gemm" if method == "awq" else settings.get("checkpoint_format", "gptq")
    if checkpoint_format not in ("gemm", "gptq", "gptq_v2"):
        raise BadInput(f"{quantized / 'config.json'}: checkpoint_format {checkpoint_format} cannot be unpacked here")
    mlp = read_json(merged / "merge.json")["intermediate_size"]["base"]
    original, judged = (TensorFiles(weight_files(folder)) for folder in (merged, quantized))
    models = Models(original, judged, method, checkpoint_format, settings["bits"], settings["group_size"], mlp)
    linear = {name.removesuffix(".weight") for name in models.merged if name.endswith("_proj.weight")}
    for module in sorted(linear ^ set(models.modules())):
        raise BadInput(f"{quantized}: {module} is {'not quantized' if module in linear else 'no linear layer of the merged model'}")
    return models


@dataclass(frozen=True)
class Pairs:
    """Question-answer pairs, padded on the right, all int64 (texts, positions): `mask` is 1 for text, `answers` for the answers' tokens."""

    tokens: torch.Tensor
    mask: torch.Tensor
    answers: torch.Tensor

    @classmethod
    def read(cls, questions: Path, model: Path, most_texts: int, most_tokens: int) -> Pairs:
        """At most so many, evenly spaced in the set, so that all tasks of a set that is sorted by task are among them."""
        from transformers import AutoTokenizer

        rows = question_answer_rows(questions)
        rows = rows[:: max(1, len(rows) // most_texts)][:most_texts]
        samples = [sample for sample in tokenize(AutoTokenizer.from_pretrained(model), rows, most_tokens) if sample]
        if not samples:
            raise BadInput(f"{questions}: no answer fits in {most_tokens} tokens; give more --tokens")
        parts: list[list[torch.Tensor]] = [[], [], []]
        for sample in samples:
            tokens = torch.from_numpy(sample.tokens).long()
            of_answer = torch.arange(len(tokens)) >= len(tokens) - sample.answer_length
            for part, values in zip(parts, (tokens, torch.ones_like(tokens), of_answer.long()), strict=True):
                part.append(values)
        return cls(*(torch.nn.utils.rnn.pad_sequence(part, batch_first=True) for part in parts))

    def answer_loss(self, log_probs: torch.Tensor) -> float:
        """Mean over the answers' tokens, in nats, of log probabilities (texts, positions, vocabulary)."""
        of_next = log_probs[:, :-1].gather(-1, self.tokens[:, 1:, None]).squeeze(-1)
        return -of_next[self.answers[:, 1:].bool()].mean().item()


def compare_distributions(models: Models, merged: Path, pairs: Pairs, device: str) -> tuple[dict[str, Any], dict[str, float]]:
    """Kullback-Leibler divergence (nats) of the quantized model's next-token distributions from the merged one's, over all positions; and
    both models' loss of the answers."""
    modules = set(models.modules())

    def original(name: str) -> torch.Tensor:
        return models.original(stored_name(models.merged, name))

    def dequantized(name: str) -> torch.Tensor:
        module = name.removesuffix(".weight")
        return models.unpack(module).weight if module in modules else models.quantized.read(stored_name(models.quantized, name))

    progress(f"merged model: {int(pairs.mask.sum())} tokens of {len(pairs.tokens)} held-out questions")
    before = streamed_log_probs(merged, pairs.tokens, pairs.mask, original, device)
    progress("dequantized model: the same")
    after = streamed_log_probs(merged, pairs.tokens, pairs.mask, dequantized, device)
    divergences = torch.cat([(p.exp() * (p - q)).sum(-1)[keep.bool()] for p, q, keep in zip(before, after, pairs.mask, strict=True)])
    middle, high = divergences.quantile(torch.tensor([0.5, 0.99])).tolist()
    counts = {"tokens": len(divergences), "texts": len(pairs.tokens)}
    losses = {"tokens": int(pairs.answers.sum()), "merged": pairs.answer_loss(before), "quantized": pairs.answer_loss(after)}
    return {"mean": divergences.mean().item(), "median": middle, "p99": high, **counts}, losses


def losses_with_adapter(base: TensorFiles, adapter: Adapter, folder: Path, pairs: Pairs, device: str) -> dict[str, float]:
    """The answers' loss of the base (tensors and folder) with the adapter on top of it, not merged: the base as stored, and in NF4."""
    adapted = set(adapter.modules)

    def read(name: str, in_nf4: bool) -> torch.Tensor:
        weight = base.read(stored_name(base, name)).to(device)
        if in_nf4 and name.endswith("_proj.weight"):
            weight = rounded_to_nf4(weight)
        module = name.removesuffix(".weight")
        if name.endswith(".weight") and module in adapted:
            a, b = adapter.factors(module)
            weight = torch.addmm(weight.float(), b.to(device), a.to(device))
        return weight

    losses = {}
    for kind, in_nf4 in (("base_with_adapter", False), ("nf4_base_with_adapter", True)):
        progress(f"{kind.replace('_', ' ')}: the same")
        log_probs = streamed_log_probs(folder, pairs.tokens, pairs.mask, partial(read, in_nf4=in_nf4), device)
        losses[kind] = pairs.answer_loss(log_probs)
    return losses


def rounded_to_nf4(weight: torch.Tensor) -> torch.Tensor:
    """The weight after NF4 with double quantization, as training loads it."""
    from bitsandbytes.functional import dequantize_4bit, quantize_4bit

    packed, state = quantize_4bit(weight, quant_type="nf4", compress_statistics=True)
    return dequantize_4bit(packed, state)


def stored_name(tensors: TensorFiles, parameter: str) -> str:
    """The checkpoint's name of a parameter: tied output embeddings are stored once, with the input embeddings."""
    return parameter if parameter in tensors else parameter.replace("lm_head.", "model.embed_tokens.")


if __name__ == "__main__":
    run_program(main)
