"""Why a job would run, in words: the changed file, key of config, lock or command, from what Snakemake recorded when its outputs were made.

What is known of a job is PlannedJob.cause (shopbench/planned_jobs.py): everything in it comes from Snakemake. A parameter that changed is
looked up in the run's config files, since a person edits those: a key is named only where its name, its value now and, if the finished
run's config is there, its value then agree.
"""

from __future__ import annotations

import ast
import csv
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from shopbench.planned_jobs import PlannedJob

# A value that is longer is cut: a line stays a line.
LONGEST = 60
ABSENT = object()
Flat = dict[str, Any]


@dataclass(frozen=True)
class Cause:
    """One reason of one job. A job whose causes are all of kind "after" runs only because others do."""

    job: str
    kind: str
    text: str


@dataclass(frozen=True)
class Settings:
    """A run's config: every key's value now (resolved), as the finished run had it (None if unknown), and where it stands."""

    now: Flat
    then: Flat | None
    places: dict[str, str]


def causes_of(jobs: Sequence[PlannedJob], settings: Settings, tables: Sequence[Path] = ()) -> list[Cause]:
    """All causes of all jobs, those of their own first."""
    makers = {path: job for job in jobs for path in job.output}
    found = [cause for job in jobs for cause in [*own_causes(job, settings, tables), *after(job, makers)]]
    return sorted(found, key=lambda cause: cause.kind == "after")


def own_causes(job: PlannedJob, settings: Settings, tables: Sequence[Path]) -> list[Cause]:
    """What changed for this job alone."""
    known, found = job.cause, []
    if known["forced"]:
        found.append(("forced", "asked for"))
    # Of a job that nothing else calls for, the outputs that are not there.
    for path, was_made in known["missing"].items():
        found.append(("missing", f"{path}: {'made before, now gone' if was_made else 'never made'}"))
    for path in known["updated"]:
        found.append(("lock" if is_lock(path) else "file", f"{path}: other content than when {job.output[0]} was made"))
    if known["recorded"]:
        found += [("file", f"{path}: newly used") for path in known["inputs_added"]]
        found += [("file", f"{path}: no longer used") for path in known["inputs_gone"]]
    for name, now, then in changed_parameters(known["params"], known["params_before"]):
        found.append(named(name, now, then, job, settings, tables))
    if known["code"]:
        found.append(("rule", f"{Path(known['rule_file']).name}: {changed_line(*known['code'][:2])}"))
    return [Cause(job.name, kind, text) for kind, text in found]


def after(job: PlannedJob, makers: Mapping[str, PlannedJob]) -> list[Cause]:
    """One cause that names the jobs whose outputs this one reads; many of one rule are counted."""
    before: dict[str, set[str]] = {}
    for path in job.cause["from_jobs"]:
        if path in makers:
            before.setdefault(makers[path].rule, set()).add(makers[path].name)
    parts = [next(iter(names)) if len(names) == 1 else f"{rule} ({len(names)} jobs)" for rule, names in sorted(before.items())]
    return [Cause(job.name, "after", ", ".join(parts))] if parts else []


def is_lock(path: str) -> bool:
    return bool(re.fullmatch(r"envs/.*\.txt|\.envs/.*/lock\.txt", path))


# parameters


def changed_parameters(now: Mapping[str, Any], before: Sequence[str]) -> list[tuple[str, Any, Any]]:
    """(name, value now, value then) of each key that differs; ABSENT on the side that has none.

    Snakemake records parameters as Python literals without names: each of today's is met with the recorded one most like it.
    """
    left = [parsed(ast.literal_eval(text)) for text in before]
    changed: list[tuple[str, Any, Any]] = []
    for name, value in now.items():
        value = parsed(value)
        old = max(left, key=lambda candidate: likeness(value, candidate), default=ABSENT)
        if old is not ABSENT and likeness(value, old) > 0:
            left.remove(old)
        else:
            old = ABSENT
        ours, theirs = flat(value, name), flat(old, name) if old is not ABSENT else {}
        keys = [key for key in dict.fromkeys([*ours, *theirs]) if ours.get(key, ABSENT) != theirs.get(key, ABSENT)]
        changed += [(key, ours.get(key, ABSENT), theirs.get(key, ABSENT)) for key in keys]
    return changed + [("a parameter", ABSENT, value) for value in left]


def parsed(value: Any) -> Any:
    """JSON in a string as what it says."""
    if isinstance(value, str) and value[:1] in "{[":
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def likeness(one: Any, other: Any) -> float:
    """From 0 to 1: the share of keys in common, or of entries, or 0.1 for plain values of one type (numbers are one)."""
    if isinstance(one, dict) and isinstance(other, dict):
        return len(one.keys() & other.keys()) / max(1, len(one.keys() | other.keys()))
    if isinstance(one, list) and isinstance(other, list):
        return max(0.1, sum(entry in other for entry in one) / max(1, len(one), len(other)))
    kinds = [("number" if isinstance(value, (int, float)) else type(value)) for value in (one, other)]
    return 0.1 if kinds[0] == kinds[1] else 0


