"""Write the report's tables as LaTeX (booktabs) and as HTML, for papers and for other pages.

    python workflow/scripts/format_tables.py --sections workflow/report/sections.yaml --template workflow/report/table.html.j2 \\
      --tables results/demo/report_tables/*.tsv

Reads tables (TSV) and sections.yaml, which says what a table is called and whether it is turned. Leaves <name>.tex and <name>.html beside
each. The LaTeX needs \\usepackage{booktabs,longtable}; published lines are in italics.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import jinja2

from shopbench.files import run_program, whole_text
from shopbench.latex import latex_table
from shopbench.report_data import read_yaml
from shopbench.report_page import page_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sections", required=True, help="what stands where on the page (YAML)")
    parser.add_argument("--template", required=True, type=Path, help="an HTML table (Jinja)")
    parser.add_argument("--tables", required=True, nargs="+", type=Path, help="tables (TSV), named by item")
    args = parser.parse_args()

    items = {item["name"]: item for section in read_yaml(args.sections) for item in section["items"]}
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(args.template.parent), autoescape=True, trim_blocks=True)
    show_table = environment.get_template(args.template.name).module.show_table  # type: ignore[attr-defined]
    for path in args.tables:
        table = page_table(path, items[path.stem].get("wide"))
        with whole_text(path.with_suffix(".tex")) as stream:
            stream.write(latex_table(table, items[path.stem]["title"], path.stem))
        with whole_text(path.with_suffix(".html")) as stream:
            stream.write(str(show_table(table)).strip() + "\n")


if __name__ == "__main__":
    run_program(main)
