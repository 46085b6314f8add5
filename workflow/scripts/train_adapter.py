"""Train a LoRA adapter on a 4-bit base model (QLoRA): the answers of a blend, in the chat layout.

    accelerate launch --num_processes 8 --multi_gpu workflow/scripts/train_adapter.py --blend results/paper/blends/v8.parquet \
      --base results/paper/base/qwen2-72b --training '{"learning_rate": 2e-4}' --processes 8 --device cuda \
      --parts results/paper/.parts --output results/paper/adapters/v8

Reads the blend (Parquet; columns prompt, task_type, completion), a folder with the base model, for a second round a saved adapter to start
from, and held-out rows in a file like the blend to follow the loss on. Leaves a PEFT folder: adapter_config.json,
adapter_model.safetensors (float32), metrics.jsonl (a line an optimizer step), training.json (counts, versions) and manifest.json.
Checkpoints lie under --parts until it has ended; a killed run goes on from its last one and ends with the same adapter. Shortly before
--run-time is over it writes a checkpoint and stops with exit code 75: run it again to go on. A loss that is no number or has grown stops it
with exit code 2.

A line of metrics.jsonl has step; loss (nats, of the batch before the step); gradient_norm (before clipping); learning_rate; samples; tokens
and padding (computed tokens that are none); seconds, samples_per_second and tokens_per_second (of all processes); memory_gib (the main
process's peak: of its GPU, or resident on a CPU); and validation_loss where it was taken, after the step. Line 0 is before the first step.

Every process holds the whole 4-bit base and trains on its share of each batch; gradients are summed over processes before each step.
Whatever is random in a step (order of the blend, dropout) is a function of the seed and the step's number alone, so that a checkpoint is no
more than the adapter, the optimizer's state and the losses so far.

Source: QLoRA (Dettmers et al. 2023, arXiv 2305.14314), with the hyper-parameters of Team NVIDIA's KDD Cup '24 solution (arXiv 2408.04658).
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import polars as pl
import torch
from accelerate import Accelerator
from peft import PeftModel
from transformers import AutoTokenizer

from shopbench.checkpoints import load_checkpoint, save_checkpoint
from shopbench.deadline import UNFINISHED, Deadline, Unfinished
from shopbench.files import MANIFEST, BadInput, Parts, progress, run_program, sha256_of, whole_folder, write_json, write_jsonl
from shopbench.gpu_check import require_gpus
from shopbench.packing import (
    MicroBatch,
    batches_of_epoch,
    first_fit_decreasing,
    length_buckets,
    packed,
    padded,
    share_out,
    token_weights,
)
from shopbench.qlora import WEIGHTS, load_model, loss_of, make_optimizer, save_adapter, trainable
from shopbench.samples import Sample, tokenize
from shopbench.training_config import TrainingConfig, Watching

METRICS = "metrics.jsonl"
TOKENIZED_AT_ONCE = 20_000
PROGRESS_SECONDS = 10
# Steps whose mean loss is compared, the first with the last.
COMPARED_STEPS = 20


def main() -> None:
    args = parse_arguments()
    config, watching = TrainingConfig.from_json(args.training), Watching.from_json(args.watching)
    # One process looks for all on its node.
    if args.device == "cuda" and os.environ.get("LOCAL_RANK", "0") == "0":
        here = int(os.environ.get("LOCAL_WORLD_SIZE", args.processes))
        require_gpus(here, "launch.processes", "training.compute_dtype" if config.compute_dtype == "bfloat16" else None)
    accelerator = Accelerator(cpu=args.device == "cpu")
    if accelerator.num_processes != args.processes:
        raise BadInput(
            f"--processes {args.processes}: the launcher started {accelerator.num_processes}; give accelerate launch the same number"
        )

    say = progress if accelerator.is_main_process else ignore
    samples, counts = read_samples(args.blend, args.base, config, say)
    held_out: list[Sample] = []
    if args.held_out and watching.validation_samples:
        held_out, _ = read_samples(args.held_out, args.base, config, ignore, watching.validation_samples)
    model = load_model(args.base, config, accelerator.device, args.start_from)
    key = origin(args, config)
    parts = Parts(args.parts, "train_adapter", key)
    train(model, samples, held_out, config, watching, accelerator, parts, Deadline(args.run_time))
    if accelerator.is_main_process:
        with whole_folder(args.output) as folder:
            save_adapter(model, folder)
            metrics = list({row["step"]: row for row in parts.rows(METRICS)}.values())
            write_jsonl(folder / METRICS, metrics)
            about = {**key, **counts, **totals(metrics, config), "processes": args.processes, "versions": versions()}
            write_json(folder / "training.json", about)
        parts.discard()
    accelerator.end_training()


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blend", type=Path, required=True, help="Parquet file of training rows")
    parser.add_argument("--base", type=Path, required=True, help="folder of the base model and its tokenizer")
    parser.add_argument("--start-from", type=Path, help="folder of a saved adapter whose weights are gone on from, with a fresh optimizer")
    parser.add_argument("--held-out", type=Path, help="Parquet file of rows to follow the loss on")
    parser.add_argument("--training", default="{}", help="hyper-parameters as a JSON object; see shopbench/training_config.py")
    parser.add_argument("--watching", default="{}", help="when to save and validate, as a JSON object; see shopbench/training_config.py")
    parser.add_argument("--processes", type=int, required=True, help="processes that the launcher must have started")
    parser.add_argument("--device", choices=["cpu", "cuda"], required=True, help="where to train")
    parser.add_argument("--run-time", type=float, default=0, help="minutes that this job may take; 0: no limit")
    parser.add_argument("--parts", type=Path, required=True, help="folder for checkpoints")
    parser.add_argument("--output", type=Path, required=True, help="folder of the adapter")
    return parser.parse_args()


def origin(args: argparse.Namespace, config: TrainingConfig) -> dict[str, Any]:
    """All that decides the adapter: a checkpoint of anything else is not gone on from."""
    return {
        "blend_sha256": sha256_of(args.blend),
        "base_sha256": sha256_of(args.base / MANIFEST),
        "start_from_sha256": sha256_of(args.start_from / WEIGHTS) if args.start_from else None,
        "training": dataclasses.asdict(config),
    }


def totals(metrics: Sequence[dict[str, Any]], config: TrainingConfig) -> dict[str, Any]:
    """What all steps come to: how full packed rows were, how much was padding, how long it took."""
    steps = [row for row in metrics if row["step"]]
    tokens, padding, rows = (sum(row[name] for row in steps) for name in ("tokens", "padding", "rows"))
    return {
        "steps": len(steps),
        "tokens_trained": tokens,
        "padding_share": round(padding / (tokens + padding), 4),
        "tokens_per_row": round(tokens / rows, 1),
        "row_fill": round(tokens / (rows * config.max_length), 4),
        "seconds": round(sum(row["seconds"] for row in steps), 1),
        "validation_loss": metrics[-1].get("validation_loss"),
    }


def versions() -> dict[str, str]:
    return {name: version(name) for name in ("torch", "transformers", "peft", "accelerate", "bitsandbytes")}


def ignore(message: str) -> None:
    """What the processes but the first one say."""


def read_samples(
    path: Path, base: Path, config: TrainingConfig, say: Callable[[str], None], most: int | None = None
) -> tuple[list[Sample], dict[str, int]]:
    """A blend's rows as samples, in the file's order, and what was counted on the way.

    Of more than `most` rows a random choice is taken, the same in every training.
    """
    try:
        rows = pl.read_parquet(path, columns=["prompt", "task_type", "completion"]).to_dicts()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise BadInput(f"{path}: not a readable blend ({error})") from None
    if most and len(rows) > most:
        rows = [rows[place] for place in np.sort(np.random.default_rng(0).permutation(len(rows))[:most])]
    tokenizer = AutoTokenizer.from_pretrained(base)
    made: list[Sample | None] = []
    for start in range(0, len(rows), TOKENIZED_AT_ONCE):
        made += tokenize(tokenizer, rows[start : start + TOKENIZED_AT_ONCE], config.max_length)
        say(f"tokenized {len(made)} of {len(rows)} rows")
    samples = [sample for sample in made if sample is not None]
    if not samples and not most:
        raise BadInput(f"{path}: no row whose answer fits in {config.max_length} tokens")
    counts = {
        "rows": len(rows),
        "samples": len(samples),
        "answers_too_long": len(rows) - len(samples),
        "prompts_cut": sum(sample.cut > 0 for sample in samples),
        "tokens": sum(len(sample) for sample in samples),
        "answer_tokens": sum(sample.answer_length for sample in samples),
    }
    say(", ".join(f"{name} {count}" for name, count in counts.items()))
    return samples, counts


def train(
    model: PeftModel,
    samples: Sequence[Sample],
    held_out: Sequence[Sample],
    config: TrainingConfig,
    watching: Watching,
    accelerator: Accelerator,
    parts: Parts,
    deadline: Deadline,
) -> None:
    """Run all optimizer steps that are still to do, from the newest checkpoint in `parts` if there is one.

    Raises `Unfinished`, in every process after the same step, when the deadline is near; the checkpoint of that step is then there.
    """
    optimizer = make_optimizer(model, config)
    losses = load_checkpoint(parts.folder, model, optimizer)
    steps = config.steps_for(len(samples))
    batches_per_epoch = math.ceil(len(samples) / config.batch_samples)
    if held_out and not losses:
        before = validation_loss(model, held_out, config, accelerator)
        if accelerator.is_main_process:
            parts.append(METRICS, {"step": 0, "validation_loss": before})
    saved_at = shown_at = time.monotonic()
    epoch, batches = -1, []
    for step in range(len(losses), steps):
        started = time.monotonic()
        if step // batches_per_epoch != epoch:
            epoch = step // batches_per_epoch
            batches = batches_of_epoch(len(samples), config.batch_samples, config.seed, epoch)
        batch = [samples[index] for index in batches[step % batches_per_epoch]]
        learning_rate = config.learning_rate_at(step, steps)
        loss, norm = train_step(model, optimizer, batch, learning_rate, step, config, accelerator)
        losses.append(loss)
        check_loss(losses, watching.loss_limit, config.learning_rate)
        seconds = time.monotonic() - started

        row = {"step": step + 1, "loss": loss, "gradient_norm": norm, "learning_rate": learning_rate}
        row |= work_done(batch, seconds, config, accelerator)
        if held_out and ((step + 1) % watching.validation_steps == 0 or step + 1 == steps):
            row["validation_loss"] = validation_loss(model, held_out, config, accelerator)
        now = time.monotonic()
        deadline.took(now - started)
        stops = step + 1 < steps and agreed(deadline.is_near(), accelerator)
        if accelerator.is_main_process:
            parts.append(METRICS, row)
            if now - shown_at > PROGRESS_SECONDS or "validation_loss" in row or step + 1 in (1, steps):
                shown_at = now
                held = f", validation loss {row['validation_loss']:.4f}" if "validation_loss" in row else ""
                progress(f"step {step + 1} of {steps}: loss {loss:.4f}{held}, {row['tokens_per_second']} tokens/s")
            by_steps = watching.checkpoint_steps and (step + 1) % watching.checkpoint_steps == 0
            if stops or by_steps or now - saved_at > 60 * watching.checkpoint_minutes:
                save_checkpoint(parts.folder, model, optimizer, losses)
                saved_at = time.monotonic()
                deadline.took(saved_at - now)
        if stops:
            raise Unfinished(
                f"step {step + 1} of {steps} is done and saved, and the job's run time nearly over; a rerun goes on from there"
            )


def check_loss(losses: Sequence[float], limit: float, learning_rate: float) -> None:
    """Raise BadInput if the loss is no number, or has grown to `limit` times what it was at first (means over 20 steps)."""
    advice = f"lower training.learning_rate ({learning_rate:g}) or look at the blend"
    if not math.isfinite(losses[-1]):
        raise BadInput(f"step {len(losses)}: the loss is {losses[-1]}; {advice}")
    first, last = fmean(losses[:COMPARED_STEPS]), fmean(losses[-COMPARED_STEPS:])
    if last > limit * first:
        raise BadInput(
            f"step {len(losses)}: the loss is {last:.3g} over the last {COMPARED_STEPS} steps and was {first:.3g} over the first, "
            f"more than watching.loss_limit ({limit:g}) times as much; {advice}"
        )


def work_done(batch: Sequence[Sample], seconds: float, config: TrainingConfig, accelerator: Accelerator) -> dict[str, Any]:
    """What a step computed in all processes, and how fast; peak memory is the main process's."""
    tokens = sum(len(sample) for sample in batch)
    groups = [group for share in layout(batch, config, accelerator.num_processes) for group in share]
    return {
        "samples": len(batch),
        "tokens": tokens,
        "padding": 0 if config.packing else sum(len(group) * max(len(batch[i]) for i in group) for group in groups) - tokens,
        "rows": len(groups) if config.packing else len(batch),
        "seconds": round(seconds, 4),
        "samples_per_second": round(len(batch) / seconds, 2),
        "tokens_per_second": round(tokens / seconds),
        "memory_gib": round(peak_memory(accelerator.device) / 2**30, 3),
    }


