"""Train the demo's base model from scratch: a tiny Qwen2 on the text of the run's own tables.

    python workflow/scripts/pretrain_demo_base.py --tables results/demo/tables/*.parquet --datasets results/demo/datasets/*.parquet \
      --parameters '{"steps": 1000}' --output results/demo/base/demo-base

Reads the tables' text columns and the datasets' train rows. Leaves a transformers folder (config, generation config, safetensors weights,
tokenizer), pretraining_log.jsonl (a line every ten steps) and manifest.json.

Most of what it reads is plain text; a small share is tasks in the chat layout, without which a model of this size answers at chance
and there is nothing to compare a fine-tuned one with. No answer of a held-out row is in it.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import torch
from transformers import Qwen2ForCausalLM, Qwen2Tokenizer

from shopbench.chat import chat_answer, chat_prompt
from shopbench.files import BadInput, progress, run_program, whole_folder, write_jsonl
from shopbench.tables import table_name
from shopbench.tiny_qwen2 import END_OF_TEXT, make_model, train_tokenizer

# What is plain text in the run's tables. Ratings, labels and answers are left out: held-out questions ask for them.
TEXT_COLUMNS = {
    "alpaca": ["instruction", "input"],
    "esci_judgements": ["query"],
    "esci_products": ["title", "brand", "color", "bullets", "description"],
    "m2_products": ["title", "brand", "color", "material", "description"],
    "mmlu": ["question"],
    "review_products": ["title", "store"],
    "reviews": ["title", "text"],
}
SHAPE = (
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "max_position_embeddings",
)
LOG_EVERY_STEPS = 10
PROGRESS_SECONDS = 10


@dataclass(frozen=True)
class Parameters:
    # Tokens of the vocabulary at most, special ones included.
    vocabulary: int = 2048
    # Qwen2Config's fields. Widths are multiples of the 128 weights that share a scale in a 4-bit model.
    hidden_size: int = 128
    intermediate_size: int = 384
    num_hidden_layers: int = 2
    num_attention_heads: int = 4
    num_key_value_heads: int = 2
    # Longest sequence that config.json allows.
    max_position_embeddings: int = 4096
    # Many small steps: after a million tokens the loss was .65 with 1,024 tokens a step, .69 with 2,048, .89 with 4,096 (one seed).
    steps: int = 2000
    # Sequences of a step, and tokens of each.
    batch_rows: int = 4
    row_length: int = 256
    # Peak learning rate, reached after `warmup_steps`, then a cosine to a tenth.
    learning_rate: float = 3e-3
    warmup_steps: int = 50
    weight_decay: float = 0.05
    # Share of the tokens that are tasks in the chat layout.
    task_share: float = 0.1
    # Documents that the tokenizer learns from.
    tokenizer_documents: int = 20000
    seed: int = 1

    @property
    def shape(self) -> dict[str, int]:
        """The fields that are Qwen2Config's."""
        return {name: getattr(self, name) for name in SHAPE}

    @classmethod
    def from_json(cls, text: str) -> Parameters:
        values = json.loads(text)
        unknown = values.keys() - {field.name for field in dataclasses.fields(cls)}
        if unknown:
            raise BadInput(f"pretrain.{sorted(unknown)[0]}: no such parameter")
        return cls(**values)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=Path, nargs="+", required=True, help="Parquet tables; what TEXT_COLUMNS names is read")
    parser.add_argument(
        "--datasets", type=Path, nargs="*", default=[], help="Parquet datasets; train rows are read (none with task_share 0)"
    )
    parser.add_argument("--parameters", default="{}", help="JSON object; see Parameters")
    parser.add_argument("--output", type=Path, required=True, help="folder of the model")
    args = parser.parse_args()
    parameters = Parameters.from_json(args.parameters)

    documents = [document for table in sorted(args.tables) for document in table_documents(table)]
    tasks = task_documents(sorted(args.datasets), parameters.seed)
    if not documents or (parameters.task_share and not tasks):
        raise BadInput("--tables, --datasets: no text in them; see how many rows the jobs before kept")
    progress(f"{len(documents)} documents, {len(tasks)} tasks")

    tokenizer = train_tokenizer(documents_for_tokenizer(documents, tasks, parameters), parameters.vocabulary)
    stream = token_stream(tokenizer, documents, tasks, parameters)
    torch.manual_seed(parameters.seed)
    model = make_model(tokenizer, parameters.shape)
    progress(f"{model.num_parameters() / 1e6:.2f} M parameters, vocabulary of {len(tokenizer)}, {stream.size / 1e6:.2f} M tokens to read")
    with whole_folder(args.output) as folder:
        log = pretrain(model, stream, parameters)
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        write_jsonl(folder / "pretraining_log.jsonl", log)


