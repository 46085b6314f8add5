"""Draw a run's jobs by stage: a band for each file of rules, a box for each rule with the number of its jobs and what they are for.

    python workflow/scripts/draw_job_graph.py --configfile config/config.yaml --svg results/jobgraph.svg

Reads the whole run from Snakemake (a dry run; nothing is made) and leaves one picture, readable on light and dark pages. Jobs of one
rule share a box, and so do single jobs with one verb, as draw_*; a run of 200 jobs has some twenty boxes. An arrow that a longer path
says already is left out. Boxes are placed by shopbench/layers.py.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from xml.sax.saxutils import escape

from shopbench.estimates import read_run
from shopbench.files import run_program, whole_text
from shopbench.graph_picture import line, ports, svg_page
from shopbench.layers import Edge, depths, lay_out, without_shortcuts
from shopbench.planned_jobs import PROFILES, PlannedJob, planned_jobs

# build_env feeds nearly every rule; its arrows would hide all others. `all` is where all ends.
HIDDEN = {"build_env", "all"}
# A verb with so many rules of one job each in a stage is one box.
FAMILY = 3

BOX_WIDTH, LINE_HEIGHT, BOX_PADDING = 220, 15, 10
LANE, GAP_X, GAP_Y, BAND_PADDING, BAND_GAP, GUTTER, MARGIN = 10, 22, 34, 14, 20, 150, 16
# Characters of small print in a box's line, and lines of it.
LETTERS, MOST_LINES = 32, 3


@dataclass(frozen=True)
class Box:
    """Jobs that share a box. `lines` is its small print: how many, on how many GPUs, and what for."""

    title: str
    stage: str
    jobs: int
    gpus: int
    lines: list[str]

    @property
    def height(self) -> float:
        return 2 * BOX_PADDING + LINE_HEIGHT * (1 + len(self.lines))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--configfile", type=Path, nargs="+", required=True, help="the run; later files lie over earlier")
    parser.add_argument("--profile", type=Path, help="Snakemake profile (default: profiles/slurm, or profiles/demo for a run without GPUs)")
    parser.add_argument("--svg", type=Path, required=True, help="picture to write")
    arguments = parser.parse_args()
    config = read_run(arguments.configfile).config
    jobs = planned_jobs(arguments.configfile, arguments.profile or PROFILES[config["accelerator"]], whole=True)
    boxes, edges = folded(jobs)
    with whole_text(arguments.svg) as stream:
        stream.write(picture(boxes, edges, f"{len(jobs)} jobs of the run {config['run']}, by stage"))


# boxes


def folded(jobs: Iterable[PlannedJob]) -> tuple[dict[str, Box], list[Edge]]:
    """Boxes by a name that says stage and title, and the arrows between them that no longer path says."""
    jobs = sorted((job for job in jobs if job.rule not in HIDDEN), key=lambda job: (job.rule, *job.wildcards.values()))
    members: dict[str, list[PlannedJob]] = {}
    for job in jobs:
        members.setdefault(f"{stage_of(job)}/{job.rule}", []).append(job)
    members = families(members)
    return {name: box_of_jobs(name, group) for name, group in members.items()}, without_shortcuts(list(members), arrows(members))


def arrows(members: Mapping[str, list[PlannedJob]]) -> list[Edge]:
    """What feeds what; a rule that feeds itself (a second round of training) needs no arrow."""
    box_of = {path: name for name, group in members.items() for job in group for path in job.output}
    edges = {(box_of[path], name): None for name, group in members.items() for job in group for path in job.input if path in box_of}
    return [(a, b) for a, b in edges if a != b]


def stage_of(job: PlannedJob) -> str:
    """The name of the rule's file; report_data and its like are parts of the report."""
    return Path(job.cause["rule_file"]).stem.split("_")[0]


def families(members: Mapping[str, list[PlannedJob]]) -> dict[str, list[PlannedJob]]:
    """Rules of a stage that share a verb and have one job each become one box, if they are several and no arrow then leads back."""
    alike: dict[str, list[str]] = {}
    for name, group in members.items():
        if len(group) == 1:
            alike.setdefault(f"{name.split('_')[0]}_*", []).append(name)
    grouped = dict(members)
    for family, names in alike.items():
        if len(names) >= FAMILY:
            joined = {name: group for name, group in grouped.items() if name not in names}
            joined[family] = [job for name in names for job in members[name]]
            grouped = joined if has_order(joined) else grouped
    return grouped


def has_order(members: Mapping[str, list[PlannedJob]]) -> bool:
    """Whether no box feeds itself by way of others."""
    before: dict[str, set[str]] = {name: set() for name in members}
    for a, b in arrows(members):
        before[b].add(a)
    try:
        TopologicalSorter(before).prepare()
    except CycleError:
        return False
    return True


def box_of_jobs(name: str, jobs: Sequence[PlannedJob]) -> Box:
    stage, title = name.split("/")
    gpus = max(int(job.submitted.get("gpu") or 0) for job in jobs)
    count = f"{len(jobs)} job{'s' * (len(jobs) > 1)}" + (f", {gpus} GPU{'s' * (gpus > 1)}{' each' * (len(jobs) > 1)}" if gpus else "")
    if title.endswith("*"):
        values = {"": [job.rule.removeprefix(title[:-1]) for job in jobs]}
    else:
        keys = [key for key in dict.fromkeys(key for job in jobs for key in job.wildcards) if key != "accelerator"]
        values = {key: list(dict.fromkeys(job.wildcards[key] for job in jobs if key in job.wildcards)) for key in keys}
    room = max(1, MOST_LINES // max(1, len(values)))
    print_of = [line for key, names in values.items() for line in wrapped([Path(name).name for name in names], room)]
    return Box(title, stage, len(jobs), gpus, [count, *print_of])


def wrapped(names: Sequence[str], most: int) -> list[str]:
    """Names in at most so many lines; those without room are counted."""
    lines = [""]
    for place, name in enumerate(names):
        rest = len(names) - place - 1
        # The last line keeps room for what is left out.
        room = LETTERS - (len(f", {rest} more") if rest and len(lines) == most else 0)
        longer = f"{lines[-1]}, {name}" if lines[-1] else cut(name, room)
        if len(longer) <= room:
            lines[-1] = longer
        elif len(lines) < most:
            lines[-1] += ","
            lines.append(cut(name, LETTERS))
        else:
            lines[-1] += f", {rest + 1} more"
            break
    return lines if names else []


def cut(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: room - 1]}…"