def peak_memory(device: torch.device) -> float:
    """Bytes, since the process began: what torch held of its GPU, or the resident set."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0


def agreed(stop: bool, accelerator: Accelerator) -> bool:
    """Whether the main process wants to stop: clocks differ, and no process may go on alone."""
    if accelerator.num_processes == 1:
        return stop
    vote = torch.tensor(float(stop and accelerator.is_main_process), device=accelerator.device)
    return accelerator.reduce(vote).item() > 0


def train_step(
    model: PeftModel,
    optimizer: torch.optim.Optimizer,
    batch: Sequence[Sample],
    learning_rate: float,
    step: int,
    config: TrainingConfig,
    accelerator: Accelerator,
) -> tuple[float, float]:
    """One optimizer step on a batch, each process on its share. Returns the batch's loss (nats) and the gradient's norm before clipping."""
    # Dropout of this step, another in each process.
    torch.manual_seed(int(np.random.default_rng([config.seed, step, accelerator.process_index]).integers(2**63)))
    compute_dtype = getattr(torch, config.compute_dtype)
    loss = torch.zeros((), device=accelerator.device)
    for micro_batch in micro_batches(batch, config, accelerator):
        part = loss_of(model, micro_batch, compute_dtype)
        part.backward()
        loss += part.detach()
    loss = accelerator.reduce(loss)
    sum_gradients(model, accelerator)
    norm = torch.nn.utils.clip_grad_norm_(trainable(model), config.clip_norm)
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
    optimizer.step()
    optimizer.zero_grad()
    return loss.item(), norm.item()


def layout(batch: Sequence[Sample], config: TrainingConfig, processes: int) -> list[list[list[int]]]:
    """For each process, its micro-batches as lists of places in the batch: packed rows, or samples of like length."""
    lengths = [len(sample) for sample in batch]
    fill = first_fit_decreasing if config.packing else length_buckets
    shares = share_out(lengths, processes)
    return [[[share[item] for item in items] for items in fill([lengths[i] for i in share], config.max_length)] for share in shares]


def micro_batches(batch: Sequence[Sample], config: TrainingConfig, accelerator: Accelerator) -> list[MicroBatch]:
    """This process's share of a batch."""
    weights = token_weights(batch, config.loss_reduction)
    lay = packed if config.packing else padded
    groups = layout(batch, config, accelerator.num_processes)[accelerator.process_index]
    return [lay([batch[i] for i in group], [weights[i] for i in group]).to(accelerator.device) for group in groups]


