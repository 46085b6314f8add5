"""Amazon-M2 (KDD Cup 2023): products in six locales and the sessions that click on them.

Schema: products_train.csv (id, locale, title, price, brand, color, size, model, material, author, desc) and sessions_train.csv
(prev_items as numpy prints an array of strings, next_item, locale).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from shopbench.hashing import hash64, pick, uniform
from shopbench.simulators import counted
from shopbench.world import Product, complements_of, lengthened, members, messy, model_number, product, product_id, scaled
from shopbench.world_words import LANGUAGE_OF_LOCALE, LANGUAGES, TYPES

FILES = ("products_train.csv", "sessions_train.csv")
# Rows of the real files.
PRODUCTS = {"DE": 518_327, "JP": 395_009, "UK": 500_180, "ES": 42_503, "FR": 44_577, "IT": 50_461}
SESSIONS = {"DE": 1_111_416, "JP": 979_119, "UK": 1_182_181, "ES": 89_047, "FR": 117_561, "IT": 126_925}
LEAST_PRODUCTS = 200
LEAST_SESSIONS = 200
PRODUCT_COLUMNS = ("id", "locale", "title", "price", "brand", "color", "size", "model", "material", "author", "desc")
YEN_PER_EURO = 160
# Bytes that a description is longer on average where texts are as long as real ones.
ADDED_BYTES = 250

# numpy breaks a printed array before column 75.
ARRAY_LINE = 75
BROKEN_SHARE = 0.003
MISSING_SHARE = 0.25
# Share of a locale's rows that are sold in every locale under one id, which is what pairs titles of two languages.
INTERNATIONAL_SHARE = 0.6


def write(file: str, scale: float, seed: int, path: Path, real_text: bool = False) -> None:
    header, rows = {
        "products_train.csv": (PRODUCT_COLUMNS, _product_rows(scale, seed, ADDED_BYTES if real_text else 0)),
        "sessions_train.csv": (("prev_items", "next_item", "locale"), _session_rows(scale, seed)),
    }[file]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(counted(rows))


def catalogue_of(seed: int, locale: str, row: int) -> str:
    """The catalogue that a locale's row belongs to: one shared by all locales, or the locale's own."""
    return "m2" if uniform(seed, "international", row) < INTERNATIONAL_SHARE else f"m2 {locale}"


def m2_product(seed: int, locale: str, row: int) -> Product:
    return product(seed, catalogue_of(seed, locale, row), row)


def _product_rows(scale: float, seed: int, added: int) -> Iterator[list[str]]:
    for locale, real in PRODUCTS.items():
        for row in range(scaled(real, scale, LEAST_PRODUCTS)):
            cells = _product_row(m2_product(seed, locale, row), locale, seed, added)
            yield cells
            if uniform(seed, "repeated", locale, row) < BROKEN_SHARE:
                yield cells


def _product_row(item: Product, locale: str, seed: int, added: int) -> list[str]:
    key = (seed, "m2 row", locale, item.id)
    language = LANGUAGE_OF_LOCALE[locale.lower()]
    at = LANGUAGES.index(language)
    price = item.price * (YEN_PER_EURO if locale == "JP" else 1)
    attributes = {
        "brand": item.brand,
        "color": item.color[at],
        "size": item.size,
        "model": model_number(item.index),
        "material": item.material[at],
        "author": "",
        "desc": lengthened(messy(item.description(language), *key), added, *key, language=language),
    }
    kept = {name: "" if uniform(*key, name, "missing") < MISSING_SHARE else value for name, value in attributes.items()}
    if uniform(*key, "nan") < 0.05:
        kept["color"] = "nan"
    title = "" if uniform(*key, "no title") < BROKEN_SHARE else item.title(language)
    return [item.id, locale, title, f"{price:.2f}", *kept.values()]


def _session_rows(scale: float, seed: int) -> Iterator[list[str]]:
    for locale, real in SESSIONS.items():
        products = scaled(PRODUCTS[locale], scale, LEAST_PRODUCTS)
        for index in range(scaled(real, scale, LEAST_SESSIONS)):
            *previous, following = session(seed, locale, index, products)
            key = (seed, "m2 session row", locale, index)
            if uniform(*key, "broken") < BROKEN_SHARE:
                yield ["[]", following, locale] if uniform(*key, "empty") < 0.5 else [numpy_repr(previous), "", locale]
            else:
                yield [numpy_repr(previous), following, locale]


def session(seed: int, locale: str, index: int, products: int) -> list[str]:
    """Product ids that a visitor clicked, the last one bought: one product type, with a complement in between at times."""
    key = (seed, "m2 session", locale, index)
    kind = TYPES[hash64(*key, "first") % products % len(TYPES)]
    long = uniform(*key, "long") < 0.1
    length = (12 if long else 3) + hash64(*key, "length") % (20 if long else 5)
    rows = []
    for step in range(length):
        wandering = step < length - 1 and uniform(*key, step, "wanders") < 0.15
        clicked = pick(complements_of(kind), *key, step) if wandering else kind
        rows.append(pick(members(clicked, products), *key, step, "product"))
    return [product_id(seed, catalogue_of(seed, locale, row), row) for row in rows]


def numpy_repr(items: list[str]) -> str:
    """The items as `str(numpy.array(items))` prints them: quoted, separated by spaces, wrapped before column 75."""
    lines, line = [], ""
    for item in items:
        # numpy breaks a line that would leave no room for the closing bracket.
        if line and len(line) + len(item) + 4 >= ARRAY_LINE:
            lines.append(line)
            line = ""
        line += f" '{item}'"
    lines.append(line)
    return "[" + "\n".join(lines)[1:] + "]"
