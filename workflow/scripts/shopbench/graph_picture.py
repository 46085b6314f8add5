"""Pieces of a graph's picture: an SVG page for light and dark, and the lines between its boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

from shopbench.layers import Edge

STYLE = """
text{font-family:system-ui,"Segoe UI","Helvetica Neue","DejaVu Sans",Arial,sans-serif;fill:#1f2933}
.ground{fill:#fdfcfa}.band{fill:#f4f1ea}.box{fill:#fff;stroke:#b9b3a6}.gpu .box{stroke:#0072b2;stroke-width:1.8}
.stage{font-size:15px;font-weight:600}.rule{font-size:12.5px;font-weight:600}.small{font-size:11px;fill:#5b6673}
.gpu .count{fill:#0072b2}.edge{fill:none;stroke:#8b96a3;stroke-width:1.4}.head{fill:#8b96a3}
@media (prefers-color-scheme:dark){text{fill:#e6e3dd}.ground{fill:#15191e}.band{fill:#20262d}.box{fill:#15191e;stroke:#4d5763}
.gpu .box{stroke:#7fc1ee}.small{fill:#a3adb8}.gpu .count{fill:#7fc1ee}.edge{stroke:#7d8894}.head{fill:#7d8894}}
"""


def svg_page(width: float, height: float, title: str, parts: Sequence[str]) -> str:
    """A standalone picture of these parts."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}" '
        f'role="img" aria-label="{escape(title)}">\n<style>{STYLE}</style>\n'
        '<defs><marker id="head" viewBox="0 0 8 8" refX="4" refY="4" markerWidth="6" markerHeight="6" orient="auto">'
        '<path class="head" d="M0 0L8 4L0 8z"/></marker></defs>\n'
        f'<rect class="ground" width="{width:.0f}" height="{height:.0f}"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def ports(
    x: Mapping[str, float], bends: Mapping[Edge, list[float]], shift: float, most: float
) -> tuple[dict[Edge, float], dict[Edge, float]]:
    """Where each arrow leaves its first box and enters its last: side by side in the order in which they come, at most `most` wide.

    `x`: the middle of each box; `bends`: as in Layout, `shift` to the left of `x`.
    """
    leaves: dict[Edge, float] = {}
    enters: dict[Edge, float] = {}
    for place, side, toward in ((0, leaves, 0), (1, enters, -1)):
        for name in x:
            mine = [edge for edge in bends if edge[place] == name]
            mine.sort(key=lambda edge: bends[edge][toward] + shift if bends[edge] else x[edge[1 - place]])
            step = min(18.0, most / max(1, len(mine)))
            side.update({edge: x[name] + (rank - (len(mine) - 1) / 2) * step for rank, edge in enumerate(mine)})
    return leaves, enters


def line(points: Sequence[tuple[float, float]]) -> str:
    """A line that runs straight down past boxes and bends between rows."""
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for (x1, y1), (x2, y2) in zip(points, points[1:], strict=False):
        middle = (y1 + y2) / 2
        path += f"L{x2:.1f} {y2:.1f}" if abs(x1 - x2) < 0.5 else f"C{x1:.1f} {middle:.1f} {x2:.1f} {middle:.1f} {x2:.1f} {y2:.1f}"
    return f'<path class="edge" d="{path}" marker-end="url(#head)"/>'
