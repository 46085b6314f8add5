"""Train the demo's base model from scratch: a tiny Qwen2 that has read of a shop of its own and learned to look things up.

    python workflow/scripts/pretrain_demo_base.py --parameters '{"tokens": 200000}' \\
      --parts results/demo/.parts --output results/demo/base/demo-base

Reads nothing: text and lessons are drawn from the simulator's functions with a seed of their own (shopbench/lessons). Leaves a transformers
folder (config, generation config, safetensors weights in bfloat16, tokenizer), pretraining.json (parameters, sha256 of what was read,
versions), pretraining_log.jsonl (a line every hundred steps, every five hundred with the share of new questions answered right), a card
(README.md) and manifest.json.

A training that was killed goes on from its last checkpoint under --parts.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import torch
from transformers import Qwen2ForCausalLM, Qwen2Tokenizer

from shopbench.files import BadInput, Parts, progress, run_program, whole_folder, write_json, write_jsonl
from shopbench.lessons.lists import Piece, copy, find_among, find_in_list
from shopbench.lessons.mixture import WAIT_STEPS, Encode, Example, advanced, chunk, encoded
from shopbench.lessons.shop import EASY_PAIRS, PLAIN_PAIRS, Shop
from shopbench.lessons.words import LIST_WORDS
from shopbench.muon import Muon
from shopbench.tiny_qwen2 import begin_alike, begin_to_look, make_model, train_tokenizer

SHAPE = (
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "max_position_embeddings",
)
LOG_EVERY_STEPS, LOOK_EVERY_STEPS = 50, 250
CHECKPOINT_SECONDS = 120
# What questions are asked to see how far the training is, and how many of each.
QUESTIONS, QUESTION_SEED = 100, 77
# A training shop and the one that it is asked about differ in every product.
ASKED_PRODUCTS, ASKED_REVIEWS = 4000, 2000
TOKENIZER_ROUNDS = 3000


@dataclass(frozen=True)
class Parameters:
    # Tokens of the vocabulary at most, special ones included: enough for every word of the shop to be one.
    vocabulary: int = 7168
    # Qwen2Config's fields. Widths are multiples of the 128 weights that share a scale in a 4-bit model.
    hidden_size: int = 128
    intermediate_size: int = 256
    num_hidden_layers: int = 4
    num_attention_heads: int = 4
    num_key_value_heads: int = 4
    # Longest sequence that config.json allows.
    max_position_embeddings: int = 4096
    # Tokens to read; how many a step has is the lessons' business.
    tokens: int = 10_000_000
    # Peak learning rate, reached after `warmup_steps`, held till `decay_from` of the tokens were read, then falling in a line.
    learning_rate: float = 1e-3
    warmup_steps: int = 100
    decay_from: float = 0.15
    weight_decay: float = 0.05
    seed: int = 1

    @property
    def shape(self) -> dict[str, int]:
        """The fields that are Qwen2Config's."""
        return {name: getattr(self, name) for name in SHAPE}

    @property
    def world(self) -> int:
        """The seed of the shop that lessons are about: no run's, whose sources have small ones."""
        return 1_000_000 + self.seed

    @classmethod
    def from_json(cls, text: str) -> Parameters:
        values = json.loads(text)
        unknown = values.keys() - {field.name for field in dataclasses.fields(cls)}
        if unknown:
            raise BadInput(f"pretrain.{sorted(unknown)[0]}: no such parameter")
        return cls(**values)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parameters", default="{}", help="JSON object; see Parameters")
    parser.add_argument("--parts", type=Path, required=True, help="folder for checkpoints that must survive a kill")
    parser.add_argument("--output", type=Path, required=True, help="folder of the model")
    args = parser.parse_args()
    parameters = Parameters.from_json(args.parameters)

    torch.use_deterministic_algorithms(True)
    shop = Shop(parameters.world)
    tokenizer = train_tokenizer(texts_for_tokenizer(shop, parameters.seed), parameters.vocabulary)
    torch.manual_seed(parameters.seed)
    model = make_model(tokenizer, parameters.shape)
    begin_alike(model, tokenizer)
    begin_to_look(model)
    progress(
        f"{model.num_parameters() / 1e6:.2f} M parameters, vocabulary of {len(tokenizer)}, {parameters.tokens / 1e6:.2f} M tokens to read"
    )
    parts = Parts(args.parts, "pretrain_demo_base", dataclasses.asdict(parameters), program_digest())
    training = Training(model, tokenizer, shop, parameters, parts)
    training.run()
    # The end is kept too: what fails in writing shall not cost the training's last minutes.
    training.save()
    with whole_folder(args.output) as folder:
        model.to(torch.bfloat16).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        write_json(folder / "pretraining.json", training.record())
        write_jsonl(folder / "pretraining_log.jsonl", training.log)
        (folder / "README.md").write_text(card(training.record(), training.log, model.num_parameters()), encoding="utf-8")
    parts.discard()


