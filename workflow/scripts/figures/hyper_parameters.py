"""The hyper-parameter table: what this run trains with, beside what the paper printed.

    PYTHONPATH=workflow/scripts python workflow/scripts/figures/hyper_parameters.py \\
      --run '{"name": "demo", "simulated": true}' --training '{"rank": 64}' \\
      --adapters '{"v7": {"model": "qwen2-72b", "training": {"rank": 64}}}' --paper config/paper.yaml --table hyper.tsv

Reads config/paper.yaml; the run's values come as JSON. Leaves a table with columns hyper_parameter, this_run, published, same (yes, no,
or empty where the paper prints nothing or the run fixes it in code). A value that one adapter overrides is added as "v7b: 0.5".
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from shopbench.files import run_program
from shopbench.report_data import figure_arguments, read_yaml, write_table

COLUMNS = ["hyper_parameter", "this_run", "published", "same"]

# What train_adapter.py does in every run and has no key for.
IN_CODE = {"target_modules": "all linear layers", "quantization": "4-bit (NF4)", "loss_on": "answer tokens"}
# The run's spelling of an optimizer that the paper calls by its plain name.
SAME_OPTIMIZER = {"AdamW": {"adamw", "paged_adamw_8bit"}}


def same(ours: Any, published: str | None) -> str | None:
    """yes or no, by value where both are numbers; empty where nothing is published."""
    if published is None:
        return None
    if published in SAME_OPTIMIZER:
        return "yes" if ours in SAME_OPTIMIZER[published] else "no"
    try:
        return "yes" if float(ours) == float(published) else "no"
    except (TypeError, ValueError):
        return "yes" if str(ours).startswith(published) else "no"


def shown(value: Any) -> str | None:
    """A config value as people write it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return None if value is None else str(value)


def with_overrides(key: str, training: dict[str, Any], adapters: dict[str, Any]) -> str | None:
    """The run's value, then each adapter's own where it differs."""
    others = [
        f"{name}: {shown(a['training'][key])}"
        for name, a in adapters.items()
        if key in a.get("training", {}) and a["training"][key] != training[key]
    ]
    return "; ".join([str(shown(training[key])), *others])


def table_rows(training: dict[str, Any], adapters: dict[str, Any], paper: dict[str, Any]) -> list[dict[str, Any]]:
    """The base models, what code fixes, then every key of the run's `training` in its order."""
    published = paper["values"]
    models = ", ".join(sorted({a["model"] for a in adapters.values()}))
    rows = [{"hyper_parameter": "base_model", "this_run": models, "published": paper["base_model"], "same": None}]
    for key, value in IN_CODE.items():
        rows.append({"hyper_parameter": key, "this_run": value, "published": published[key], "same": same(value, published[key])})
    for key, value in training.items():
        row = {"hyper_parameter": key, "this_run": with_overrides(key, training, adapters), "published": published.get(key)}
        rows.append({**row, "same": same(value, published.get(key))})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--training", required=True, type=json.loads, help="the config's `training`, as JSON")
    parser.add_argument("--adapters", required=True, type=json.loads, help="the config's `adapters`, as JSON")
    parser.add_argument("--paper", required=True, help="config/paper.yaml")
    figure_arguments(parser, figure=False)
    args = parser.parse_args()

    write_table(args.table, COLUMNS, table_rows(args.training, args.adapters, read_yaml(args.paper)["hyper_parameters"]))


if __name__ == "__main__":
    run_program(main)
