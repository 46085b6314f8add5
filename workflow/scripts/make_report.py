"""Put all figures, tables and captions of a run on one HTML page that needs nothing but itself.

    python workflow/scripts/make_report.py --config results/demo/run_config.yaml --sections workflow/report/sections.yaml \\
      --template workflow/report/page.html.j2 --captions workflow/report/captions/*.rst --figures results/demo/figures/*.png \\
      --tables results/demo/report_tables/*.tsv --cards results/demo/cards/*/*.md --command 'snakemake --profile profiles/demo' \\
      --made '{"zero_shot": {"rule": "tabulate_zero_shot", "program": "...", "lock": null, "reads": []}}' \\
      --output results/demo/report.html

Reads the run's config, the page's order (sections.yaml), its template, a caption per item (a Jinja template over the config, as in
Snakemake's own report), pictures, tables and cards. Leaves one file: pictures inside, no script from elsewhere, nothing loaded from a
network.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import jinja2

from shopbench.card_page import read_cards
from shopbench.files import BadInput, run_program, whole_text
from shopbench.provenance import commit, made_from
from shopbench.report_data import read_yaml
from shopbench.report_page import caption_html, embedded_picture, linked, page_table, read_tsv

# A table's files.
FORMS = (".tsv", ".tex", ".html")
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
    parser.add_argument("--cards", nargs="*", default=[], type=Path, help="cards (Markdown) in folders named datasets, blends, adapters")
    parser.add_argument("--command", required=True, help="how this run is started; a path is put behind it to remake one file")
    parser.add_argument("--made", type=json.loads, default={}, help="what made each item, as JSON: {name: {rule, program, lock, reads}}")
    parser.add_argument("--output", required=True, help="page to write (HTML)")
    args = parser.parse_args()

    config = read_yaml(args.config)
    files = {kind: {path.stem: path for path in getattr(args, kind)} for kind in ("captions", "figures", "tables")}
    cards = read_cards(args.cards)
    known = {card["id"] for of_kind in cards.values() for card in of_kind}
    sections = read_yaml(args.sections)
    for section in sections:
        section["items"] = [page_item(item, files, known, config, args.command, args.made) for item in section["items"]]
    check_complete(sections, files)
    summary = facts(files["tables"]) | {"config_text": Path(args.config).read_text(encoding="utf-8")}
    with whole_text(args.output) as stream:
        stream.write(page(args.template, sections=sections, cards=cards, config=config, **summary))


def page_item(
    item: dict[str, Any], files: dict[str, dict[str, Path]], cards: set[str], config: dict[str, Any], command: str, made: dict[str, Any]
) -> dict[str, Any]:
    """One figure or table as the template wants it: name, title, caption, picture or None, table, fold, command, made."""
    name = item["name"]
    for kind in ("captions", "tables"):
        if name not in files[kind]:
            raise BadInput(f"the page shows {name!r}, and --{kind} has no file of that name; see sections.yaml")
    table = files["tables"][name]
    picture = embedded_picture(files["figures"][name], item["alt"]) if "alt" in item else None
    target = files["figures"][name] if picture else table
    left = [*([str(target), str(target.with_suffix(".pdf"))] if picture else []), *(str(table.with_suffix(e)) for e in FORMS)]
    return {
        "name": name,
        "title": item["title"],
        "caption": caption_html(files["captions"][name], config),
        "picture": picture,
        "table": linked(page_table(table, item.get("wide"), MOST_LINES), cards),
        "file": table.name,
        "fold": item.get("fold", False),
        "command": f"{command} --force {target}",
        "made": made_from(made[name], left) if name in made else None,
    }


def check_complete(sections: list[dict[str, Any]], files: dict[str, dict[str, Path]]) -> None:
    """Every figure and table that was made must be on the page."""
    shown = {item["name"] for section in sections for item in section["items"]}
    for name in sorted((set(files["figures"]) | set(files["tables"])) - shown):
        raise BadInput(f"{name}: made for the page, but sections.yaml does not place it")


def facts(tables: dict[str, Path]) -> dict[str, Any]:
    """What the page's head says: verdicts, datasets and rows built, what the run took, the code's version."""
    built = [row for name in ("dataset_table", "new_dataset_table") for row in read_tsv(tables[name])[:-1] if row["rows"]]
    return {
        "verdicts": [row for row in read_tsv(tables["comparison_table"]) if row["over"] == "macro"],
        "built": {"datasets": len(built), "rows": sum(int(row["rows"]) for row in built)},
        "helped": next((row["share"] for row in read_tsv(tables["dataset_pies"]) if row["part"] == "enhanced"), 0),
        "took": read_tsv(tables["run_summary"])[-1],
        "commit": commit(),
        "most_lines": MOST_LINES,
    }


def page(template: Path, **shown: Any) -> str:
    """The page's HTML."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(template.parent),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template.name).render(**shown)


if __name__ == "__main__":
    run_program(main)