def table_documents(path: Path) -> list[str]:
    """A document a row of a table in `TEXT_COLUMNS`: each column's name and, on a line of its own, its text; none of any other table.

    A text that starts a line begins with the token that an answer begins with, so that the model learns to copy words into that place.
    """
    columns = TEXT_COLUMNS.get(table_name(path), [])
    rows = pl.read_parquet(path, columns=columns).unique(maintain_order=True).iter_rows(named=True) if columns else []
    documents = ["\n".join(f"{name}:\n{value}" for name, value in row.items() if value) for row in rows]
    return [document for document in documents if document]


def task_documents(paths: Sequence[Path], seed: int) -> list[str]:
    """The datasets' train rows in the chat layout, shuffled, the datasets taking turns so that each is seen as long as it lasts."""
    shuffle = random.Random(seed).shuffle
    piles = []
    for path in paths:
        rows = pl.read_parquet(path, columns=["prompt", "task_type", "completion", "split"]).filter(pl.col("split") == "train")
        pile = [chat_prompt(prompt, task_type) + chat_answer(answer) for prompt, task_type, answer, _ in rows.iter_rows()]
        shuffle(pile)
        piles.append(pile)
    longest = max(map(len, piles), default=0)
    return [pile[turn] for turn in range(longest) for pile in piles if turn < len(pile)]


def documents_for_tokenizer(documents: list[str], tasks: list[str], parameters: Parameters) -> list[str]:
    chosen = random.Random(parameters.seed).sample(documents, min(len(documents), parameters.tokenizer_documents))
    return chosen + tasks[: parameters.tokenizer_documents // 10]


def token_stream(tokenizer: Qwen2Tokenizer, documents: list[str], tasks: list[str], parameters: Parameters) -> np.ndarray:
    """All that the model reads, in order: int64 [steps, batch_rows, row_length + 1], documents one after another."""
    needed = parameters.steps * parameters.batch_rows * (parameters.row_length + 1)
    generator = np.random.default_rng(parameters.seed)
    pieces = repeated(tokenizer, tasks, int(parameters.task_share * needed), None)
    pieces += repeated(tokenizer, documents, needed - sum(map(len, pieces)), generator)
    order = generator.permutation(len(pieces))
    tokens = np.concatenate([pieces[index] for index in order])[:needed]
    return tokens.reshape(parameters.steps, parameters.batch_rows, parameters.row_length + 1)


def repeated(tokenizer: Qwen2Tokenizer, texts: list[str], needed: int, generator: np.random.Generator | None) -> list[np.ndarray]:
    """Token ids of texts, each ended by the end-of-text token, again and again until there are `needed` tokens."""
    order = generator.permutation(len(texts)) if generator else np.arange(len(texts))
    pieces: list[np.ndarray] = []
    count = 0
    for start in range(0, len(texts), 1000):
        for ids in tokenizer([texts[i] + END_OF_TEXT for i in order[start : start + 1000]], add_special_tokens=False)["input_ids"]:
            pieces.append(np.array(ids, dtype=np.int64))
            count += len(ids)
        if count >= needed:
            break
    once = len(pieces)
    while count < needed:
        pieces.append(pieces[len(pieces) % once])
        count += len(pieces[-1])
    return pieces


def pretrain(model: Qwen2ForCausalLM, stream: np.ndarray, parameters: Parameters) -> list[dict[str, float]]:
    """Next-token training on every token of the stream, in float32: without its own instructions a CPU is many times slower in bfloat16."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=parameters.learning_rate, betas=(0.9, 0.95), weight_decay=parameters.weight_decay)
    log: list[dict[str, float]] = []
    started = shown_at = time.monotonic()
    for step, rows in enumerate(torch.from_numpy(stream)):
        learning_rate = parameters.learning_rate * schedule(step, parameters)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate
        logits = model(input_ids=rows[:, :-1], use_cache=False).logits
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if not math.isfinite(loss.item()):
            raise BadInput(f"pretraining step {step + 1}: the loss is {loss.item()}; lower pretrain.learning_rate")
        if (step + 1) % LOG_EVERY_STEPS == 0 or step + 1 == len(stream):
            now = time.monotonic()
            tokens = (step + 1) * rows[:, 1:].numel()
            seconds = round(now - started, 2)
            log.append({"step": step + 1, "loss": loss.item(), "learning_rate": learning_rate, "tokens": tokens, "seconds": seconds})
            if now - shown_at > PROGRESS_SECONDS:
                shown_at = now
                progress(f"step {step + 1} of {len(stream)}: loss {loss.item():.3f}, {tokens / seconds:.0f} tokens/s")
    return log


def schedule(step: int, parameters: Parameters) -> float:
    """The learning rate's share of its peak."""
    if step < parameters.warmup_steps:
        return (step + 1) / parameters.warmup_steps
    progress_made = (step - parameters.warmup_steps) / max(1, parameters.steps - parameters.warmup_steps)
    return 0.55 + 0.45 * math.cos(math.pi * progress_made)


if __name__ == "__main__":
    run_program(main)
