"""Draw a run's rule graph as SVG and as Mermaid, from Snakemake's own account of it.

    python workflow/scripts/draw_rule_graph.py --configfile config/config.yaml --svg rulegraph.svg --mermaid rulegraph.mmd

A rule stands below the last of its inputs; boxes are placed by shopbench/layers.py, so that a picture needs no Graphviz.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from xml.sax.saxutils import escape

from shopbench.files import run_program, whole_text
from shopbench.graph_picture import line, ports, svg_page
from shopbench.layers import lay_out, layers_of, without_shortcuts
from shopbench.marked_page import write_marked_part
from shopbench.rule_graph import between_boxes, box_of_rules, read_graph

BOX_WIDTH, BOX_HEIGHT, LANE, GAP_X, GAP_Y, MARGIN = 204, 34, 10, 22, 34, 16


def svg(nodes: list[str], edges: list[tuple[str, str]], title: str) -> str:
    """The graph from top to bottom as a standalone picture, readable on light and dark pages."""
    layer = layers_of(nodes, edges)
    layout = lay_out(layer, edges, BOX_WIDTH, LANE, GAP_X)
    every = [*layout.x.values(), *(bend for bends in layout.bends.values() for bend in bends)]
    shift = MARGIN + BOX_WIDTH / 2 - min(every)
    x = {node: place + shift for node, place in layout.x.items()}
    top = {row: MARGIN + row * (BOX_HEIGHT + GAP_Y) for row in range(max(layer.values()) + 1)}

    leaves, enters = ports(x, layout.bends, shift, 0.7 * BOX_WIDTH)
    parts = []
    for edge in edges:
        points = [(leaves[edge], float(top[layer[edge[0]]] + BOX_HEIGHT))]
        for row, bend in enumerate(layout.bends[edge], start=layer[edge[0]] + 1):
            points += [(bend + shift, top[row]), (bend + shift, top[row] + BOX_HEIGHT)]
        parts.append(line([*points, (enters[edge], top[layer[edge[1]]] - 5)]))
    for node in nodes:
        y = top[layer[node]]
        parts.append(f'<rect class="box" x="{x[node] - BOX_WIDTH / 2:.0f}" y="{y}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="6"/>')
        parts.append(f'<text class="rule" text-anchor="middle" x="{x[node]:.0f}" y="{y + BOX_HEIGHT / 2 + 4:.0f}">{escape(node)}</text>')
    return svg_page(max(every) + shift + BOX_WIDTH / 2 + MARGIN, max(top.values()) + BOX_HEIGHT + MARGIN, title, parts)


def mermaid(edges: list[tuple[str, str]]) -> str:
    """The graph as a Mermaid flow chart, for a README."""
    number = {node: index for index, node in enumerate(dict.fromkeys(node for edge in edges for node in edge))}
    boxes = "".join(f'  {index}["{node}"]\n' for node, index in number.items())
    return "flowchart TD\n" + boxes + "".join(f"  {number[a]} --> {number[b]}\n" for a, b in edges)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--configfile", type=Path, required=True, help="the run to draw")
    parser.add_argument("--svg", type=Path, required=True, help="picture to write")
    parser.add_argument("--mermaid", type=Path, required=True, help="text to write")
    parser.add_argument("--readme", type=Path, help="page whose lines between the `rule graph` marks become the Mermaid chart")
    arguments = parser.parse_args()
    rules, feeds = read_graph([str(arguments.configfile)], [sys.executable, "-m", "snakemake"])
    box_of = box_of_rules(rules, feeds)
    nodes = list(dict.fromkeys(box_of[rule] for rule in rules))
    edges = without_shortcuts(nodes, between_boxes(feeds, box_of))
    with whole_text(arguments.svg) as stream:
        stream.write(svg(nodes, edges, f"rule graph of {arguments.configfile}"))
    with whole_text(arguments.mermaid) as stream:
        stream.write(mermaid(edges))
    if arguments.readme:
        write_marked_part(arguments.readme, "rule graph", f"```mermaid\n{mermaid(edges)}```\n")


if __name__ == "__main__":
    run_program(main)
