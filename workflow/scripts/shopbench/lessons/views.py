"""Ways to show a product, each with the attributes that it tells: two showings match when they agree in all attributes that both tell."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import NamedTuple

from shopbench.world import Product
from shopbench.world_words import LANGUAGES, PHRASES

Attributes = frozenset[str]
Shown = tuple[str, Attributes]  # a text, and what it tells of its product

IN_TITLE: Attributes = frozenset(["brand", "adjective", "color", "material", "kind", "size"])


class View(NamedTuple):
    """`show` draws the text of a product in a language (a position in LANGUAGES); `labels` are what may stand before it."""

    show: Callable[[Product, int, Random], Shown]
    labels: tuple[str, ...]


def word_of(item: Product, attribute: str, at: int) -> str:
    """An attribute's word in language `at`."""
    if attribute in ("brand", "size"):
        return str(getattr(item, attribute))
    return item.kind.names[at] if attribute == "kind" else getattr(item, attribute)[at]


def values_of(item: Product, attributes: Attributes) -> list[object]:
    """The attributes' values, in the order of their names; words in different languages are one value."""
    types = {"kind": item.kind.name, "special": item.kind.special}
    return [types[name] if name in types else getattr(item, name) for name in sorted(attributes)]


def agree(one: Product, told: Attributes, other: Product, also_told: Attributes) -> bool:
    """Whether the products are alike in all attributes told of both; with no such attribute they do not agree."""
    common = told & also_told
    return bool(common) and values_of(one, common) == values_of(other, common)


def _title(item: Product, at: int, random: Random) -> Shown:
    title, mess = item.title(LANGUAGES[at]), random.random()
    return (f"\u3010{title}\u3011" if mess < 0.06 else f"{title} \u2605" if mess < 0.12 else title), IN_TITLE


def _listing(item: Product, at: int, random: Random) -> Shown:
    names = random.choice([("brand",), ("color",), ("brand", "color")])
    return f"{item.title(LANGUAGES[at])} ({', '.join(f'{name}: {word_of(item, name, at)}' for name in names)})", IN_TITLE


def _keywords(item: Product, at: int, random: Random) -> Shown:
    names = random.sample(["kind", "color", "brand", "material", "adjective"], random.choice([3, 4]))
    return ", ".join(word_of(item, name, at).lower() for name in names), frozenset(names)


def _bullets(item: Product, at: int, random: Random) -> Shown:
    return random.choice(["\n", "\n", " | ", ". "]).join(item.bullets(LANGUAGES[at])[:3]), frozenset(["color", "material", "size"])


def _bullet(item: Product, at: int, random: Random) -> Shown:
    place = random.randrange(3)
    return item.bullets(LANGUAGES[at])[place], frozenset([("color", "material", "size")[place]])


def _query(item: Product, at: int, random: Random) -> Shown:
    wish = random.choice([None, None, "brand", "color", "material", "adjective"])
    names = [wish, "kind"] if wish else ["kind"]
    words = [word_of(item, name, at).lower() for name in names]
    if random.random() < 0.12:
        words.append(random.choice([PHRASES["new"], PHRASES["cheap"]])[at].lower())
    return " ".join(words), frozenset(names)


def _attribute(item: Product, at: int, random: Random) -> Shown:
    name = random.choice(["color", "material", "kind", "brand", "adjective", "size"])
    return word_of(item, name, at), frozenset([name])


def _description(item: Product, at: int, random: Random) -> Shown:
    return item.description(LANGUAGES[at]), frozenset(["brand", "color", "material", "kind"])


def _brand(item: Product, at: int, random: Random) -> Shown:
    return item.brand, frozenset(["brand"])


def _kind(item: Product, at: int, random: Random) -> Shown:
    name = item.kind.names[at]
    return (name if random.random() < 0.7 else name.title()), frozenset(["kind", "special"])


def _explanation(item: Product, at: int, random: Random) -> Shown:
    return item.kind.explanation, frozenset(["kind"])


def _special(item: Product, at: int, random: Random) -> Shown:
    return item.kind.special, frozenset(["special"])


VIEWS = {
    "title": View(_title, ("Product", "Title", "Product Title", "Item", "product", "Offer")),
    "listing": View(_listing, ("Product", "Listing", "Item")),
    "description": View(_description, ("Description", "Product Description", "Text", "About it")),
    "bullets": View(_bullets, ("Features", "Bullet Points", "Details", "Facts")),
    "bullet": View(_bullet, ("Feature", "Attribute", "Detail")),
    "query": View(_query, ("Query", "Search", "Wanted", "Search query", "Looking for")),
    "keywords": View(_keywords, ("Keywords", "Tags", "Words")),
    "attribute": View(_attribute, ("Word", "Value", "Wish")),
    "brand": View(_brand, ("Brand", "Maker")),
    "kind": View(_kind, ("Type", "Category", "Product type")),
    "explanation": View(_explanation, ("Meaning", "What it is", "Text")),
    "special": View(_special, ("Attribute",)),
}
# Known in English alone.
ENGLISH = frozenset(["explanation", "special"])
