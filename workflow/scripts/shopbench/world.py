"""The simulated shop: products, queries and reviews as pure functions of (seed, catalogue, index).

Any file can therefore be written alone, row by row, and the files of one source agree: a review's product is the one that the
metadata file lists, a session's items stand in the product file. What a model can learn here: a product type fixes department,
attributes, complements and explanation; a title holds its brand and is translated word by word; a rating follows the words of its
review. Standard library alone; the words stand in `world_words.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from shopbench.hashing import hash64, pick, shuffled, uniform
from shopbench.world_words import (
    ADJECTIVES,
    BRANDS_BY_DEPARTMENT,
    COLORS,
    FILLERS,
    KANA,
    LANGUAGE_OF_LOCALE,
    LANGUAGES,
    MATERIALS_BY_DEPARTMENT,
    NEGATIVE_SNIPPETS,
    PHRASES,
    POSITIVE_SNIPPETS,
    PRAISE_SHARE,
    RATING_SHARES,
    REVIEW_TITLES,
    REVIEW_VERDICTS,
    SIZES,
    SPECIAL_VALUES,
    SYLLABLES,
    TYPE_BY_NAME,
    TYPES,
    TYPICAL_SNIPPETS,
    ProductType,
)

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# From this product of a catalogue on, the words no longer tell all products apart and titles carry a model number.
MODEL_NUMBERS_FROM = 20_000
# Words of a sentence that only makes a text longer, the different words there are, and the bytes that such a sentence has on average.
SENTENCE_WORDS, EMPTY_WORDS, SENTENCE_BYTES = 12, 1024, 110
# A block of 12 reviews is written by four users: some reviewed enough to say what is bought together.
REVIEWS_OF_USERS = (5, 4, 2, 1)

Words = tuple[str, ...]  # one word per language, in LANGUAGES order


@dataclass(frozen=True, slots=True)
class Product:
    """One product of a catalogue. Word tuples follow LANGUAGES."""

    id: str
    index: int
    kind: ProductType
    brand: str
    adjective: Words
    color: Words
    material: Words
    size: str
    special: str
    price: float

    def title(self, language: str = "en") -> str:
        """Brand, adjective, color, material, type and size: the same order in every language, so that a translation is word by word."""
        at = LANGUAGES.index(language)
        words = [self.adjective[at], self.color[at], self.material[at], self.kind.names[at]]
        if language == "en":
            words = [word.title() for word in words]
        model = f" {model_number(self.index)}" if self.index >= MODEL_NUMBERS_FROM else ""
        return f"{self.brand} {' '.join(words)}, {self.size}{model}"

    def bullets(self, language: str = "en") -> list[str]:
        """Three to five lines on the product; the type's special attribute is named in English only."""
        at = LANGUAGES.index(language)
        facts = (("color", self.color[at]), ("material", self.material[at]), ("size", self.size))
        lines = [f"{PHRASES[name][at].capitalize()}: {value}" for name, value in facts]
        if language == "en":
            lines.append(f"{self.kind.special.capitalize()}: {self.special}")
        return [*lines, PHRASES["for_home"][at]]

    def description(self, language: str = "en") -> str:
        """What the type is (in English), then this product's brand, color and material in two short sentences."""
        at = LANGUAGES.index(language)
        if language == "en":
            facts = f"This one by {self.brand} is {self.color[0]} and made of {self.material[0]}."
            return f"{explanation_of(self.kind)} {facts} {PHRASES['for_home'][0]}"
        return f"{self.brand} {self.kind.names[at]}: {self.color[at]}, {self.material[at]}. {PHRASES['for_home'][at]} {PHRASES['gift'][at]}"


def explanation_of(kind: ProductType) -> str:
    """One sentence that says what a product type is."""
    if kind.explanation.startswith("a pair of"):
        return f"{kind.name.capitalize()} are {kind.explanation}."
    return f"A {kind.name} is {kind.explanation}."


def model_number(index: int) -> str:
    """A short code that no two products of a catalogue share."""
    return "M" + _base36(index, 5)