@torch.no_grad()
def validation_loss(model: PeftModel, held_out: Sequence[Sample], config: TrainingConfig, accelerator: Accelerator) -> float:
    """Loss (nats) of the held-out samples without dropout, reduced over them as over a batch.

    The model stays in training mode: in evaluation mode bitsandbytes re-packs 4-bit weights on some CPUs, and cannot train with those.
    """
    dropouts = [module for module in model.modules() if isinstance(module, torch.nn.Dropout)]
    for module in dropouts:
        module.eval()
    compute_dtype = getattr(torch, config.compute_dtype)
    loss = torch.zeros((), device=accelerator.device)
    for micro_batch in micro_batches(held_out, config, accelerator):
        loss += loss_of(model, micro_batch, compute_dtype)
    for module in dropouts:
        module.train()
    return accelerator.reduce(loss).item()


def sum_gradients(model: torch.nn.Module, accelerator: Accelerator) -> None:
    """Replace each process's gradients by their sum. A process that had no sample in a short batch joins with zeros."""
    if accelerator.num_processes == 1:
        return
    for parameter in trainable(model):
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
        parameter.grad = accelerator.reduce(parameter.grad)


if __name__ == "__main__":
    try:
        run_program(main)
    except Unfinished as state:
        progress(f"stopped in time: {state}")
        sys.exit(UNFINISHED)
