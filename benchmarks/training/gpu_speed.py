"""Training speed of 7B and 72B shapes on one GPU: rows of 2,048 tokens, the paper's hyper-parameters, random weights.

    python benchmarks/training/gpu_speed.py --peak 990e12 --scratch /tmp/bench

Prints JSON: tokens/s of a LoRA on Qwen2-7B's shape in bfloat16 and in NF4; their share of the chip's dense bfloat16 peak (--peak, FLOP/s),
counted as 6 FLOPs a weight and token; and tokens/s of Qwen2-72B's shape, from the time that two more of its layers take in NF4, times 80.
--tiny takes small shapes and the CPU, to try the program.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "workflow/scripts"), str(Path(__file__).resolve().parent)]

import torch  # noqa: E402
from accelerate import Accelerator  # noqa: E402
from peft import LoraConfig, PeftModel, get_peft_model  # noqa: E402
from random_model import random_model, random_samples  # noqa: E402
from train_adapter import train_step  # noqa: E402
from transformers import AutoModelForCausalLM  # noqa: E402

from shopbench.model_shapes import ModelShape, read_model_shapes  # noqa: E402
from shopbench.qlora import load_model, make_optimizer  # noqa: E402
from shopbench.training_config import TrainingConfig  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
ROWS, STEPS = 4, 6
# As in the data: a fifth of the tokens are learned.
LEARNED = 0.2
TINY = ModelShape(4, 64, 128, 4, 2, 16, 512)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peak", type=float, required=True, help="the chip's dense bfloat16 FLOP/s")
    parser.add_argument("--scratch", type=Path, required=True, help="folder for the models (16 GB)")
    parser.add_argument("--tiny", action="store_true", help="small shapes on the CPU")
    args = parser.parse_args()

    accelerator = Accelerator(cpu=args.tiny)
    shapes = read_model_shapes(ROOT / "config/models.tsv")
    small = TINY if args.tiny else shapes["Qwen/Qwen2-7B-Instruct"]
    large = TINY if args.tiny else shapes["Qwen/Qwen2-72B-Instruct"]
    config = TrainingConfig(**({"optimizer": "adamw", "max_length": 64, "rank": 8} if args.tiny else {}))

    figures = {}
    for name, in_nf4 in (("lora", False), ("qlora", True)):
        rate = ROWS * config.max_length / step_seconds(small, config, accelerator, args.scratch, in_nf4)
        figures |= {f"{name}_tokens_per_second": rate, f"{name}_of_peak": 6 * small.parameters * rate / args.peak}
    figures["qlora_vs_lora"] = figures["qlora_tokens_per_second"] / figures["lora_tokens_per_second"]
    two, four = (
        step_seconds(dataclasses.replace(large, layers=layers), config, accelerator, args.scratch, in_nf4=True) for layers in (2, 4)
    )
    whole = two + (large.layers - 2) * (four - two) / 2
    figures["large_tokens_per_second"] = ROWS * config.max_length / whole
    if not args.tiny:
        figures["memory_gib"] = torch.cuda.max_memory_allocated() / 2**30
    print(json.dumps({f"training.gpu.{name}": value for name, value in figures.items()}))


def step_seconds(shape: ModelShape, config: TrainingConfig, accelerator: Accelerator, scratch: Path, in_nf4: bool) -> float:
    """Median time of an optimizer step on full rows, after two that warm up."""
    folder = random_model(shape, scratch)
    model = load_model(folder, config, accelerator.device, None) if in_nf4 else unquantized(folder, config, accelerator.device)
    optimizer = make_optimizer(model, config)
    answer = round(LEARNED * config.max_length)
    batch = random_samples([(config.max_length - answer, answer)] * ROWS, shape.vocabulary)
    seconds = []
    for step in range(STEPS):
        started = time.perf_counter()
        # Ends with the loss as a number, so that the GPU is done.
        train_step(model, optimizer, batch, config.learning_rate, step, config, accelerator)
        seconds.append(time.perf_counter() - started)
    del model, optimizer
    torch.cuda.empty_cache()
    return statistics.median(seconds[2:])


def unquantized(folder: Path, config: TrainingConfig, device: torch.device) -> PeftModel:
    """The same adapter on the base in bfloat16."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype="bfloat16", device_map={"": device}, attn_implementation="within_samples")
    model.requires_grad_(False)
    model.config.use_cache = False
    model.gradient_checkpointing_enable({"use_reentrant": False})
    lora = LoraConfig(r=config.rank, lora_alpha=config.alpha, lora_dropout=config.dropout, target_modules="all-linear")
    return get_peft_model(model, lora).train()


if __name__ == "__main__":
    main()