def _base36(number: int, digits: int) -> str:
    text = ""
    for _ in range(digits):
        number, digit = divmod(number, 36)
        text = ALPHABET[digit] + text
    return text


def product_id(seed: int, catalogue: str, index: int) -> str:
    """An ASIN-like id, B and nine characters. The step is coprime to 36**8, so ids of a catalogue never collide."""
    return "B0" + _base36((_first_id(seed, catalogue) + index * 2_654_435_761) % 36**8, 8)


@cache
def _first_id(seed: int, catalogue: str) -> int:
    return hash64(seed, "ids", catalogue)


def product(seed: int, catalogue: str, index: int, kinds: Sequence[ProductType] = TYPES) -> Product:
    """Product `index` of a catalogue whose types are `kinds`: types take turns, so `members` can list a type's products."""
    kind = kinds[index % len(kinds)]
    key = (seed, catalogue, index)
    return Product(
        id=product_id(seed, catalogue, index),
        index=index,
        kind=kind,
        brand=pick(brands_of(kind), *key, "brand"),
        adjective=pick(ADJECTIVES, *key, "adjective"),
        color=pick(colors_of(kind), *key, "color"),
        material=pick(materials_of(kind), *key, "material"),
        size=f"{pick(SIZES[kind.unit], *key, 'size')} {kind.unit}",
        special=pick(SPECIAL_VALUES[kind.special], *key, "special"),
        price=round(5 + 95 * uniform(*key, "price") ** 2, 2),
    )


@cache
def brands_of(kind: ProductType) -> tuple[str, ...]:
    """The three brands, of its department's six, that sell a type."""
    return tuple(shuffled(BRANDS_BY_DEPARTMENT[kind.department], "brands", kind.name)[:3])


@cache
def colors_of(kind: ProductType) -> tuple[Words, ...]:
    """The four colors that a type comes in."""
    return tuple(shuffled(COLORS, "colors", kind.name)[:4])


@cache
def materials_of(kind: ProductType) -> tuple[Words, ...]:
    """The two materials that a type is made of."""
    return tuple(shuffled(MATERIALS_BY_DEPARTMENT[kind.department], "materials", kind.name)[:2])


def attributes_of(kind: ProductType) -> tuple[str, ...]:
    """Names of the attributes that a type can have."""
    return ("brand", "color", "material", "size", kind.special)


def complements_of(kind: ProductType) -> list[ProductType]:
    return [TYPE_BY_NAME[name] for name in kind.complements]


def members(kind: ProductType, products: int, kinds: Sequence[ProductType] = TYPES) -> range:
    """Indices of a type's products in a catalogue of `products` products."""
    return range(kinds.index(kind), products, len(kinds))


class Query(NamedTuple):
    """A search: a product type and at most one wish. `entities` are (entity type, phrase) pairs, phrases as they stand in `text`."""

    text: str
    language: str
    kind: ProductType
    wish: tuple[str, str | Words] | None
    entities: tuple[tuple[str, str], ...]


def query(seed: int, catalogue: str, index: int, locale: str, products: int) -> Query:
    """Query `index`, made for one product of the catalogue, which is therefore an exact match."""
    key = (seed, catalogue, "query", index)
    language = LANGUAGE_OF_LOCALE[locale]
    wanted = product(seed, catalogue, query_anchor(seed, catalogue, index, products))
    return query_for(wanted, language, *key)


def query_anchor(seed: int, catalogue: str, index: int, products: int) -> int:
    """Index of the product that query `index` was made for."""
    return hash64(seed, catalogue, "query", index, "anchor") % products


