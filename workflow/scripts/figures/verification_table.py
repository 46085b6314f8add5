"""The quantized models as judged independently of the library that made them.

    PYTHONPATH=workflow/scripts python workflow/scripts/figures/verification_table.py \\
      --run '{"name": "demo", "simulated": true}' --verified results/demo/verified/*.json --table verification_table.tsv

Reads the reports of verify_quantized.py, named <ensemble>-<method>. Leaves a table with columns model, method, library (with its version),
layers, off_by_a_step (largest share of a layer's weights further than one step from the original), off_by_a_step_allowed, kl (mean
divergence of next-token distributions, nats), kl_p99, kl_allowed, tokens; and the loss of the answers (nats a token) of the base in NF4
with the ensemble (loss_nf4), of the base as it is with the ensemble (loss_unmerged), of the merged and of the quantized model.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from shopbench.files import read_json, run_program
from shopbench.report_data import figure_arguments, write_table

COLUMNS = ["model", "method", "library", "layers", "off_by_a_step", "off_by_a_step_allowed", "kl", "kl_p99", "kl_allowed", "tokens"]
# Columns of losses, and what the reports call them.
LOSSES = {
    "loss_nf4": "nf4_base_with_adapter",
    "loss_unmerged": "base_with_adapter",
    "loss_merged": "merged",
    "loss_quantized": "quantized",
}


def table_row(path: str) -> dict[str, Any]:
    """One quantized model's figures; small ones with their leading digits."""
    report = read_json(path)
    made_by = report["made_by"]
    return {
        "model": Path(path).stem,
        "method": report["method"],
        "library": f"{made_by['backend']} {made_by['versions'][made_by['backend']]}, {made_by['bits']} bits",
        "layers": len(report["layers"]),
        "off_by_a_step": f"{report['off_by_a_step']:.3g}",
        "off_by_a_step_allowed": f"{report['thresholds']['off_by_a_step']:g}",
        "kl": f"{report['kl']['mean']:.3g}",
        "kl_p99": f"{report['kl']['p99']:.3g}",
        "kl_allowed": f"{report['thresholds']['kl']:g}",
        "tokens": report["kl"]["tokens"],
        **{column: f"{report['answer_loss'][name]:.4f}" for column, name in LOSSES.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--verified", nargs="*", default=[], help="reports of verify_quantized.py (JSON)")
    figure_arguments(parser, figure=False)
    args = parser.parse_args()

    write_table(args.table, [*COLUMNS, *LOSSES], [table_row(path) for path in args.verified])


if __name__ == "__main__":
    run_program(main)
