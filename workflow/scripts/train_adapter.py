"""Train a LoRA adapter on a 4-bit base model (QLoRA): the answers of a blend, in the chat layout.

    accelerate launch --num_processes 8 --multi_gpu workflow/scripts/train_adapter.py --blend results/paper/blends/v8.parquet \
      --base results/paper/base/qwen2-72b --training '{"learning_rate": 2e-4}' --processes 8 --device cuda \
      --parts results/paper/.parts --output results/paper/adapters/v8

Reads the blend (Parquet; columns prompt, task_type, completion), a folder with the base model and, for a second round, a saved adapter to
start from. Leaves a PEFT folder: adapter_config.json, adapter_model.safetensors (float32), train_log.jsonl (a line an optimizer step),
training.json (counts, versions) and manifest.json. Checkpoints lie under --parts until it has ended; a killed run goes on from its last one
and ends with the same adapter. Shortly before --run-time is over it writes a checkpoint and stops with exit code 75: run it again to go on.

Every process holds the whole 4-bit base and trains on its share of each batch; gradients are summed over processes before each step.
Whatever is random in a step (order of the blend, dropout) is a function of the seed and the step's number alone, so that a checkpoint is no
more than the adapter, the optimizer's state and that number.

Source: QLoRA (Dettmers et al. 2023, arXiv 2305.14314), with the hyper-parameters of Team NVIDIA's KDD Cup '24 solution (arXiv 2408.04658).
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import os
import pickle
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

from shopbench.deadline import UNFINISHED, Deadline, Unfinished
from shopbench.files import (
    MANIFEST,
    BadInput,
    Parts,
    progress,
    read_json,
    run_program,
    sha256_of,
    whole_file,
    whole_folder,
    write_json,
    write_jsonl,
)
from shopbench.gpu_check import require_gpus
from shopbench.packing import Row, batches_of_epoch, first_fit_decreasing, make_row, share_out, token_weights
from shopbench.samples import Sample, tokenize
from shopbench.training_config import TrainingConfig

WEIGHTS = "adapter_model.safetensors"
LOG = "train_log.jsonl"
KEPT_CHECKPOINTS = 2
TOKENIZED_AT_ONCE = 20_000
PROGRESS_SECONDS = 10


def main() -> None:
    args = parse_arguments()
    config = TrainingConfig.from_json(args.training)
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
    model = load_model(args.base, config, accelerator, args.start_from)
    key = origin(args, config)
    parts = Parts(args.parts, "train_adapter", key)
    train(model, samples, config, accelerator, parts, Deadline(args.run_time))
    if accelerator.is_main_process:
        with whole_folder(args.output) as folder:
            save_adapter(model, folder)
            log = {row["step"]: row for row in parts.rows(LOG)}
            write_jsonl(folder / LOG, log.values())
            write_json(folder / "training.json", {**key, **counts, "steps": len(log), "processes": args.processes, "versions": versions()})
        parts.discard()
    accelerator.end_training()


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blend", type=Path, required=True, help="Parquet file of training rows")
    parser.add_argument("--base", type=Path, required=True, help="folder of the base model and its tokenizer")
    parser.add_argument("--start-from", type=Path, help="folder of a saved adapter whose weights are gone on from, with a fresh optimizer")
    parser.add_argument("--training", default="{}", help="hyper-parameters as a JSON object; see shopbench/training_config.py")
    parser.add_argument("--processes", type=int, required=True, help="processes that the launcher must have started")
    parser.add_argument("--device", choices=["cpu", "cuda"], required=True, help="where to train")
    parser.add_argument("--run-time", type=float, default=0, help="minutes that this job may take; 0: no limit")
    parser.add_argument("--parts", type=Path, required=True, help="folder for checkpoints")
    parser.add_argument("--output", type=Path, required=True, help="folder of the adapter")
    return parser.parse_args()


def origin(args: argparse.Namespace, config: TrainingConfig) -> dict[str, Any]:
    """All that decides the adapter: a checkpoint of anything else is not gone on from. How often one is written is not in it."""
    settings = dataclasses.asdict(config)
    return {
        "blend_sha256": sha256_of(args.blend),
        "base_sha256": sha256_of(args.base / MANIFEST),
        "start_from_sha256": sha256_of(args.start_from / WEIGHTS) if args.start_from else None,
        "training": {name: value for name, value in settings.items() if not name.startswith("checkpoint_")},
    }


def versions() -> dict[str, str]:
    return {name: version(name) for name in ("torch", "transformers", "peft", "accelerate", "bitsandbytes")}


def ignore(message: str) -> None:
    """What the processes but the first one say."""


def read_samples(blend: Path, base: Path, config: TrainingConfig, say: Callable[[str], None]) -> tuple[list[Sample], dict[str, int]]:
    """The blend's rows as samples, in the file's order, and what was counted on the way."""
    try:
        rows = pl.read_parquet(blend, columns=["prompt", "task_type", "completion"]).to_dicts()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise BadInput(f"{blend}: not a readable blend ({error})") from None
    tokenizer = AutoTokenizer.from_pretrained(base)
    made: list[Sample | None] = []
    for start in range(0, len(rows), TOKENIZED_AT_ONCE):
        made += tokenize(tokenizer, rows[start : start + TOKENIZED_AT_ONCE], config.max_length)
        say(f"tokenized {len(made)} of {len(rows)} rows")
    samples = [sample for sample in made if sample is not None]
    if not samples:
        raise BadInput(f"{blend}: no row whose answer fits in {config.max_length} tokens")
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


def load_model(base: Path, config: TrainingConfig, accelerator: Accelerator, start_from: Path | None) -> PeftModel:
    """The base in NF4 with double quantization, frozen, and float32 LoRA matrices on all linear layers but the output layer."""
    compute_dtype = getattr(torch, config.compute_dtype)
    quantization = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=compute_dtype
    )
    model = AutoModelForCausalLM.from_pretrained(
        base, quantization_config=quantization, dtype=compute_dtype, device_map={"": accelerator.device}, attn_implementation="sdpa"
    )
    model.requires_grad_(False)
    model.config.use_cache = False
    if config.gradient_checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    # LoRA's A is drawn here: the seed makes it the same in every process and every run.
    torch.manual_seed(config.seed)
    lora = LoraConfig(
        r=config.rank, lora_alpha=config.alpha, lora_dropout=config.dropout, target_modules="all-linear", bias="none", task_type="CAUSAL_LM"
    )
    peft_model = get_peft_model(model, lora, autocast_adapter_dtype=True)
    if start_from:
        load_start(peft_model, start_from, config)
    return peft_model.train()


def load_start(model: PeftModel, folder: Path, config: TrainingConfig) -> None:
    """Put a saved adapter's weights into the model; another rank or alpha would make another adapter of them."""
    saved = read_json(folder / "adapter_config.json")
    if (saved["r"], saved["lora_alpha"]) != (config.rank, config.alpha):
        raise BadInput(f"{folder}: rank {saved['r']}, alpha {saved['lora_alpha']}; set training.rank and training.alpha to these")
    outcome = set_peft_model_state_dict(model, load_file(folder / WEIGHTS))
    missing = [name for name in outcome.missing_keys if "lora_" in name]
    if missing or outcome.unexpected_keys:
        raise BadInput(f"{folder}: not an adapter of this model ({(missing + outcome.unexpected_keys)[0]} does not match)")