def program_digest() -> str:
    """A hash of this program and the lessons: a checkpoint of other lessons is not gone on from."""
    here = Path(__file__).resolve().parent
    files = [
        Path(__file__).resolve(),
        here / "shopbench" / "muon.py",
        here / "shopbench" / "tiny_qwen2.py",
        *sorted((here / "shopbench" / "lessons").glob("*.py")),
    ]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def texts_for_tokenizer(shop: Shop, seed: int) -> list[str]:
    """Lessons of all kinds, and all words of the lists a few times in all forms: small or with a capital, after a space or not."""
    random = Random(f"{seed}/tokenizer")
    kinds: list[Callable[[Random], list[Piece]]] = [
        shop.match,
        shop.match,
        shop.pick,
        shop.rank,
        shop.entity,
        shop.write,
        lambda random: shop.text(random, 1.0),
        shop.rate,
        shop.relate,
        shop.opinions,
    ]
    forms = sorted({form for word in LIST_WORDS for form in (word, word.title())})
    texts = [" " + " ".join(forms), "\n".join(forms)] * 3
    return texts + ["".join(piece.text for piece in kind(random)) for _ in range(TOKENIZER_ROUNDS) for kind in kinds]


class Training:
    """Next-token training on what the lessons weigh, in float32: without its own instructions a CPU is many times slower in bfloat16.

    `state` is all that a checkpoint needs beside model and optimizer: the number of the next chunk, the lessons' clock, steps, tokens read,
    the last losses, seconds, and a chained sha256 of the tokens read.
    """

    def __init__(self, model: Qwen2ForCausalLM, tokenizer: Qwen2Tokenizer, shop: Shop, parameters: Parameters, parts: Parts) -> None:
        self.model, self.shop, self.parameters, self.parts = model, shop, parameters, parts
        self.padding = tokenizer.pad_token_id
        self.encode: Encode = lambda texts: tokenizer(texts, add_special_tokens=False)["input_ids"]
        matrices = [tensor for tensor in model.model.layers.parameters() if tensor.dim() == 2]
        tables = [model.model.embed_tokens.weight, model.lm_head.weight]
        vectors = [tensor for tensor in model.parameters() if tensor.dim() == 1]
        groups = [{"params": tables, "weight_decay": parameters.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
        self.optimizers: list[torch.optim.Optimizer] = [
            Muon(matrices, parameters.learning_rate, parameters.weight_decay),
            torch.optim.AdamW(groups, lr=parameters.learning_rate, betas=(0.9, 0.98), fused=True),
        ]
        self.state: dict[str, Any] = {"chunk": 0, "clock": 0, "waited": 0, "step": 0, "tokens": 0, "last": [], "seconds": 0.0, "sha256": ""}
        self.log: list[dict[str, Any]] = []
        self.questions = new_questions(self.encode)

    @property
    def checkpoint(self) -> Path:
        return self.parts.folder / "checkpoint.pt"

    def run(self) -> None:
        self.load()
        started = saved = time.monotonic() - self.state["seconds"]
        losses: list[float] = []
        while self.state["tokens"] < self.parameters.tokens:
            batches = chunk(self.shop, self.state["chunk"], self.state["clock"], self.parameters.seed, self.encode)
            read = self.state["tokens"]
            for batch in batches:
                losses.append(self.step(batch))
                self.state["last"] = [*self.state["last"], losses[-1]][-WAIT_STEPS:]
                self.state["seconds"] = time.monotonic() - started
                self.report(losses)
            self.state["chunk"] += 1
            tokens = self.state["tokens"] - read
            self.state["clock"], self.state["waited"] = advanced(self.state["clock"], self.state["waited"], tokens, self.state["last"])
            if time.monotonic() - saved > CHECKPOINT_SECONDS:
                saved = time.monotonic()
                self.save()
        self.log.append(self.line(losses or [math.nan]) | {"right": self.right()})

    def step(self, batch: list[Example]) -> float:
        """One update; returns the loss."""
        rate = self.parameters.learning_rate * schedule(self.state["step"], self.state["tokens"], self.parameters)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
        ids, weights = padded(batch, self.padding)
        hidden = self.model.model(input_ids=ids[:, :-1], use_cache=False).last_hidden_state
        # Logits of what counts alone: the output layer is as large as the rest of the net.
        counted = weights[:, 1:] > 0
        losses = torch.nn.functional.cross_entropy(self.model.lm_head(hidden[counted]), ids[:, 1:][counted], reduction="none")
        loss = (losses * weights[:, 1:][counted]).sum() / weights[:, 1:].sum()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad()
        value = loss.item()
        if not math.isfinite(value):
            raise BadInput(f"pretraining step {self.state['step'] + 1}: the loss is {value}; lower pretrain.learning_rate")
        self.state["step"] += 1
        self.state["tokens"] += sum(len(example.ids) for example in batch)
        digest = hashlib.sha256(self.state["sha256"].encode())
        digest.update(json.dumps([example.ids for example in batch]).encode())
        self.state["sha256"] = digest.hexdigest()
        return value

    def report(self, losses: list[float]) -> None:
        if self.state["step"] % LOG_EVERY_STEPS:
            return
        line = self.line(losses)
        losses.clear()
        if self.state["step"] % LOOK_EVERY_STEPS == 0:
            line["right"] = self.right()
        self.log.append(line)
        read = f"{line['tokens'] / 1e6:.2f} M tokens (clock {line['clock'] / 1e6:.2f}), {line['seconds']:.0f} s"
        shares = " ".join(f"{name} {share:.2f}" for name, share in line.get("right", {}).items())
        progress(f"step {line['step']}, {read}: loss {line['loss']:.3f} {shares}")

    def line(self, losses: list[float]) -> dict[str, Any]:
        numbers = {
            "step": self.state["step"],
            "tokens": self.state["tokens"],
            "clock": self.state["clock"],
            "seconds": round(self.state["seconds"], 1),
        }
        rate = self.parameters.learning_rate * schedule(self.state["step"], self.state["tokens"], self.parameters)
        return numbers | {"loss": round(sum(losses) / len(losses), 4), "learning_rate": round(rate, 7)}

    @torch.no_grad()
    def right(self) -> dict[str, float]:
        """Share of new questions, by kind of lesson, whose first answer is right in every token, the tokens before given."""
        shares = {}
        for kind, examples in self.questions.items():
            hits = []
            for start in range(0, len(examples), 20):
                ids, weights = padded(examples[start : start + 20], self.padding)
                hidden = self.model.model(input_ids=ids[:, :-1], use_cache=False).last_hidden_state
                for row, answer in enumerate(weights[:, 1:] > 0):
                    predicted = self.model.lm_head(hidden[row, answer]).argmax(-1)
                    hits.append(bool((predicted == ids[row, 1:][answer]).all()))
            shares[kind] = sum(hits) / len(hits)
        return shares

    def record(self) -> dict[str, Any]:
        """What the model was made of."""
        return {
            "parameters": dataclasses.asdict(self.parameters),
            "read": {name: self.state[name] for name in ("step", "tokens", "clock", "sha256")},
            "seconds": round(self.state["seconds"], 1),
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
            "questions": QUESTIONS,
        }

    def save(self) -> None:
        """Write a checkpoint, whole or not at all."""
        partial = self.checkpoint.with_suffix(".partial")
        optimizers = [optimizer.state_dict() for optimizer in self.optimizers]
        content = {"model": self.model.state_dict(), "optimizers": optimizers, "state": self.state, "log": self.log}
        torch.save(content, partial)
        os.replace(partial, self.checkpoint)

    def load(self) -> None:
        """Go on from the checkpoint, if there is one."""
        if not self.checkpoint.exists():
            return
        content = torch.load(self.checkpoint, weights_only=True)
        self.model.load_state_dict(content["model"])
        for optimizer, state in zip(self.optimizers, content["optimizers"], strict=True):
            optimizer.load_state_dict(state)
        self.state, self.log = content["state"], content["log"]
        progress(f"going on from step {self.state['step']}")


def card(record: dict[str, Any], log: list[dict[str, Any]], weights: int) -> str:
    """The model's card: what made it, and how it came to know what it knows."""
    looked = [line for line in log if "right" in line]
    kinds = list(looked[-1]["right"])
    parameters = "\n".join(f"| {name} | {value} |" for name, value in record["parameters"].items())
    rows = "\n".join(
        f"| {line['tokens'] / 1e6:.2f} | {line['loss']:.3f} | " + " | ".join(f"{line['right'][kind]:.2f}" for kind in kinds) + " |"
        for line in looked
    )
    minutes, read = record["seconds"] / 60, record["read"]
    return f"""# A tiny Qwen2 that knows a simulated shop

{weights / 1e6:.2f} million weights, trained from scratch by `workflow/scripts/pretrain_demo_base.py` (rule `pretrain_demo_base`) in
{minutes:.0f} minutes on {record["threads"]} thread(s) with torch {record["torch"]}. It has read text and lessons of a simulated shop of its
own (`workflow/scripts/shopbench/lessons`), no row of any run's sources, datasets or evaluation sets. Licence: the repository's. What it is
for, and how it was found: docs/demo-model.md.

| parameter | value |
|---|---|
{parameters}

Read: {read["tokens"]:,} tokens in {read["step"]:,} steps; chained sha256 of their ids {read["sha256"]}.

Share of {record["questions"]} questions a kind, on products that were never trained on, whose whole answer is right:

| M tokens | loss | {" | ".join(kinds)} |
|---|---|{"---|" * len(kinds)}
{rows}
"""


def padded(batch: list[Example], padding: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids (int64) and weights (float32), both [rows, longest]; padding stands right and weighs nothing."""
    longest = max(len(example.ids) for example in batch)
    ids, weights = torch.full((len(batch), longest), padding), torch.zeros((len(batch), longest))
    for row, example in enumerate(batch):
        ids[row, : len(example.ids)] = torch.tensor(example.ids)
        weights[row, : len(example.ids)] = torch.tensor(example.weights)
    return ids, weights


def new_questions(encode: Encode) -> dict[str, list[Example]]:
    """Questions on a shop of another seed, by kind of lesson; each ends after its first answer. The same at every training."""
    random, shop = Random(QUESTION_SEED), Shop(QUESTION_SEED, ASKED_PRODUCTS, ASKED_REVIEWS)
    kinds: dict[str, Callable[[], list[Piece]]] = {
        "list": lambda: find_in_list(random, LIST_WORDS, longest=5, most_words=1, back=0.0),
        "among": lambda: find_among(random, LIST_WORDS, longest=5, most_words=1),
        "meaning": lambda: find_among(random, LIST_WORDS, meaning=1.0),
        "copy": lambda: copy(random, LIST_WORDS),
        "plain": lambda: shop.match(random, PLAIN_PAIRS, 4, (0,), 0, True),
        "easy": lambda: shop.match(random, EASY_PAIRS, 4, (0,), 0),
        "match": lambda: shop.match(random, more=0),
        "pick": lambda: shop.pick(random, more=0),
        "rank": lambda: shop.rank(random),
        "rate": lambda: shop.rate(random),
        "relate": lambda: shop.relate(random),
        "complement": lambda: shop.complement(random),
        "opinions": lambda: shop.opinions(random),
        "entity": lambda: shop.entity(random),
        "write": lambda: shop.write(random),
    }
    return {name: [encoded(up_to_answer(draw()), encode) for _ in range(QUESTIONS)] for name, draw in kinds.items()}


def up_to_answer(pieces: list[Piece]) -> list[Piece]:
    """The pieces up to the first that weighs."""
    return pieces[: 1 + next(place for place, piece in enumerate(pieces) if piece.weight)]


def schedule(step: int, tokens: int, parameters: Parameters) -> float:
    """The learning rate's share of its peak."""
    made = tokens / parameters.tokens
    falling = min(1.0, max(0.05, (1 - made) / (1 - parameters.decay_from)))
    return min(1.0, (step + 1) / parameters.warmup_steps) * falling


if __name__ == "__main__":
    run_program(main)