def query_for(wanted: Product, language: str, *key: object) -> Query:
    """A query that `wanted` satisfies: in a third no wish, else its brand, color, material or adjective."""
    at = LANGUAGES.index(language)
    name = wanted.kind.names[at].lower()
    form = pick(("plain", "plain", "brand", "color", "material", "adjective"), *key, "form")
    entities: list[tuple[str, str]] = [("product type", name)]
    wish: tuple[str, str | Words] | None = None
    words = [name]
    if form != "plain":
        wish = (form, getattr(wanted, form))
        phrase = (wanted.brand if form == "brand" else getattr(wanted, form)[at]).lower()
        words = [phrase, name]
        if form != "adjective":
            entities.append((form, phrase))
    if uniform(*key, "noise") < 0.15:
        words.append(pick((PHRASES["new"], PHRASES["cheap"]), *key, "word")[at].lower())
    return Query(" ".join(words), language, wanted.kind, wish, tuple(entities))


def esci_label(search: Query, found: Product) -> str:
    """E if type and wish match, S if the type does, C for a complement of the type, else I."""
    if found.kind is search.kind:
        return "E" if search.wish is None or getattr(found, search.wish[0]) == search.wish[1] else "S"
    return "C" if found.kind.name in search.kind.complements else "I"


def candidates(seed: int, catalogue: str, index: int, kind: ProductType, products: int, count: int) -> list[int]:
    """`count` different product indices judged for query `index`: its anchor, about 70 % of its type, some complements, some of any type.

    The catalogue must hold at least `count` products.
    """
    key = (seed, catalogue, "query", index)
    same = members(kind, products)
    start = hash64(*key, "start") % len(same)
    found = dict.fromkeys([query_anchor(seed, catalogue, index, products)])
    found.update(dict.fromkeys(same[(start + step) % len(same)] for step in range(min(len(same), int(0.7 * count)))))
    for complement in complements_of(kind):
        found[pick(members(complement, products), *key, complement.name)] = None
    step = 0
    while len(found) < count:
        found[hash64(*key, "other", step) % products] = None
        step += 1
    return list(found)[:count]


class Review(NamedTuple):
    """One review. `aspects` are (name, praised, sentence) triples; `votes` grow with the number of sentences; `milliseconds` since 1970."""

    product: Product
    user: str
    rating: int
    title: str
    text: str
    aspects: tuple[tuple[str, bool, str], ...]
    votes: int
    milliseconds: int


def review(seed: int, catalogue: str, index: int, products: int, kinds: Sequence[ProductType] = TYPES) -> Review:
    """Review `index` of a catalogue of `products` products: its user bought things of one type and what goes with them."""
    key = (seed, catalogue, "review", index)
    user, purchase = user_of(index)
    bought = product(seed, catalogue, _purchase(seed, catalogue, user, purchase, products, kinds), kinds)
    return review_of(bought, f"A{_base36(hash64(seed, catalogue, 'user', user), 12)}", *key)


def user_of(index: int) -> tuple[int, int]:
    """(user, position among the user's reviews) of review `index`."""
    block, position = divmod(index, sum(REVIEWS_OF_USERS))
    for user, count in enumerate(REVIEWS_OF_USERS):
        if position < count:
            return block * len(REVIEWS_OF_USERS) + user, position
        position -= count
    raise AssertionError("a position within the block belongs to a user")


def _purchase(seed: int, catalogue: str, user: int, purchase: int, products: int, kinds: Sequence[ProductType]) -> int:
    """Index of what a user bought: every other purchase complements the user's own type. Popular products are bought more often."""
    key = (seed, catalogue, "user", user)
    home = pick(kinds, *key, "type")
    sold = [kind for kind in complements_of(home) if kind in kinds]
    kind = pick(sold, *key, purchase) if purchase % 2 and sold else home
    choice = members(kind, products, kinds)
    return choice[int(len(choice) * uniform(*key, purchase, "popularity") ** 2)]


