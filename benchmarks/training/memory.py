"""Peak memory of two training steps on rows full of answers, for a random-weight model of a given shape.

    python benchmarks/training/memory.py --shape '{"layers": 4, ...}' --training '{"rank": 16, ...}' --device cpu --scratch .bench/training

Prints JSON: measured and estimated bytes. Both leave out the program itself: on a CPU what is resident before the model is there, on a GPU
all that torch has not allocated.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
from pathlib import Path

# Freed tensors go back to the system at once, so that the resident set is what is in use.
if os.environ.get("MALLOC_MMAP_THRESHOLD_") is None:
    os.environ["MALLOC_MMAP_THRESHOLD_"] = "65536"
    os.execv(sys.executable, [sys.executable, *sys.argv])

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "workflow/scripts"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import torch
from accelerate import Accelerator
from random_model import random_model, random_samples
from train_adapter import train_step

from shopbench.model_shapes import ModelShape
from shopbench.qlora import load_model, make_optimizer
from shopbench.training_config import TrainingConfig
from shopbench.training_memory import qlora_memory

# Of a row, so that logits stand for all of it.
PROMPT_TOKENS = int(os.environ.get("PT", "8"))


def resident(field: str) -> int:
    """VmRSS or VmHWM (its peak) of this process, in bytes."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    return 1024 * int(line.split()[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", type=json.loads, required=True, help="fields of shopbench.model_shapes.ModelShape")
    parser.add_argument("--training", required=True, help="hyper-parameters, as for train_adapter.py")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--scratch", type=Path, required=True, help="folder for the model")
    args = parser.parse_args()

    shape, config = ModelShape(**args.shape), TrainingConfig.from_json(args.training)
    accelerator = Accelerator(cpu=args.device == "cpu")
    folder = random_model(shape, args.scratch)
    warm_up(shape, config, accelerator, args.scratch)
    before = resident("VmRSS")
    model = load_model(folder, config, accelerator.device, None)
    for parameter in model.parameters():
        # Embeddings that kept their type lie in the mapped file, and keep all of it resident.
        parameter.data = parameter.data.clone()
    optimizer = make_optimizer(model, config)
    # Loading may have peaked higher than training will.
    Path("/proc/self/clear_refs").write_text("5")
    if args.device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    batch = random_samples([(PROMPT_TOKENS, config.max_length - PROMPT_TOKENS)] * 2, shape.vocabulary)
    for step in range(2):
        train_step(model, optimizer, batch, config.learning_rate, step, config, accelerator)
    measured = torch.cuda.max_memory_allocated() if args.device == "cuda" else resident("VmHWM") - before
    terms = qlora_memory(shape, dataclasses.asdict(config), answers=config.max_length - PROMPT_TOKENS, device=args.device)
    print(json.dumps({"measured": measured, "estimated": sum(term.bytes for term in terms), "terms": {t.what: t.bytes for t in terms}}))


def warm_up(shape: ModelShape, config: TrainingConfig, accelerator: Accelerator, scratch: Path) -> None:
    """A step of a far smaller model, so that libraries have taken what they keep."""
    small = ModelShape(1, 64, 64, 1, 1, 64, 256)
    model = load_model(random_model(small, scratch), dataclasses.replace(config, rank=8), accelerator.device, None)
    short = random_samples([(8, 8)], 256)
    train_step(model, make_optimizer(model, config), short, config.learning_rate, 0, config, accelerator)


if __name__ == "__main__":
    main()
