"""What a run would do and cost, before anything is submitted: jobs by rule, where they run, what they ask for, hours, GPU-hours, bytes.

    python workflow/scripts/plan_run.py --configfile config/7b.yaml
    python workflow/scripts/plan_run.py --configfile config/config.yaml --whole --markdown
    python workflow/scripts/plan_run.py --readme README.md          (the whole runs of the README, between its `plan` marks)

Jobs, resources and groups are Snakemake's own (a dry run with an executor that writes them down); partitions are those that the SLURM
plugin would choose; hours and bytes are estimates (shopbench/estimates.py), none of them measured on a GPU. Nothing is made or submitted.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from shopbench.config import engine_of, precision_answered
from shopbench.estimates import HOW, PAPER_MODEL, Estimate, Run, estimate, paper_comparison, read_run
from shopbench.files import run_program
from shopbench.marked_page import write_marked_part
from shopbench.planned_jobs import PROFILES, PlannedJob, planned_jobs
from shopbench.site_partitions import Site, cpus_of, gpus_of, nodes_of, partition_of, read_partitions, read_profile, uses_slurm
from shopbench.training_memory import gpu_memory

README_RUNS = ["config/config.yaml", "config/7b.yaml", "config/demo.yaml"]
LOCAL, THIS_MACHINE, NOWHERE = "login node", "this machine", "no partition"
HEADER = ["jobs", "number", "where", "GPUs", "CPUs", "memory, GB", "limit", "each", "all", "GPU-hours", "how"]
# What stays in a brief table as a row of its own: jobs with GPUs, and this share of all hours.
BRIEF_SHARE = 0.02
# Of the longest chain of jobs, those that are worth a name.
SLOW_RULES = ("train_adapter", "pretrain_demo_base", "quantize_model", "answer_questions")
Table = tuple[list[str], list[list[str]]]


@dataclass(frozen=True)
class Asked:
    """Where a job runs and what it asks for; jobs with the same values share a row."""

    where: str
    gpus: int
    gpu_model: str
    cpus: int
    memory_mb: int
    limit_minutes: int


@dataclass
class Row:
    """Jobs of one rule (or of several alike) that ask for the same."""

    rules: list[str]
    asked: Asked
    how: str
    hours: list[float] = field(default_factory=list)
    submissions: set[int] = field(default_factory=set)
    group: str | None = None

    @property
    def gpu_hours(self) -> float:
        return self.asked.gpus * sum(self.hours)


@dataclass(frozen=True)
class Plan:
    """A run's jobs with their estimates."""

    configfiles: list[Path]
    run: Run
    jobs: list[PlannedJob]
    estimates: list[Estimate]
    site: Site | None


def main() -> None:
    arguments = parse_arguments()
    if arguments.readme:
        write_marked_part(arguments.readme, "plan", readme_part())
        return
    plan = make_plan(arguments.configfile, arguments.profile, arguments.whole)
    print("\n".join(page(plan, arguments.markdown)))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--configfile", type=Path, nargs="+", default=[Path("config/config.yaml")], help="the run; later files lie over earlier"
    )
    parser.add_argument("--profile", type=Path, help="Snakemake profile (default: profiles/slurm, or profiles/demo for a run without GPUs)")
    parser.add_argument("--whole", action="store_true", help="all jobs of the run (default: those that are still to do)")
    parser.add_argument("--markdown", action="store_true", help="a short page in Markdown: small jobs in one row")
    parser.add_argument(
        "--readme", type=Path, help="page whose lines between the `plan` marks become the plans of the paper, 7b and the demo"
    )
    return parser.parse_args()


def make_plan(configfiles: Sequence[Path], profile: Path | None, whole: bool) -> Plan:
    run = read_run(configfiles)
    profile = profile or PROFILES[run.config["accelerator"]]
    jobs = sorted(planned_jobs(configfiles, profile, whole), key=lambda job: (job.rule, list(job.wildcards.values())))
    site = read_partitions() if uses_slurm(read_profile(profile)) else None
    return Plan(list(configfiles), run, jobs, [estimate(job, run) for job in jobs], site)


# rows


def asked_of(job: PlannedJob, site: Site | None) -> Asked:
    """What the row of a job says; a job that runs where Snakemake does asks a scheduler for nothing."""
    asked = job.submitted
    (gpus, model), nodes = gpus_of(asked), nodes_of(asked)
    memory, cpus = int(asked.get("mem_mb", 0)), cpus_of(asked)
    if site is None:
        return Asked(THIS_MACHINE, gpus, model, cpus, memory, 0)
    if job.local:
        return Asked(LOCAL, 0, "", 0, 0, 0)
    where = partition_of(site, asked, job.rule) or NOWHERE
    return Asked(where, gpus * nodes, model, cpus, memory, int(asked.get("runtime", 0)))