def review_of(bought: Product, user: str, *key: object) -> Review:
    """A review of a product, drawn from the keys."""
    rating = draw_rating(*key)
    aspects = tuple(_aspect(name, rating, *key) for name in shuffled(bought.kind.aspects, *key, "aspects")[: hash64(*key, "count") % 4])
    verdict = pick(REVIEW_VERDICTS[rating], *key, "verdict").format(type=bought.kind.name)
    filler = [pick(FILLERS, *key, "filler")] if uniform(*key, "fills") < 0.3 else []
    sentences = [*filler, *(sentence for _, _, sentence in aspects), verdict]
    unread = uniform(*key, "unread") < 0.25
    votes = 0 if unread else 2 * (len(sentences) - 1) ** 2 + hash64(*key, "votes") % 3
    milliseconds = 1_400_000_000_000 + hash64(*key, "time") % 290_000_000_000
    return Review(bought, user, rating, pick(REVIEW_TITLES[rating], *key, "title"), " ".join(sentences), aspects, votes, milliseconds)


def draw_rating(*key: object) -> int:
    """A rating 1-5 by RATING_SHARES."""
    chance = uniform(*key, "rating")
    for rating, share in enumerate(RATING_SHARES, start=1):
        chance -= share
        if chance < 0:
            return rating
    return len(RATING_SHARES)


def _aspect(name: str, rating: int, *key: object) -> tuple[str, bool, str]:
    """What a review of this rating says of one aspect: its name, whether it is praised, and a sentence."""
    praised = uniform(*key, name, "praise") < PRAISE_SHARE[rating]
    sentence = snippet(name, praised, *key, name)
    return name, praised, sentence[0].upper() + sentence[1:] + "."


def snippet(aspect: str, praised: bool, *key: object) -> str:
    """A few words on an aspect: half of the time they name it, else they are what people typically say of it."""
    if uniform(*key, "typical") < 0.5:
        return TYPICAL_SNIPPETS[aspect][0 if praised else 1]
    return pick(POSITIVE_SNIPPETS if praised else NEGATIVE_SNIPPETS, *key, "snippet").format(aspect=aspect)


def messy(text: str, *key: object) -> str:
    """The text as shops really print it: now and then with HTML, entities, odd brackets or spaces."""
    form = hash64(*key, "mess") % 12
    if form == 0:
        return f"<p>{text}</p><br />"
    if form == 1:
        return f"\u3010{text}\u3011"
    if form == 2:
        return text.replace(" ", "\u00a0", 1) + " \u2605"
    if form == 3:
        return text.replace(" and ", " &amp; ")
    return text


def lengthened(text: str, added: float, *key: object, language: str = "en") -> str:
    """The text and, at its end, sentences of made-up words: `added` bytes of UTF-8 on average, between none and twice as many.

    The shop's texts hold little but what a question can be about. Real ones are several times as long, which is what a program that reads
    the files has to cope with. The words are drawn one by one, so the text compresses about as badly as real text.
    """
    sentences = round(2 * added * uniform(*key, "sentences") / SENTENCE_BYTES)
    return " ".join([text, *(_sentence(language, *key, number) for number in range(sentences))])


def _sentence(language: str, *key: object) -> str:
    words = _empty_words(language == "jp")
    # Two hashes of 64 bits give twelve words of ten bits.
    bits = hash64(*key, "words") << 64 | hash64(*key, "more words")
    drawn = [words[bits >> 10 * place & EMPTY_WORDS - 1] for place in range(SENTENCE_WORDS)]
    return "".join(drawn) + "。" if language == "jp" else " ".join(drawn).capitalize() + "."


@cache
def _empty_words(japanese: bool) -> list[str]:
    """Words that mean nothing, of two to four syllables, the same for every seed."""
    syllables = KANA if japanese else SYLLABLES
    return [
        "".join(pick(syllables, "word", number, place) for place in range(2 + hash64("syllables", number) % (3 if japanese else 2)))
        for number in range(EMPTY_WORDS)
    ]


def spread(total: int, groups: int) -> Iterator[int]:
    """Sizes of `groups` groups that differ by at most one and add up to `total`."""
    for group in range(groups):
        yield total * (group + 1) // groups - total * group // groups


def scaled(real: int, scale: float, least: int) -> int:
    """Rows at a scale: at scale 1 the real source's, never under `least` (or the real number, where that is smaller)."""
    return max(min(least, real), round(real * scale))