def trainable(model: torch.nn.Module) -> list[torch.nn.Parameter]:
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


def make_optimizer(model: torch.nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    if config.optimizer == "adamw":
        return torch.optim.AdamW(trainable(model), lr=config.learning_rate, weight_decay=config.weight_decay)
    if not torch.cuda.is_available():
        raise BadInput(f"training.optimizer: {config.optimizer} needs a GPU; set adamw")
    from bitsandbytes.optim import PagedAdamW8bit

    return PagedAdamW8bit(trainable(model), lr=config.learning_rate, weight_decay=config.weight_decay)


def train(
    model: PeftModel, samples: Sequence[Sample], config: TrainingConfig, accelerator: Accelerator, parts: Parts, deadline: Deadline
) -> None:
    """Run all optimizer steps that are still to do, from the newest checkpoint in `parts` if there is one.

    Raises `Unfinished`, in every process after the same step, when the deadline is near; the checkpoint of that step is then there.
    """
    optimizer = make_optimizer(model, config)
    done = load_checkpoint(parts.folder, model, optimizer)
    steps = config.steps_for(len(samples))
    batches_per_epoch = math.ceil(len(samples) / config.batch_samples)
    saved_at = shown_at = time.monotonic()
    epoch, batches = -1, []
    for step in range(done, steps):
        started = time.monotonic()
        if step // batches_per_epoch != epoch:
            epoch = step // batches_per_epoch
            batches = batches_of_epoch(len(samples), config.batch_samples, config.seed, epoch)
        batch = [samples[index] for index in batches[step % batches_per_epoch]]
        learning_rate = config.learning_rate_at(step, steps)
        loss, norm = train_step(model, optimizer, batch, learning_rate, step, config, accelerator)

        now = time.monotonic()
        deadline.took(now - started)
        stops = step + 1 < steps and agreed(deadline.is_near(), accelerator)
        if accelerator.is_main_process:
            tokens = sum(len(sample) for sample in batch)
            row = {"step": step + 1, "loss": loss, "gradient_norm": norm, "learning_rate": learning_rate, "samples": len(batch)}
            speed = {"tokens": tokens, "seconds": round(now - started, 4), "tokens_per_second": round(tokens / (now - started))}
            parts.append(LOG, row | speed)
            if now - shown_at > PROGRESS_SECONDS or step + 1 in (1, steps):
                shown_at = now
                progress(f"step {step + 1} of {steps}: loss {loss:.4f}, {tokens / (now - started):.0f} tokens/s")
            by_steps = config.checkpoint_steps and (step + 1) % config.checkpoint_steps == 0
            if stops or by_steps or now - saved_at > 60 * config.checkpoint_minutes:
                save_checkpoint(parts.folder, model, optimizer, step + 1)
                saved_at = time.monotonic()
                deadline.took(saved_at - now)
        if stops:
            raise Unfinished(
                f"step {step + 1} of {steps} is done and saved, and the job's run time nearly over; a rerun goes on from there"
            )


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
    for row in rows_of(batch, config, accelerator.process_index, accelerator.num_processes):
        # The float32 adapter too is multiplied in the compute type.
        with torch.autocast(accelerator.device.type, compute_dtype, enabled=compute_dtype != torch.float32):
            row_loss = loss_of(model, row.to(accelerator.device))
        row_loss.backward()
        loss += row_loss.detach()
    loss = accelerator.reduce(loss)
    if not torch.isfinite(loss):
        raise BadInput(
            f"step {step + 1}: the loss is {loss.item()}; lower training.learning_rate ({config.learning_rate}) or look at the blend"
        )
    sum_gradients(model, accelerator)
    norm = torch.nn.utils.clip_grad_norm_(trainable(model), config.clip_norm)
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
    optimizer.step()
    optimizer.zero_grad()
    return loss.item(), norm.item()


def rows_of(batch: Sequence[Sample], config: TrainingConfig, process: int, processes: int) -> list[Row]:
    """The packed rows of one process's share of a batch."""
    weights = token_weights(batch, config.loss_reduction)
    share = share_out([len(sample) for sample in batch], processes)[process]
    # Without packing every sample fills a row.
    lengths = [len(batch[i]) if config.packing else config.max_length for i in share]
    rows = [[share[item] for item in items] for items in first_fit_decreasing(lengths, config.max_length)]
    return [make_row([batch[i] for i in row], [weights[i] for i in row]) for row in rows]


def loss_of(model: torch.nn.Module, row: Row) -> torch.Tensor:
    """Weighted sum of the answer tokens' cross entropies (nats). The output layer runs at their positions alone."""
    logits = model(
        input_ids=row.input_ids, attention_mask=row.attention_mask, position_ids=row.position_ids, logits_to_keep=row.predicting
    ).logits
    losses = F.cross_entropy(logits[0].float(), row.targets, reduction="none")
    return (row.weights * losses).sum()


def sum_gradients(model: torch.nn.Module, accelerator: Accelerator) -> None:
    """Replace each process's gradients by their sum. A process that had no sample in a short batch joins with zeros."""
    if accelerator.num_processes == 1:
        return
    for parameter in trainable(model):
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
        parameter.grad = accelerator.reduce(parameter.grad)


def save_checkpoint(folder: Path, model: PeftModel, optimizer: torch.optim.Optimizer, step: int) -> None:
    """Write the state after `step` optimizer steps, whole or not at all, and drop all but the newest checkpoints."""
    state = {"step": step, "adapter": get_peft_model_state_dict(model), "optimizer": optimizer.state_dict()}
    # Through a Python file, so that a full disk is told as one.
    with whole_file(folder / f"step-{step:08d}.pt") as path, path.open("wb") as stream:
        torch.save(state, stream)
    progress(f"checkpoint after step {step}")
    for old in sorted(folder.glob("step-*.pt"))[:-KEPT_CHECKPOINTS]:
        old.unlink()


def load_checkpoint(folder: Path, model: PeftModel, optimizer: torch.optim.Optimizer) -> int:
    """Take up the newest readable checkpoint, if any; returns the optimizer steps that are done."""
    for path in sorted(folder.glob("step-*.pt"), reverse=True):
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
        except (RuntimeError, EOFError, pickle.UnpicklingError):
            progress(f"{path.name}: not readable, skipped")
            continue
        set_peft_model_state_dict(model, state["adapter"])
        optimizer.load_state_dict(state["optimizer"])
        progress(f"going on from the checkpoint after step {state['step']}")
        return state["step"]
    return 0


def save_adapter(model: PeftModel, folder: Path) -> None:
    """Write PEFT's two files, the weights last. Sorted names make the same adapter the same bytes."""
    lora = model.peft_config["default"]
    lora.target_modules = sorted(lora.target_modules)
    lora.save_pretrained(folder)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in sorted(get_peft_model_state_dict(model).items())}
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})


if __name__ == "__main__":
    try:
        run_program(main)
    except Unfinished as state:
        progress(f"stopped in time: {state}")
        sys.exit(UNFINISHED)
