"""Training curves: loss on training and held-out samples and learning rate of every adapter, against the tokens it has seen.

    PYTHONPATH=workflow/scripts python workflow/scripts/figures/training_curves.py --run '{"name": "demo", "simulated": true}' \\
      --adapters results/demo/adapters/*/manifest.json --png t.png --pdf t.pdf --table t.tsv

Reads metrics.jsonl beside each manifest (as train_adapter.py describes it), named by its folder; leaves the figure (single steps pale,
running mean over a twentieth of the steps strong, held-out loss as points) and a table with columns adapter, step, loss, validation_loss
(nats; empty where it was not taken), learning_rate, seconds, tokens (both summed from the first step on).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, FuncFormatter, MaxNLocator

from shopbench.figure_style import HALO, INK, WIDTH, colours_of, draw_nothing, footnote, save_figure, use_style
from shopbench.files import BadInput, read_jsonl, run_program
from shopbench.report_data import figure_arguments, run_line, write_table

COLUMNS = ["adapter", "step", "loss", "validation_loss", "learning_rate", "seconds", "tokens"]


def read_log(path: Path) -> list[dict[str, Any]]:
    """An adapter's steps with its name, step 0 first if it has a line; seconds and tokens are running sums. No steps are a BadInput."""
    adapter = path.parent.name
    rows: list[dict[str, Any]] = []
    seconds, tokens = 0.0, 0
    for row in read_jsonl(path):
        seconds, tokens = seconds + row.get("seconds", 0), tokens + row.get("tokens", 0)
        step = {key: row.get(key) for key in ("step", "loss", "validation_loss", "learning_rate")}
        rows.append({"adapter": adapter, **step, "seconds": seconds, "tokens": tokens})
    if not any(row["step"] for row in rows):
        raise BadInput(f"{path}: no steps; train the adapter again")
    return rows


def running_mean(values: list[float], width: int) -> list[float]:
    """Mean of the last `width` values at each place (fewer at the start)."""
    return [sum(values[max(0, i + 1 - width) : i + 1]) / min(i + 1, width) for i in range(len(values))]


def draw(logs: list[list[dict[str, Any]]], run: dict[str, Any]) -> Figure:
    """A column per adapter, loss above learning rate; all share the axes, so lengths and heights compare."""
    figure, grid = plt.subplots(2, len(logs), figsize=(WIDTH, 3.8), sharex=True, sharey="row", height_ratios=[3, 1], squeeze=False)
    colours = colours_of(log[0]["adapter"] for log in logs)
    for upper, lower, log in zip(*grid, logs, strict=True):
        name = log[0]["adapter"]
        steps, held_out = [r for r in log if r["step"]], [r for r in log if r["validation_loss"] is not None]
        tokens, losses = [r["tokens"] for r in steps], [r["loss"] for r in steps]
        smooth = running_mean(losses, max(1, len(losses) // 20))
        upper.plot(tokens, losses, color=colours[name], alpha=0.3, linewidth=0.8)
        upper.plot(tokens, smooth, color=colours[name])
        upper.plot(
            [r["tokens"] for r in held_out],
            [r["validation_loss"] for r in held_out],
            color=INK,
            marker="o",
            markersize=3,
            linewidth=0.8,
        )
        if held_out and upper is grid[0][0]:
            start = (held_out[0]["tokens"], held_out[0]["validation_loss"])
            upper.annotate("held-out", start, xytext=(4, 4), textcoords="offset points", fontsize=8, path_effects=HALO)
        upper.annotate(
            f"{smooth[-1]:.2f}",
            (tokens[-1], smooth[-1]),
            xytext=(0, -13),
            textcoords="offset points",
            ha="center",
            fontsize=8,
            path_effects=HALO,
        )
        upper.set_title(f"{name}\n", color=colours[name])
        upper.text(0, 1.02, f"{len(steps):,} steps", transform=upper.transAxes, fontsize=8)
        lower.plot(tokens, [r["learning_rate"] for r in steps], color=colours[name], linewidth=1.3)
        lower.xaxis.set_major_formatter(EngFormatter(sep=""))
        lower.xaxis.set_major_locator(MaxNLocator(3))
        lower.set_xlabel("tokens seen")
    grid[0][0].set_ylim(bottom=0)
    grid[0][0].set_ylabel("loss (nats)")
    grid[1][0].set_ylabel("learning\nrate")
    grid[1][0].yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    footnote(figure, run_line(run, published=False))
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--adapters", nargs="*", default=[], type=Path, help="manifests of trained adapters")
    figure_arguments(parser)
    args = parser.parse_args()

    logs = [read_log(manifest.with_name("metrics.jsonl")) for manifest in args.adapters]
    use_style()
    save_figure(draw(logs, args.run) if logs else draw_nothing("This run trained no adapter."), args.png, args.pdf)
    write_table(args.table, COLUMNS, [row for log in logs for row in log])


if __name__ == "__main__":
    run_program(main)