def rows_of_plan(plan: Plan) -> list[Row]:
    """A row for each rule, resources and kind of estimate, GPU jobs first, then the longest. Groups of one name share rows, whatever their
    number of jobs, with what the largest asks for: Snakemake deals jobs out to groups in no fixed order.
    """
    rows: dict[tuple[Any, ...], Row] = {}
    for job, made in zip(plan.jobs, plan.estimates, strict=True):
        asked = asked_of(job, plan.site)
        same = (asked.where, asked.gpus, asked.gpu_model) if job.group else asked
        row = rows.setdefault((job.rule, job.group, same, made.how), Row([job.rule], asked, made.how, group=job.group))
        row.asked = largest(row.asked, asked)
        row.hours.append(made.hours)
        row.submissions.add(job.submission)
    return sorted(families(rows.values()), key=lambda row: (-row.gpu_hours, -sum(row.hours), row.rules))


def largest(one: Asked, other: Asked) -> Asked:
    """The most CPUs, memory and time of the two."""
    most = {name: max(getattr(one, name), getattr(other, name)) for name in ("cpus", "memory_mb", "limit_minutes")}
    return replace(one, **most)


def families(rows: Iterable[Row]) -> list[Row]:
    """Rules of one group share a row, and so do rules with one verb that ask for the same, a job each: draw_* (8 rules)."""
    merged: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        alone = len(row.hours) == 1 and row.how in ("small", "demo")
        family = row.group or (row.rules[0].split("_")[0] if alone else row.rules[0])
        key = (family, alone and row.group is None, row.asked, row.how)
        if key in merged:
            join(merged[key], row)
        else:
            merged[key] = row
    return list(merged.values())


def fold_small(rows: Sequence[Row]) -> list[Row]:
    """Rows without GPUs and of few hours become one for each place."""
    every = sum(sum(row.hours) for row in rows)
    kept = [row for row in rows if row.asked.gpus or sum(row.hours) >= BRIEF_SHARE * every]
    folded: dict[str, Row] = {}
    for row in rows:
        if row not in kept:
            where = row.asked.where
            join(folded.setdefault(where, Row([], Asked(where, 0, "", 0, 0, 0), "")), row)
    return kept + list(folded.values())


def join(row: Row, other: Row) -> None:
    """Count the jobs of `other` in `row`."""
    row.rules += other.rules
    row.hours += other.hours
    row.submissions |= other.submissions


def label(row: Row) -> str:
    names = list(dict.fromkeys(row.rules))
    if len(names) == 1:
        return names[0]
    if row.group:
        return f"group {row.group} ({len(names)} rules)"
    verbs = {name.split("_")[0] for name in names}
    return f"{verbs.pop()}_* ({len(names)} rules)" if len(verbs) == 1 else f"{len(names)} small rules"


def time_text(hours: float) -> str:
    """Minutes below an hour and a half, else hours."""
    if 60 * hours < 1:
        return "< 1 min" if hours else "0"
    return f"{60 * hours:.0f} min" if hours < 1.5 else f"{hours:.1f} h" if hours < 10 else f"{hours:,.0f} h"


def span_text(low: float, high: float) -> str:
    """`3.6 to 21 h`."""
    texts = time_text(low), time_text(high)
    if texts[0] == texts[1]:
        return texts[0]
    same_unit = texts[0].split()[-1] == texts[1].split()[-1] and not texts[0].startswith("<")
    return f"{texts[0].split()[0] if same_unit else texts[0]} to {texts[1]}"


def cells_of(row: Row) -> list[str]:
    asked = row.asked
    shared = len(row.submissions) < len(row.hours) and asked.where not in (LOCAL, THIS_MACHINE)
    number = f"{len(row.hours)} in {len(row.submissions)}" if shared else str(len(row.hours))
    return [
        label(row),
        number,
        asked.where,
        f"{asked.gpus} x {asked.gpu_model or 'any'}" if asked.gpus else "",
        str(asked.cpus or ""),
        f"{asked.memory_mb / 1000:.0f}" if asked.memory_mb >= 1000 else f"{asked.memory_mb / 1000:.1f}" if asked.memory_mb else "",
        time_text(asked.limit_minutes / 60) if asked.limit_minutes else "",
        span_text(min(row.hours), max(row.hours)),
        time_text(sum(row.hours)),
        f"{row.gpu_hours:,.1f}" if asked.gpus else "",
        row.how,
    ]