# picture


def stage_order(boxes: Mapping[str, Box], edges: Sequence[Edge]) -> list[str]:
    """Stages as data flows; where it does not say, as the Snakefile includes them. A ring of stages is cut at the first of them."""
    listed = re.findall(r"workflow/rules/([a-z]+)\w*\.smk", Path("Snakefile").read_text(encoding="utf-8"))
    left = sorted({box.stage for box in boxes.values()}, key=lambda stage: listed.index(stage) if stage in listed else len(listed))
    needs = {(boxes[b].stage, boxes[a].stage) for a, b in edges if boxes[a].stage != boxes[b].stage}
    order: list[str] = []
    while left:
        ready = [stage for stage in left if not any((stage, other) in needs for other in left)]
        order.append((ready or left)[0])
        left.remove(order[-1])
    return order


def picture(boxes: Mapping[str, Box], edges: Sequence[Edge], title: str) -> str:
    """The SVG. Arrows back to an earlier stage (a sweep that chooses an alpha) are left out: the bands are in an order."""
    stages = stage_order(boxes, edges)
    inside = depths(list(boxes), [(a, b) for a, b in edges if boxes[a].stage == boxes[b].stage])
    layer: dict[str, int] = {}
    first = 0
    for stage in stages:
        of_stage = [name for name in boxes if boxes[name].stage == stage]
        layer.update({name: first + inside[name] for name in of_stage})
        first += 1 + max(inside[name] for name in of_stage)
    edges = [(a, b) for a, b in edges if layer[a] < layer[b]]
    layout = lay_out(layer, edges, BOX_WIDTH, LANE, GAP_X)

    # From the top: a band's padding, its rows with gaps between, its padding, the gap to the next band.
    top: list[float] = []
    height: list[float] = [max(box.height for name, box in boxes.items() if layer[name] == row) for row in range(first)]
    bands: dict[str, tuple[float, float]] = {}
    y = MARGIN + 34.0
    for stage in stages:
        start = y
        y += BAND_PADDING
        for row in sorted({layer[name] for name in boxes if boxes[name].stage == stage}):
            top.append(y)
            y += height[row] + GAP_Y
        y += BAND_PADDING - GAP_Y
        bands[stage] = (start, y)
        y += BAND_GAP
    every = [*layout.x.values(), *(bend for bends in layout.bends.values() for bend in bends)]
    shift = MARGIN + GUTTER + BOX_WIDTH / 2 - min(every)
    width = max(every) + shift + BOX_WIDTH / 2 + MARGIN + BAND_PADDING
    x = {name: place + shift for name, place in layout.x.items()}

    parts = [f'<text class="stage" x="{MARGIN}" y="{MARGIN + 14}">{escape(title)}</text>']
    for stage, (start, end) in bands.items():
        number = sum(box.jobs for box in boxes.values() if box.stage == stage)
        parts.append(
            f'<rect class="band" x="{MARGIN}" y="{start:.0f}" width="{width - 2 * MARGIN:.0f}" height="{end - start:.0f}" rx="8"/>'
            f'<text class="stage" x="{MARGIN + 14}" y="{start + 32:.0f}">{escape(stage)}</text>'
            f'<text class="small" x="{MARGIN + 14}" y="{start + 49:.0f}">{number} job{"s" * (number != 1)}</text>'
        )
    leaves, enters = ports(x, layout.bends, shift, 0.7 * BOX_WIDTH)
    for edge in edges:
        a, b = edge
        points = [(leaves[edge], top[layer[a]] + boxes[a].height), (leaves[edge], top[layer[a]] + height[layer[a]])]
        for row, bend in enumerate(layout.bends[edge], start=layer[a] + 1):
            points += [(bend + shift, top[row]), (bend + shift, top[row] + height[row])]
        parts.append(line([*points, (enters[edge], top[layer[b]] - 5)]))
    parts += [drawn(box, x[name] - BOX_WIDTH / 2, top[layer[name]]) for name, box in boxes.items()]
    return svg_page(width, y, title, parts)


def drawn(box: Box, x: float, y: float) -> str:
    """A box with its text."""
    texts = [f'<text class="rule" x="{x + 12:.0f}" y="{y + BOX_PADDING + 11:.0f}">{escape(box.title)}</text>']
    for place, text in enumerate(box.lines, start=1):
        kind = "small count" if place == 1 else "small"
        texts.append(f'<text class="{kind}" x="{x + 12:.0f}" y="{y + BOX_PADDING + 11 + place * LINE_HEIGHT:.0f}">{escape(text)}</text>')
    frame = f'<rect class="box" x="{x:.0f}" y="{y:.0f}" width="{BOX_WIDTH}" height="{box.height:.0f}" rx="6"/>'
    return f"<g class='{'gpu' if box.gpus else 'cpu'}'>{frame}{''.join(texts)}</g>"


if __name__ == "__main__":
    run_program(main)
