"""ESCI (Shopping Queries): queries, products and how well they match, in three locales.

Schema: two Parquet files (judgements and products) and a CSV of query sources, as in the repository amazon-science/esci-data.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from shopbench.hashing import pick, uniform
from shopbench.simulators import counted
from shopbench.world import Query, candidates, esci_label, lengthened, messy, product, product_id, query, scaled, spread
from shopbench.world_words import LANGUAGE_OF_LOCALE, LANGUAGES

EXAMPLES = "shopping_queries_dataset_examples.parquet"
PRODUCT_FILE = "shopping_queries_dataset_products.parquet"
QUERY_SOURCES = "shopping_queries_dataset_sources.csv"
FILES = (EXAMPLES, PRODUCT_FILE, QUERY_SOURCES)
# Rows of the real files, by locale.
QUERIES = {"us": 97_345, "es": 15_180, "jp": 18_127}
JUDGEMENTS = {"us": 1_818_825, "es": 356_410, "jp": 446_053}
PRODUCTS = {"us": 1_215_854, "es": 259_973, "jp": 339_097}
LEAST_QUERIES = {"us": 300, "es": 80, "jp": 80}
LEAST_PRODUCTS = {"us": 600, "es": 300, "jp": 300}
JUDGEMENTS_PER_QUERY = 20
# How a query came into the data set.
ORIGINS = ("behavioral", "negations", "nlqec", "parse_pattern", "other")
MISSING_SHARE = 0.15
BATCH_ROWS = 20_000
# Bytes that a description and each bullet point are longer on average where texts are as long as real ones.
ADDED_BYTES = {"description": 650, "bullet_point": 120}

JUDGEMENT_SCHEMA = pa.schema(
    [
        ("example_id", pa.int64()),
        ("query", pa.string()),
        ("query_id", pa.int64()),
        ("product_id", pa.string()),
        ("product_locale", pa.string()),
        ("esci_label", pa.string()),
        ("small_version", pa.int64()),
        ("large_version", pa.int64()),
        ("split", pa.string()),
    ]
)
PRODUCT_SCHEMA = pa.schema(
    [(f"product_{name}", pa.string()) for name in ("id", "title", "description", "bullet_point", "brand", "color", "locale")]
)


def write(file: str, scale: float, seed: int, path: Path, real_text: bool = False) -> None:
    if file == EXAMPLES:
        _write_parquet(path, JUDGEMENT_SCHEMA, _judgements(scale, seed))
    elif file == PRODUCT_FILE:
        _write_parquet(path, PRODUCT_SCHEMA, _products(scale, seed, Counter(ADDED_BYTES if real_text else {})))
    else:
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(["query_id", "source"])
            total = sum(queries_of(locale, scale) for locale in QUERIES)
            writer.writerows([number, pick(ORIGINS, seed, "esci source", number)] for number in range(total))


def queries_of(locale: str, scale: float) -> int:
    return scaled(QUERIES[locale], scale, LEAST_QUERIES[locale])


def products_of(locale: str, scale: float) -> int:
    return scaled(PRODUCTS[locale], scale, LEAST_PRODUCTS[locale])


def _judgements(scale: float, seed: int) -> Iterator[dict]:
    example_id = query_id = 0
    for locale in QUERIES:
        catalogue, products, queries = f"esci {locale}", products_of(locale, scale), queries_of(locale, scale)
        judgements = scaled(JUDGEMENTS[locale], scale, queries * JUDGEMENTS_PER_QUERY)
        for index, count in enumerate(spread(judgements, queries)):
            search = query(seed, catalogue, index, locale, products)
            shared = {
                "query": search.text,
                "query_id": query_id,
                "product_locale": locale,
                "small_version": int(uniform(seed, catalogue, index, "small") < 0.4),
                "large_version": 1,
                "split": "test" if uniform(seed, catalogue, index, "split") < 0.25 else "train",
            }
            for found in candidates(seed, catalogue, index, search.kind, products, count):
                yield {"example_id": example_id, **shared, **_judgement(seed, catalogue, found, search)}
                example_id += 1
            query_id += 1


def _judgement(seed: int, catalogue: str, found: int, search: Query) -> dict:
    """Product and label; a judge errs now and then, and some judged products are missing from the product file."""
    item = product(seed, catalogue, found)
    erred = uniform(seed, catalogue, search.text, found, "erred") < 0.02
    label = pick("ESCI", seed, catalogue, search.text, found) if erred else esci_label(search, item)
    lost = uniform(seed, catalogue, search.text, found, "lost") < 0.002
    return {"product_id": product_id(seed, f"{catalogue} lost", found) if lost else item.id, "esci_label": label}


def _products(scale: float, seed: int, added: Counter[str]) -> Iterator[dict]:
    for locale in PRODUCTS:
        language = LANGUAGE_OF_LOCALE[locale]
        for index in range(products_of(locale, scale)):
            item = product(seed, f"esci {locale}", index)
            key = (seed, "esci row", locale, index)
            description = messy(item.description(language), *key, "description")
            bullets = (
                lengthened(bullet, added["bullet_point"], *key, place, language=language)
                for place, bullet in enumerate(item.bullets(language))
            )
            row: dict[str, str | None] = {
                "title": messy(item.title(language), *key, "title"),
                "description": lengthened(description, added["description"], *key, language=language),
                "bullet_point": "\n".join(bullets),
                "brand": item.brand,
                "color": item.color[LANGUAGES.index(language)],
            }
            for name in ("description", "bullet_point", "brand", "color"):
                if uniform(*key, name, "missing") < MISSING_SHARE:
                    row[name] = None
            if uniform(*key, "no title") < 0.002:
                row["title"] = None
            yield {"product_id": item.id, "product_locale": locale} | {f"product_{name}": value for name, value in row.items()}


def _write_parquet(path: Path, schema: pa.Schema, rows: Iterable[dict]) -> None:
    remaining = counted(rows)
    with pq.ParquetWriter(path, schema) as writer:
        while batch := list(islice(remaining, BATCH_ROWS)):
            writer.write_table(pa.Table.from_pylist(batch, schema=schema))