# sums


def gigabytes(size: float) -> str:
    return f"{size / 1e9:,.0f} GB" if size >= 10e9 else f"{size / 1e9:.1f} GB"


def longest_chain(jobs: Sequence[PlannedJob], hours: Sequence[float]) -> tuple[float, list[str]]:
    """(hours, jobs) of the chain of jobs, each waiting for the one before, that takes longest: the run with no queue and nodes enough."""
    maker = {path: number for number, job in enumerate(jobs) for path in job.output}
    chains: dict[int, tuple[float, list[str]]] = {}

    def chain_to(number: int) -> tuple[float, list[str]]:
        if number not in chains:
            before = [chain_to(other) for other in {maker[path] for path in jobs[number].input if path in maker} - {number}]
            taken, names = max(before, default=(0.0, []))
            chains[number] = (taken + hours[number], [*names, jobs[number].name])
        return chains[number]

    return max((chain_to(number) for number in range(len(jobs))), default=(0.0, []))


def totals(plan: Plan) -> list[str]:
    """Lines of sums: jobs, GPU-hours by model, the longest chain, bytes."""
    hours = [made.hours for made in plan.estimates]
    places = [asked_of(job, plan.site) for job in plan.jobs]
    gpu_hours: dict[str, float] = {}
    for asked, spent in zip(places, hours, strict=True):
        if asked.gpus:
            model = asked.gpu_model or "any"
            gpu_hours[model] = gpu_hours.get(model, 0) + asked.gpus * spent
    submitted = len({job.submission for job, asked in zip(plan.jobs, places, strict=True) if asked.where not in (LOCAL, THIS_MACHINE)})
    local = sum(asked.where == LOCAL for asked in places)
    counted = f"{len(plan.jobs)} jobs" + (f": {submitted} submissions to SLURM, {local} on the login node" if plan.site else "")
    chain_hours, chain = longest_chain(plan.jobs, hours)
    slowest = [name for name in chain if name.split()[0] in SLOW_RULES]
    disk = [item for made in plan.estimates for item in made.disk]
    kept, whole = sum(item.bytes for item in disk if item.kept), sum(item.bytes for item in disk)
    by_place = {place: sum(item.bytes for item in disk if item.place == place) for place in {item.place for item in disk}}
    sizes = sorted(by_place.items(), key=lambda item: -item[1])
    places_text = ", ".join(f"{place} {gigabytes(size)}" for place, size in sizes if size >= 50e6)
    lines = [
        f"{counted}.",
        "GPU-hours: " + (", ".join(f"{spent:,.0f} {model}" for model, spent in sorted(gpu_hours.items())) or "none") + ".",
        f"All jobs one after another: {time_text(sum(hours))}. The longest chain that waits for itself: {time_text(chain_hours)}"
        + (f" ({', '.join(slowest)})." if slowest else "."),
        f"To download: {gigabytes(sum(made.download for made in plan.estimates))}.",
        f"Disk: at most {gigabytes(whole)} at once, {gigabytes(kept)} when the run has ended. At most by place: {places_text or 'none'}.",
    ]
    return lines + [f"Warning: {line}" for line in [*unused_gpus(plan), *short_limits(plan)]]


def unused_gpus(plan: Plan) -> list[str]:
    """Jobs that ask for more GPUs, or fewer, than their program uses."""
    lines = []
    for rule in sorted({job.rule for job in plan.jobs}):
        numbers = {(asked_of(job, plan.site).gpus, gpus_used(job, plan.run.config)) for job in plan.jobs if job.rule == rule}
        for asked, used in sorted((asked, used) for asked, used in numbers if used is not None):
            if plan.site and asked != used:
                lines.append(
                    f"{rule} asks for {asked} GPUs and uses {used}; set-resources in the profile, or launch and inference in the config"
                )
    return lines


def short_limits(plan: Plan) -> list[str]:
    """What may take longer than its run-time limit: a job, a group's jobs one after another, and training with all its attempts, as it goes
    on where it stopped.
    """
    submissions: dict[int, list[tuple[PlannedJob, float]]] = {}
    for job, made in zip(plan.jobs, plan.estimates, strict=True):
        submissions.setdefault(job.submission, []).append((job, made.hours))
    lines = []
    for members in submissions.values():
        job, hours = members[0][0], sum(hours for _, hours in members)
        goes_on = job.attempts if job.rule == "train_adapter" else 1
        limit = asked_of(job, plan.site).limit_minutes / 60
        if limit and hours > goes_on * limit:
            name = f"a group of {job.group}" if job.group else job.name
            times = f" ({goes_on} attempts)" if goes_on > 1 else ""
            lines.append(f"{name} may take {time_text(hours)}, its limit is {time_text(limit)}{times}; raise `runtime` in the profile")
    return sorted(set(lines))


