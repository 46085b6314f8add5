"""Places for the boxes and lines of a layered graph, so that lines cross little and never run behind a box.

The classic way (Sugiyama, Tagawa and Toda 1981): a line that passes a layer gets a narrow place of its own in it, each layer is ordered
by the mean place of its neighbours, and then every place moves as near to its neighbours as the order allows (isotonic regression).
Nothing but the standard library: a picture of a run needs no Graphviz.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Edge = tuple[str, str]
ROUNDS = 24
# How strongly a place is drawn to the middle of the page, against its neighbours: without, long graphs drift to one side.
CENTRED = 0.12


@dataclass(frozen=True)
class Layout:
    """`x`: the middle of every node. `bends`: for each edge, the x at which it passes each layer between its ends, top to bottom."""

    x: dict[str, float]
    bends: dict[Edge, list[float]]


def without_rings(nodes: Sequence[str], edges: Sequence[Edge]) -> list[Edge]:
    """Without the arrows that lead back to where a path came from: jobs form no ring, but the rules that they are of may."""
    after: dict[str, list[str]] = {n: [b for a, b in edges if a == n] for n in nodes}
    on_path: set[str] = set()
    done: set[str] = set()
    back: set[Edge] = set()

    def walk(node: str) -> None:
        on_path.add(node)
        for following in after[node]:
            if following in on_path:
                back.add((node, following))
            elif following not in done:
                walk(following)
        on_path.remove(node)
        done.add(node)

    # From where nothing leads to first, so that what leads back is what came last.
    fed = {b for _, b in edges}
    for node in sorted(nodes, key=lambda n: n in fed):
        if node not in done:
            walk(node)
    return [edge for edge in edges if edge not in back]


def without_shortcuts(nodes: Sequence[str], edges: Sequence[Edge]) -> list[Edge]:
    """The transitive reduction: an arrow that a longer path says already is left out, and so is one that leads back."""
    edges = without_rings(nodes, edges)
    after: dict[str, set[str]] = {n: {b for a, b in edges if a == n} for n in nodes}

    def reaches(start: str, goal: str) -> bool:
        return any(n == goal or reaches(n, goal) for n in after[start])

    return [(a, b) for a, b in edges if not any(reaches(n, b) for n in after[a] - {b})]


def depths(nodes: Sequence[str], edges: Sequence[Edge]) -> dict[str, int]:
    """How many arrows the longest path to each node has; the arrows form no ring."""
    found: dict[str, int] = {}

    def depth(node: str) -> int:
        if node not in found:
            found[node] = 1 + max((depth(a) for a, b in edges if b == node), default=-1)
        return found[node]

    for node in nodes:
        depth(node)
    return found


def layers_of(nodes: Sequence[str], edges: Sequence[Edge]) -> dict[str, int]:
    """Each node's layer: below all that it needs; one that needs nothing stands just above the first that needs it."""
    layer = depths(nodes, edges)
    sources = [node for node in nodes if not any(b == node for _, b in edges)]
    return layer | {node: min((layer[b] for a, b in edges if a == node), default=1) - 1 for node in sources}


def lay_out(layer: Mapping[str, int], edges: Sequence[Edge], width: float, lane: float, gap: float) -> Layout:
    """Places for nodes in given layers. Edges go to a later layer; `width` is a node's, `lane` a passing line's, `gap` lies between."""
    rows: list[list[str]] = [[] for _ in range(max(layer.values()) + 1)]
    for node, number in layer.items():
        rows[number].append(node)
    above: dict[str, list[str]] = {node: [] for node in layer}
    below: dict[str, list[str]] = {node: [] for node in layer}
    lanes: dict[Edge, list[str]] = {}
    for edge in edges:
        lanes[edge] = [f"{edge[0]} > {edge[1]} @ {number}" for number in range(layer[edge[0]] + 1, layer[edge[1]])]
        for number, name in enumerate(lanes[edge], start=layer[edge[0]] + 1):
            rows[number].append(name)
            above[name], below[name] = [], []
        chain = [edge[0], *lanes[edge], edge[1]]
        for upper, lower in zip(chain, chain[1:], strict=False):
            below[upper].append(lower)
            above[lower].append(upper)

    x = {name: float(place) for row in rows for place, name in enumerate(row)}
    size = {name: width if name in layer else lane for name in x}
    for step in range(ROUNDS):
        # Down by what stands above, up by what stands below, and at the end by both.
        sides = [above, below][step % 2]
        for row in rows if step % 2 == 0 else reversed(rows):
            wanted = {name: mean_of([x[n] for n in sides[name]] or [x[name]]) for name in row}
            row.sort(key=lambda name: wanted[name])
            x.update(spread(row, wanted, size, gap))
    for row in rows:
        x.update(spread(row, dict.fromkeys(row, 0.0), size, gap))
    for _ in range(ROUNDS):
        for row in rows:
            wanted = {name: (1 - CENTRED) * mean_of([x[n] for n in above[name] + below[name]] or [0.0]) for name in row}
            x.update(spread(row, wanted, size, gap))
    return Layout({name: x[name] for name in layer}, {edge: [x[name] for name in names] for edge, names in lanes.items()})


def mean_of(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def spread(row: Sequence[str], wanted: Mapping[str, float], size: Mapping[str, float], gap: float) -> dict[str, float]:
    """Places in this order, as near to those wanted (least squares) as their sizes and gaps allow: pool adjacent violators."""
    offsets = [0.0]
    for left, right in zip(row, row[1:], strict=False):
        offsets.append(offsets[-1] + (size[left] + size[right]) / 2 + gap)
    # Blocks of places that touch: [sum of what is wanted, number].
    blocks: list[list[float]] = []
    for name, offset in zip(row, offsets, strict=True):
        blocks.append([wanted[name] - offset, 1])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            total, number = blocks.pop()
            blocks[-1][0] += total
            blocks[-1][1] += number
    starts = [total / number for total, number in blocks for _ in range(int(number))]
    return {name: start + offset for name, start, offset in zip(row, starts, offsets, strict=True)}
