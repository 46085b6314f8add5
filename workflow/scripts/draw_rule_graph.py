"""Draw a run's rule graph as SVG and as Mermaid, from Snakemake's own account of it.

    python workflow/scripts/draw_rule_graph.py --configfile config/config.yaml --svg rulegraph.svg --mermaid rulegraph.mmd

The layout is the classic layered one: a rule stands one column right of the last of its inputs, and columns are ordered by the mean
position of their neighbours (Sugiyama et al. 1981), so that arrows cross little.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path
from xml.sax.saxutils import escape

from shopbench.files import BadInput, run_program, whole_text
from shopbench.marked_page import write_marked_part

BOX_WIDTH, BOX_HEIGHT, GAP_X, GAP_Y, MARGIN = 168, 30, 54, 16, 20
# build_env feeds nearly every rule; its arrows would hide all others.
HIDDEN = {"build_env"}


def read_graph(configfile: Path) -> tuple[list[str], list[tuple[str, str]]]:
    """Rule names and (producer, consumer) pairs of the run that `configfile` describes."""
    command = [sys.executable, "-m", "snakemake", "--rulegraph", "dot", "--forceall", "--configfile", str(configfile)]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        raise BadInput(f"{configfile}: Snakemake cannot read this run: {result.stderr.strip().splitlines()[-1]}")
    names = {number: label.split("\\n")[0] for number, label in re.findall(r'^\s*(\d+)\[label = "([^"]+)"', result.stdout, re.M)}
    arrows = re.findall(r"^\s*(\d+) -> (\d+)", result.stdout, re.M)
    # A rule that feeds itself (a second round of training) needs no arrow.
    edges = [(names[a], names[b]) for a, b in arrows if a != b]
    # Sorted, because Snakemake lists them in another order each time.
    return sorted(set(names.values()) - HIDDEN), sorted(e for e in edges if not HIDDEN & set(e))


def grouped(nodes: list[str], edges: list[tuple[str, str]]) -> tuple[list[str], list[tuple[str, str]]]:
    """Rules with one verb that feed the same rules become one box, `draw_* (8 rules)`: the graph stays readable with many figures."""
    families: dict[tuple[str, frozenset[str]], list[str]] = {}
    for node in nodes:
        families.setdefault((node.split("_")[0], frozenset(b for a, b in edges if a == node)), []).append(node)
    label = {}
    for (verb, _), members in families.items():
        for node in members:
            label[node] = f"{verb}_* ({len(members)} rules)" if len(members) > 1 else node
    return list(dict.fromkeys(label.values())), list(dict.fromkeys((label[a], label[b]) for a, b in edges if label[a] != label[b]))


def without_shortcuts(nodes: list[str], edges: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The transitive reduction: an arrow that a longer path says already is left out."""
    after: dict[str, set[str]] = {n: {b for a, b in edges if a == n} for n in nodes}

    def reaches(start: str, goal: str) -> bool:
        return any(n == goal or reaches(n, goal) for n in after[start])

    return [(a, b) for a, b in edges if not any(reaches(n, b) for n in after[a] - {b})]


def columns_of(nodes: list[str], edges: list[tuple[str, str]]) -> list[list[str]]:
    """Rules by layer, each layer ordered by the mean position of its neighbours."""
    before = {n: [a for a, b in edges if b == n] for n in nodes}
    depth: dict[str, int] = {}

    def depth_of(node: str) -> int:
        if node not in depth:
            depth[node] = 1 + max((depth_of(a) for a in before[node]), default=-1)
        return depth[node]

    columns: list[list[str]] = [[] for _ in range(max(map(depth_of, nodes)) + 1)]
    for node in nodes:
        columns[depth[node]].append(node)
    neighbours = {n: [b if a == n else a for a, b in edges if n in (a, b)] for n in nodes}
    for _ in range(8):
        place = {n: (i + 0.5) / len(column) for column in columns for i, n in enumerate(column)}
        for column in columns:
            column.sort(key=lambda n: sum(place[m] for m in neighbours[n]) / max(1, len(neighbours[n])))
    return columns


def svg(nodes: list[str], edges: list[tuple[str, str]]) -> str:
    """The graph as a standalone picture, readable on light and dark pages."""
    columns = columns_of(nodes, edges)
    height = max(len(c) for c in columns) * (BOX_HEIGHT + GAP_Y) - GAP_Y + 2 * MARGIN
    width = len(columns) * (BOX_WIDTH + GAP_X) - GAP_X + 2 * MARGIN
    at = {}
    for x, column in enumerate(columns):
        top = (height - len(column) * (BOX_HEIGHT + GAP_Y) + GAP_Y) / 2
        for y, node in enumerate(column):
            at[node] = (MARGIN + x * (BOX_WIDTH + GAP_X), top + y * (BOX_HEIGHT + GAP_Y))
    lines = []
    for a, b in edges:
        x1, y1 = at[a][0] + BOX_WIDTH, at[a][1] + BOX_HEIGHT / 2
        x2, y2 = at[b][0], at[b][1] + BOX_HEIGHT / 2
        bend = max(GAP_X, (x2 - x1) / 2)
        lines.append(f'<path d="M{x1:.0f} {y1:.0f}C{x1 + bend:.0f} {y1:.0f} {x2 - bend:.0f} {y2:.0f} {x2:.0f} {y2:.0f}"/>')
    boxes = [
        f'<rect x="{x:.0f}" y="{y:.0f}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="6"/>'
        f'<text x="{x + BOX_WIDTH / 2:.0f}" y="{y + BOX_HEIGHT / 2 + 4:.0f}">{escape(node)}</text>'
        for node, (x, y) in at.items()
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="rule graph">\n'
        "<style>rect{fill:#eef3f8;stroke:#4a6a8a}path{fill:none;stroke:#8aa0b4;stroke-width:1.4}"
        "text{font:12px sans-serif;text-anchor:middle;fill:#1d2b38}</style>\n" + "\n".join(lines + boxes) + "\n</svg>\n"
    )


def mermaid(edges: list[tuple[str, str]]) -> str:
    """The graph as a Mermaid flow chart, for a README."""
    number = {node: index for index, node in enumerate(dict.fromkeys(node for edge in edges for node in edge))}
    boxes = "".join(f'  {index}["{node}"]\n' for node, index in number.items())
    return "flowchart LR\n" + boxes + "".join(f"  {number[a]} --> {number[b]}\n" for a, b in edges)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--configfile", type=Path, required=True, help="the run to draw")
    parser.add_argument("--svg", type=Path, required=True, help="picture to write")
    parser.add_argument("--mermaid", type=Path, required=True, help="text to write")
    parser.add_argument("--readme", type=Path, help="page whose lines between the `rule graph` marks become the Mermaid chart")
    arguments = parser.parse_args()
    nodes, edges = read_graph(arguments.configfile)
    nodes, edges = grouped(nodes, edges)
    edges = without_shortcuts(nodes, edges)
    with whole_text(arguments.svg) as stream:
        stream.write(svg(nodes, edges))
    with whole_text(arguments.mermaid) as stream:
        stream.write(mermaid(edges))
    if arguments.readme:
        write_marked_part(arguments.readme, "rule graph", f"```mermaid\n{mermaid(edges)}```\n")


if __name__ == "__main__":
    run_program(main)
