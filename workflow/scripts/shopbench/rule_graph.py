"""A run's rule graph, from Snakemake's own account of it, small enough to draw."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence

from shopbench.files import BadInput
from shopbench.layers import Edge

# build_env feeds nearly every rule; its arrows would hide all others.
HIDDEN = {"build_env"}


def read_graph(configfiles: Sequence[str], snakemake: Sequence[str]) -> tuple[list[str], list[Edge]]:
    """Rules and (producer, consumer) pairs of the run that these config files describe; `snakemake` is the command that starts it."""
    command = [*snakemake, "--rulegraph", "dot", "--forceall", *(["--configfile", *configfiles] if configfiles else [])]
    result = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if result.returncode != 0:
        raise BadInput(f"{', '.join(configfiles)}: Snakemake cannot read this run: {(result.stderr.strip().splitlines() or ['?'])[-1]}")
    names = {number: label.split("\\n")[0] for number, label in re.findall(r'^\s*(\d+)\[label = "([^"]+)"', result.stdout, re.M)}
    # A rule that feeds itself (a second round of training) needs no arrow.
    edges = [(names[a], names[b]) for a, b in re.findall(r"^\s*(\d+) -> (\d+)", result.stdout, re.M) if a != b]
    # Sorted, because Snakemake lists them in another order each time.
    return sorted(set(names.values()) - HIDDEN), sorted(edge for edge in edges if not HIDDEN & set(edge))


def box_of_rules(rules: Sequence[str], edges: Sequence[Edge], stages: Mapping[str, str] | None = None) -> dict[str, str]:
    """Each rule's box. Rules of one verb (and stage) that feed the same rules share one, `draw_* (8 rules)`: many figures stay readable."""
    families: dict[tuple[str, str, frozenset[str]], list[str]] = {}
    for rule in rules:
        stage = stages[rule] if stages else ""
        families.setdefault((rule.split("_")[0], stage, frozenset(b for a, b in edges if a == rule)), []).append(rule)
    return {
        rule: f"{verb}_* ({len(members)} rules)" if len(members) > 1 else rule
        for (verb, _, _), members in families.items()
        for rule in members
    }


def between_boxes(edges: Sequence[Edge], box_of: Mapping[str, str]) -> list[Edge]:
    """The arrows between different boxes, each once."""
    return list(dict.fromkeys((box_of[a], box_of[b]) for a, b in edges if box_of[a] != box_of[b]))