def gpus_used(job: PlannedJob, config: Mapping[str, Any]) -> int | None:
    """GPUs that a job's program spreads over, by the config; None for jobs that the config says nothing of."""
    if config["accelerator"] != "cuda":
        return None
    if job.rule == "train_adapter":
        return config["launch"]["processes"]
    if precision := precision_answered(job.rule, job.wildcards, config):
        return config["inference"][engine_of(precision)]["tensor_parallel"]
    return 1 if job.rule in ("quantize_model", "verify_quantized") else None


# pages


def memory_table(run: Run) -> Table:
    """GPU memory of training the run's base model, term by term."""
    terms = gpu_memory(run.shapes[run.config["base_model"]], run.config["training"])
    rows = [[term.what, term.formula, f"{term.bytes / 2**30:.1f}"] for term in terms]
    return ["training memory of a GPU", "formula", "GiB"], [
        *rows,
        ["sum", "an A100 has 80 (the small one 40)", f"{sum(term.bytes for term in terms) / 2**30:.1f}"],
    ]


def rows_and_sums(plan: Plan, brief: bool, markdown: bool) -> tuple[list[str], set[str]]:
    """(the table and the sums below it, the kinds of estimates in it)."""
    rows = fold_small(rows_of_plan(plan)) if brief else rows_of_plan(plan)
    lines = [*table_lines((HEADER, [cells_of(row) for row in rows]), markdown), "", *bullets(totals(plan), markdown)]
    return lines, {row.how for row in rows if row.how}


def reasons(kinds: set[str], markdown: bool) -> list[str]:
    """How each kind of job was estimated."""
    return bullets([f"{kind}: {text}" for kind, text in HOW.items() if kind in kinds], markdown)


def background(plan: Plan, markdown: bool) -> list[str]:
    """What the formulas say of the paper's model, and the memory of training; nothing for a run that trains nothing on GPUs."""
    config = plan.run.config
    lines: list[str] = []
    if config["models"][config["base_model"]].get("hub") == PAPER_MODEL:
        lines += ["", "The same formulas on what is public of the winners:", "", *bullets(paper_comparison(plan.run), markdown)]
    if config["accelerator"] == "cuda" and any(job.rule == "train_adapter" for job in plan.jobs):
        lines += ["", *table_lines(memory_table(plan.run), markdown)]
    return lines


def page(plan: Plan, markdown: bool) -> list[str]:
    """The lines of one plan: every rule for a terminal, small ones together in Markdown."""
    lines, kinds = rows_and_sums(plan, markdown, markdown)
    return [*lines, "", *reasons(kinds, markdown), *background(plan, markdown)]


def table_lines(table: Table, markdown: bool) -> list[str]:
    header, rows = table
    if markdown:
        return ["| " + " | ".join(header) + " |", "|" + "---|" * len(header), *("| " + " | ".join(row) + " |" for row in rows)]
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    # Columns of numbers are set right.
    right = [all(re.match(r"[\d<]|$", row[column]) for row in rows) for column in range(len(header))]
    aligned = [
        [cell.rjust(width) if numeric else cell.ljust(width) for cell, width, numeric in zip(row, widths, right, strict=True)]
        for row in [header, *rows]
    ]
    return ["  ".join(row).rstrip() for row in aligned]


def bullets(lines: Iterable[str], markdown: bool) -> list[str]:
    return [f"- {line}" if markdown else line for line in lines]


def readme_part() -> str:
    """The whole runs of the README in Markdown; reasons once for all, the background for the paper's."""
    lines: list[str] = []
    kinds: set[str] = set()
    plans = [make_plan([Path(name)], None, whole=True) for name in README_RUNS]
    for name, plan in zip(README_RUNS, plans, strict=True):
        table, used = rows_and_sums(plan, brief=True, markdown=True)
        lines += [f"### {name}", "", *table, ""]
        kinds |= used
    lines += ["### How it was estimated", "", *reasons(kinds, markdown=True), *background(plans[0], markdown=True), ""]
    return "\n".join(lines)


if __name__ == "__main__":
    run_program(main)