def flat(value: Any, name: str = "") -> Flat:
    """Nested dictionaries as dotted keys; lists stay whole."""
    if not isinstance(value, dict) or not value:
        return {name: value}
    return {path: leaf for key, entry in value.items() for path, leaf in flat(entry, f"{name}.{key}" if name else str(key)).items()}


def named(key: str, now: Any, then: Any, job: PlannedJob, settings: Settings, tables: Sequence[Path]) -> tuple[str, str]:
    """(kind, text) of one changed parameter, by its key of config or its cell of a table, if it is one."""
    change = f"{value_text(then)} -> {value_text(now)}"
    if path := config_key(key, now, then, job, settings):
        return "config", f"{path}: {change}{place_of(path, settings.places)}"
    column = key.split(".")[-1]
    for table in tables:
        rows = csv.DictReader(table.read_text(encoding="utf-8").splitlines(), delimiter="\t")
        for line, row in enumerate(rows, start=2):
            if next(iter(row.values())) in job.wildcards.values() and row.get(column) == str(now):
                return "table", f"{column}: {change} ({table}, line {line})"
    return "parameter", f"{key}: {change}"


def place_of(path: str, places: Mapping[str, str]) -> str:
    """Where a key stands: its own line, or that of what it inherits, as adapters.v8.training.epochs does from training.epochs."""
    parts = path.split(".")
    for start in range(len(parts)):
        if (inherited := ".".join(parts[start:])) in places and (start == 0 or start < len(parts) - 1):
            return places[inherited]
    return ""


def config_key(key: str, now: Any, then: Any, job: PlannedJob, settings: Settings) -> str | None:
    """The one key of the config that a parameter's key stands for, or None.

    The config as a whole is one job's parameter. Else the last part is the key's, and the values agree; of several such keys, the one
    that the job's wildcards name.
    """
    whole = key.removeprefix("config.")
    sides = [(settings.now, now)] + ([(settings.then, then)] if settings.then is not None else [])
    if whole != key and any(whole in side for side, _ in sides):
        return whole
    last = key.split(".")[-1]
    paths = [path for path in dict.fromkeys(path for side, _ in sides for path in side) if path.split(".")[-1] == last]
    agreeing = [path for path in paths if all(side.get(path, ABSENT) == value for side, value in sides)]
    # A default that one adapter overrides: the finished run's config has no such key for it.
    loosely = [path for path in paths if settings.now.get(path, ABSENT) == now and now is not ABSENT]
    for candidates in (agreeing, loosely):
        if len(candidates) > 1:
            candidates = [path for path in candidates if set(path.split(".")) & set(job.wildcards.values())]
        if len(candidates) == 1:
            return candidates[0]
    return None


def value_text(value: Any) -> str:
    return "(none)" if value is ABSENT else cut(json.dumps(value, ensure_ascii=False, default=str))


def changed_line(now: str, then: str) -> str:
    """Words of a rule's command that differ, before -> after: flags, placeholders, programs."""
    ours, theirs = now.split(), then.split()
    gone, new = (" ".join(word for word in a if word not in b) or "(nothing)" for a, b in ((theirs, ours), (ours, theirs)))
    return f"its command: {cut(gone)} -> {cut(new)}"


def cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


# config files


def places_of(files: Sequence[Path]) -> dict[str, str]:
    """` (file, line n)` of every key; where several files say it, the last."""
    found: dict[str, str] = {}

    def walk(node: yaml.Node, path: str, file: Path) -> None:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                inner = f"{path}.{key.value}" if path else key.value
                found[inner] = f" ({file}, line {key.start_mark.line + 1})"
                walk(value, inner, file)

    for file in files:
        if node := yaml.compose(file.read_text(encoding="utf-8")):
            walk(node, "", file)
    return found


def count_text(causes: Sequence[Cause], jobs: int) -> str:
    """`7 jobs would run: 1 for changes of its own (1 config), 6 after others.`"""
    own = {cause.job for cause in causes if cause.kind != "after"}
    kinds = Counter(kind for _, kind in {(cause.job, cause.kind) for cause in causes if cause.kind != "after"})
    listed = ", ".join(f"{kind} {number}" for kind, number in sorted(kinds.items()))
    return f"{jobs} job{'s' * (jobs != 1)} would run: {len(own)} with a cause of their own ({listed}), {jobs - len(own)} after others."
