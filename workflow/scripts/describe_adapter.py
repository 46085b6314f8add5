"""Write the card of a trained adapter, for people (Markdown) and for programs (JSON): what it was made of, how, and what it cost.

    python workflow/scripts/describe_adapter.py --adapter adapters/v8 --entry '{"blend": "v8", "model": "qwen2-72b", "training": {}}' \\
        --model '{"hub": "Qwen/Qwen2-72B-Instruct", "revision": "c867f76"}' --device cuda --blend blends/v8.parquet \\
        --code workflow/scripts/train_adapter.py --json cards/v8.json --page cards/v8.md

Reads training.json, metrics.jsonl and manifest.json of the adapter's folder, and all files named for their hashes. Keys of the JSON:

    adapter, model, start_from   its name; the config's entry of its base model, with the name; the adapter that it went on from, or null
    blend                        name, rows, and what training counted in it: samples, answers_too_long, prompts_cut, tokens, answer_tokens
    training                     all hyper-parameters
    rows                         tokens_trained, padding_share, tokens_per_row, row_fill (share of training.max_length)
    loss                         first and last (means over steps_averaged), validation_first and _last, in nats; null if not taken
    cost                         steps, processes, device, hours (in optimizer steps), device_hours (times processes), tokens_per_second,
                                 memory_gib (the main process's peak)
    versions                     of the libraries that trained it
    sha256                       result, inputs and code: each file's path to its SHA-256 (of the base, its manifest's)

What a card should say: M. Mitchell et al., Model Cards for Model Reporting (2019).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import fmean
from typing import Any

from shopbench.cards import hashes, page, table
from shopbench.files import read_json, read_jsonl, run_program, whole_text, write_json

# At most, and no more than half of all.
STEPS_AVERAGED = 20
COUNTED = ("rows", "samples", "answers_too_long", "prompts_cut", "tokens", "answer_tokens")
LAID = ("tokens_trained", "padding_share", "tokens_per_row", "row_fill")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--adapter", required=True, type=Path, help="folder of the adapter")
    parser.add_argument("--entry", required=True, type=json.loads, help="the adapter's entry of the config, JSON")
    parser.add_argument("--model", required=True, type=json.loads, help="its model's entry of the config, JSON")
    parser.add_argument("--device", required=True, choices=["cpu", "cuda"], help="what it was trained on")
    parser.add_argument("--blend", required=True, type=Path, help="the blend (Parquet)")
    parser.add_argument("--code", required=True, nargs="+", help="the files that made it")
    parser.add_argument("--json", required=True, help="card to write, JSON")
    parser.add_argument("--page", required=True, help="card to write, Markdown")
    args = parser.parse_args()

    about = read_json(args.adapter / "training.json")
    card = {
        "adapter": args.adapter.name,
        "model": {"name": args.entry["model"], **args.model},
        "start_from": args.entry.get("start_from"),
        "blend": {"name": args.blend.stem, **{key: about[key] for key in COUNTED}},
        "training": about["training"],
        "rows": {key: about[key] for key in LAID},
        **loss_and_cost(read_jsonl(args.adapter / "metrics.jsonl"), about, args.device),
        "versions": about["versions"],
        "sha256": {
            "result": hashes([args.adapter / "adapter_model.safetensors"]),
            "inputs": hashes([args.blend]) | {name: about[f"{name}_sha256"] for name in ("base", "start_from") if about[f"{name}_sha256"]},
            "code": hashes(args.code),
        },
    }
    with whole_text(args.page) as stream:
        stream.write(adapter_page(card))
    write_json(args.json, card)


def loss_and_cost(metrics: list[dict[str, Any]], about: dict[str, Any], device: str) -> dict[str, Any]:
    """What the steps' lines say of loss and time."""
    steps = [row for row in metrics if row["step"]]
    losses, validation = [row["loss"] for row in steps], [row["validation_loss"] for row in metrics if "validation_loss" in row]
    averaged = min(STEPS_AVERAGED, max(1, len(steps) // 2))
    hours = about["seconds"] / 3600
    return {
        "loss": {
            "steps_averaged": averaged,
            "first": fmean(losses[:averaged]),
            "last": fmean(losses[-averaged:]),
            "validation_first": validation[0] if validation else None,
            "validation_last": validation[-1] if validation else None,
        },
        "cost": {
            "steps": about["steps"],
            "processes": about["processes"],
            "device": device,
            "hours": round(hours, 4),
            "device_hours": round(hours * about["processes"], 4),
            "tokens_per_second": round(about["tokens_trained"] / about["seconds"]),
            "memory_gib": max(row["memory_gib"] for row in steps),
        },
    }


def adapter_page(card: dict[str, Any]) -> str:
    """The card as Markdown."""
    model, blend = card["model"], card["blend"]
    base = f"{model['hub']} (revision {model['revision']})" if "hub" in model else model["name"]
    after = f", from the weights of {card['start_from']} on" if card["start_from"] else ""
    processor = "GPU" if card["cost"]["device"] == "cuda" else "processor"
    losses = {name: "not taken" if value is None else f"{value:.4f}" for name, value in card["loss"].items()}
    files = [(kind, f"`{path}`", f"`{digest}`") for kind, found in card["sha256"].items() for path, digest in found.items()]
    folder = next(iter(card["sha256"]["result"])).rpartition("/")[0]
    sections = {
        "Use": f"A PEFT folder: `PeftModel.from_pretrained(base, '{folder}')`. It answers in the chat layout of "
        "`workflow/scripts/shopbench/chat.py`, where the system prompt names the task type; of other prompts it has "
        "learned nothing. The licences of the base and of the blend's sources hold for it (see the blend's card).\n",
        "Data": table(["of the blend", "number"], [(key.replace("_", " "), blend[key]) for key in COUNTED])
        + "\n"
        + table(["as it was computed", "number"], [(key.replace("_", " "), value) for key, value in card["rows"].items()]),
        "Hyper-parameters": table(["name", "value"], [(name, json.dumps(value)) for name, value in card["training"].items()]),
        "Loss (nats)": table(
            ["of", "at first", "at last"],
            [
                (f"training, mean over {card['loss']['steps_averaged']} steps", losses["first"], losses["last"]),
                ("held-out rows", losses["validation_first"], losses["validation_last"]),
            ],
        ),
        "Cost": table(
            ["what", "number"],
            [(key.replace("device_hours", f"{processor}-hours").replace("_", " "), value) for key, value in card["cost"].items()],
        ),
        "Versions": table(["library", "version"], card["versions"].items()),
        "SHA-256": table(["kind", "file", "sha256"], files),
    }
    return page(f"Adapter {card['adapter']}", f"LoRA on {base}, trained on blend {blend['name']}{after}.", sections)


if __name__ == "__main__":
    run_program(main)
