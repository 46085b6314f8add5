"""Write config/README.md from the schema's descriptions and the values of config/config.yaml.

python workflow/scripts/document_config.py             (write)
python workflow/scripts/document_config.py --check     (exit code 2 if the page is stale)
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from shopbench.files import BadInput, run_program, whole_text

SCHEMA = Path("workflow/schemas/config.schema.yaml")
VALUES = Path("config/config.yaml")
PAGE = Path("config/README.md")

HEAD = """# Config

Generated from workflow/schemas/config.schema.yaml by `python workflow/scripts/document_config.py`; do not edit.

`config.yaml` is the paper's run. Another file is laid over it (`--configfile config/7b.yaml`): what it names is replaced, an entry set to
null is removed (and so is a key of a model or an adapter), the rest stays. The merged config of each run is saved as
`results/<run>/run_config.yaml`. An unknown key stops the run with one line that names the nearest right one.

| file | what |
|---|---|
| config.yaml | the paper: Qwen2-72B-Instruct, the real sources, A100 and T4 |
| 7b.yaml | Qwen2-7B-Instruct, a tenth of the real data, one GPU, hours |
| demo.yaml | a laptop: simulated sources, a tiny Qwen2, minutes |
| datasets.tsv | the 39 training datasets: source, task, size, metric |
| sources.tsv | every raw file: where it comes from, revision, bytes, hash, licence |
| models.tsv | the shapes of base models on the hub, for estimates of memory, hours and bytes |
| paper.yaml | the published numbers that tables and figures compare with |

| key | value in config.yaml | what it is |
|---|---|---|
"""


def resolved(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    """`schema` with its reference into `$defs` laid under its own keys."""
    if "$ref" not in schema:
        return schema
    return {**root["$defs"][schema["$ref"].rsplit("/", 1)[1]], **{k: v for k, v in schema.items() if k != "$ref"}}


def rows(schema: dict[str, Any], root: dict[str, Any], path: str, value: Any) -> Iterator[tuple[str, str, str]]:
    """(key, value, description) of every key below `schema`; `<name>` stands for an entry's name."""
    for name, child in schema.get("properties", {}).items():
        child, key = resolved(child, root), f"{path}{name}"
        here = value.get(name) if isinstance(value, dict) else None
        entries = child.get("additionalProperties")
        nested = "properties" in child or isinstance(entries, dict) or "properties" in resolved(child.get("items", {}), root)
        yield key, "" if nested or here is None else f"`{here}`", child.get("description", "")
        if "properties" in child:
            yield from rows(child, root, f"{key}.", here)
        elif isinstance(entries, dict):
            yield from rows(resolved(entries, root), root, f"{key}.<name>.", None)
        elif nested:
            yield from rows(resolved(child["items"], root), root, f"{key}[].", None)


def page() -> str:
    schema = yaml.safe_load(SCHEMA.read_text())
    values = yaml.safe_load(VALUES.read_text())
    lines = [f"| {key} | {value} | {text} |".replace("|  |", "| |") for key, value, text in rows(schema, schema, "", values)]
    return HEAD + "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only say whether the page is stale")
    if parser.parse_args().check:
        if not PAGE.exists() or PAGE.read_text() != page():
            raise BadInput(f"{PAGE}: stale against {SCHEMA}; run python workflow/scripts/document_config.py")
        return
    with whole_text(PAGE) as stream:
        stream.write(page())


if __name__ == "__main__":
    run_program(main)
