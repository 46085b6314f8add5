"""The quantized models as judged independently of the library that made them.

    PYTHONPATH=workflow/scripts python workflow/scripts/figures/verification_table.py \\
      --run '{"name": "demo", "simulated": true}' --verified results/demo/verified/*.json --table verification_table.tsv

Reads the reports of verify_quantized.py, named <ensemble>-<method>. Leaves a table with columns model, method, layers, off_by_a_step
(largest share of a layer's weights further than one step from the original), off_by_a_step_allowed, kl (mean divergence of next-token
distributions, nats), kl_p99, kl_allowed, tokens.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from shopbench.files import read_json, run_program
from shopbench.report_data import figure_arguments, write_table

COLUMNS = ["model", "method", "layers", "off_by_a_step", "off_by_a_step_allowed", "kl", "kl_p99", "kl_allowed", "tokens"]


def table_row(path: str) -> dict[str, Any]:
    """One quantized model's figures; small ones with their leading digits."""
    report = read_json(path)
    return {
        "model": Path(path).stem,
        "method": report["method"],
        "layers": len(report["layers"]),
        "off_by_a_step": f"{report['off_by_a_step']:.3g}",
        "off_by_a_step_allowed": f"{report['thresholds']['off_by_a_step']:g}",
        "kl": f"{report['kl']['mean']:.3g}",
        "kl_p99": f"{report['kl']['p99']:.3g}",
        "kl_allowed": f"{report['thresholds']['kl']:g}",
        "tokens": report["kl"]["tokens"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--verified", nargs="*", default=[], help="reports of verify_quantized.py (JSON)")
    figure_arguments(parser, figure=False)
    args = parser.parse_args()

    write_table(args.table, COLUMNS, [table_row(path) for path in args.verified])


if __name__ == "__main__":
    run_program(main)
