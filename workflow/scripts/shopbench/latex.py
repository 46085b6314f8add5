"""A table as LaTeX in the manner of booktabs: three rules, no vertical ones, numbers flush right."""

from __future__ import annotations

import re

from shopbench.report_page import Cell, Line, Table

SPECIAL = {
    "\\": r"\textbackslash{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "−": "$-$",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "⏎": r"\newline ",
    "\n": r"\newline ",
    "±": r"$\pm$",
}


def latex_table(table: Table, title: str, name: str) -> str:
    """A longtable with caption and label; a cell's second line stands behind it in small, published numbers are in italics."""
    columns = "".join("r" if heading.number else column_type(table, place) for place, heading in enumerate(table.titles))
    heads = " & ".join(escaped(heading.text) for heading in table.titles)
    rows = "".join(f"{row(line)} \\\\\n" for line in table.lines)
    return (
        f"% \\usepackage{{booktabs,longtable}}\n"
        f"\\begin{{longtable}}{{{columns}}}\n\\caption{{{escaped(title)}}}\\label{{tab:{name}}}\\\\\n"
        f"\\toprule\n{heads} \\\\\n\\midrule\n\\endhead\n{rows}\\bottomrule\n\\end{{longtable}}\n"
    )


def column_type(table: Table, place: int) -> str:
    """Left, or a paragraph if any of the column's cells is running text."""
    longest = max((len(line.cells[place].text) for line in table.lines), default=0)
    return r"p{0.4\textwidth}" if longest > 60 else "l"


def row(line: Line) -> str:
    """A line's cells."""
    return " & ".join(cell_text(cell, line.published or cell.published) for cell in line.cells)


def cell_text(cell: Cell, published: bool) -> str:
    text = escaped(cell.text)
    if published and text:
        text = f"\\textit{{{text}}}"
    return f"{text} {{\\scriptsize {escaped(cell.small)}}}" if cell.small else text


def escaped(text: str) -> str:
    """Text in which nothing is a command."""
    return re.sub("|".join(map(re.escape, SPECIAL)), lambda found: SPECIAL[found[0]], text)
