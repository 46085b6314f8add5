"""Put all figures, tables and captions of a run on one HTML page that needs nothing but itself.

    python workflow/scripts/make_report.py --config results/demo/run_config.yaml --sections workflow/report/sections.yaml \\
      --template workflow/report/page.html.j2 --captions workflow/report/captions/*.rst --figures results/demo/figures/*.png \\
      --tables results/demo/report_tables/*.tsv --command 'snakemake --profile profiles/demo' \\
      --output results/demo/report.html

Reads the run's config, the page's order (sections.yaml), its template, a caption per item (a Jinja template over the config, as in
Snakemake's own report), pictures and tables. Leaves one file: pictures inside, no script from elsewhere, nothing loaded from a network.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import jinja2

from shopbench.files import BadInput, run_program, whole_text
from shopbench.report_data import read_yaml
from shopbench.report_page import Table, caption_html, embedded_picture, plain_table, read_tsv, spread, wide_table

# A longer table (a training log) is thinned on the page; its TSV has all lines.
MOST_LINES = 400


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", required=True, help="the run's config (YAML)")
    parser.add_argument("--sections", required=True, help="what stands where on the page (YAML)")
    parser.add_argument("--template", required=True, type=Path, help="the page (Jinja)")
    parser.add_argument("--captions", required=True, nargs="+", type=Path, help="captions, named by item (reStructuredText with Jinja)")
    parser.add_argument("--figures", required=True, nargs="+", type=Path, help="pictures (PNG), named by item")
    parser.add_argument("--tables", required=True, nargs="+", type=Path, help="tables (TSV), named by item")
    parser.add_argument("--command", required=True, help="how this run is started; a path is put behind it to remake one file")
    parser.add_argument("--output", required=True, help="page to write (HTML)")
    args = parser.parse_args()

    config = read_yaml(args.config)
    files = {kind: {path.stem: path for path in getattr(args, kind)} for kind in ("captions", "figures", "tables")}
    sections = read_yaml(args.sections)
    for section in sections:
        section["items"] = [page_item(item, files, config, args.command) for item in section["items"]]
    check_complete(sections, files)
    with whole_text(args.output) as stream:
        stream.write(page(args.template, config, sections, files["tables"], Path(args.config).read_text(encoding="utf-8")))


def page_item(item: dict[str, Any], files: dict[str, dict[str, Path]], config: dict[str, Any], command: str) -> dict[str, Any]:
    """One figure or table as the template wants it: name, title, caption, picture or None, table, fold, command."""
    name = item["name"]
    for kind in ("captions", "tables"):
        if name not in files[kind]:
            raise BadInput(f"the page shows {name!r}, and --{kind} has no file of that name; see sections.yaml")
    picture = embedded_picture(files["figures"][name], item["alt"]) if "alt" in item else None
    target = files["figures"][name] if picture else files["tables"][name]
    return {
        "name": name,
        "title": item["title"],
        "caption": caption_html(files["captions"][name], config),
        "picture": picture,
        "table": page_table(item, files["tables"][name]),
        "file": files["tables"][name].name,
        "fold": item.get("fold", False),
        "command": f"{command} --force {target}",
    }


def page_table(item: dict[str, Any], path: Path) -> Table:
    """The item's table, turned if sections.yaml says so."""
    rows = read_tsv(path)
    return wide_table(rows, item["wide"]["rows"], item["wide"]["columns"]) if "wide" in item else plain_table(spread(rows, MOST_LINES))


def check_complete(sections: list[dict[str, Any]], files: dict[str, dict[str, Path]]) -> None:
    """Every figure and table that was made must be on the page."""
    shown = {item["name"] for section in sections for item in section["items"]}
    for name in sorted((set(files["figures"]) | set(files["tables"])) - shown):
        raise BadInput(f"{name}: made for the page, but sections.yaml does not place it")


def page(template: Path, config: dict[str, Any], sections: list[dict[str, Any]], tables: dict[str, Path], config_text: str) -> str:
    """The page's HTML."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(template.parent),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    verdicts = [row for row in read_tsv(tables["comparison_table"]) if row["over"] == "macro"]
    built = read_tsv(tables["dataset_table"])[-1]
    return environment.get_template(template.name).render(
        config=config, sections=sections, verdicts=verdicts, built=built, config_text=config_text, most_lines=MOST_LINES
    )


if __name__ == "__main__":
    run_program(main)
