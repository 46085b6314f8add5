"""A training run's state on disk: the newest readable checkpoint is gone on from, a torn one is passed over."""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from peft import PeftModel, get_peft_model_state_dict, set_peft_model_state_dict

from shopbench.files import progress, whole_file

KEPT_CHECKPOINTS = 2


def save_checkpoint(folder: Path, model: PeftModel, optimizer: torch.optim.Optimizer, losses: list[float]) -> None:
    """Write the state after the optimizer steps that had these losses, whole or not at all, and drop all but the newest checkpoints."""
    state = {"losses": losses, "adapter": get_peft_model_state_dict(model), "optimizer": optimizer.state_dict()}
    # Through a Python file, so that a full disk is told as one.
    with whole_file(folder / f"step-{len(losses):08d}.pt") as path, path.open("wb") as stream:
        torch.save(state, stream)
    progress(f"checkpoint after step {len(losses)}")
    for old in sorted(folder.glob("step-*.pt"))[:-KEPT_CHECKPOINTS]:
        old.unlink()


def load_checkpoint(folder: Path, model: PeftModel, optimizer: torch.optim.Optimizer) -> list[float]:
    """Take up the newest readable checkpoint, if any; returns the losses of the optimizer steps that are done."""
    for path in sorted(folder.glob("step-*.pt"), reverse=True):
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
        except (RuntimeError, EOFError, pickle.UnpicklingError):
            progress(f"{path.name}: not readable, skipped")
            continue
        set_peft_model_state_dict(model, state["adapter"])
        optimizer.load_state_dict(state["optimizer"])
        progress(f"going on from the checkpoint after step {len(state['losses'])}")
        return list(state["losses"])
    return []
