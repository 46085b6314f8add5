"""Questions in the shape of the KDD Cup 2024 challenge, about the simulated shop: its 18 tasks, one builder each.

A builder takes (seed, key) and returns (input_field, output_field); the same key gives the same question. The shapes (how options are
numbered, which instruction names the task type) follow the challenge, because the winners' routing reads them; the wording is ours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from shopbench.hashing import hash64, pick, shuffled, uniform
from shopbench.world import (
    Product,
    attributes_of,
    brands_of,
    complements_of,
    draw_rating,
    esci_label,
    explanation_of,
    members,
    product,
    query_for,
    review_of,
    snippet,
)
from shopbench.world_words import (
    ASPECTS,
    COLORS,
    LANGUAGE_NAMES,
    LANGUAGES,
    MATERIALS_BY_DEPARTMENT,
    SPECIAL_VALUES,
    TYPES,
    TYPICAL_SNIPPETS,
    ProductType,
)

Key = tuple[object, ...]
Question = tuple[str, Any]

CATALOGUE = "evaluation"
PRODUCTS = 20_000
GAIN = {"E": 1, "S": 0.1, "C": 0.01, "I": 0}
NOT_INFERABLE = "It cannot be inferred."
# Nouns and verbs of the commonsense questions: what happens, why, how one feels, what prevents it.
EVENTS = (
    ("boils water in a kettle", "to have tea", "cozy", "the kettle is broken"),
    ("packs a tent", "to go camping", "excited", "the tent is torn"),
    ("buys a puzzle", "to have fun at home", "amused", "the shop has closed"),
    ("puts on a scarf", "to keep warm", "warm", "the scarf is lost"),
    ("charges a phone", "to make a call", "prepared", "the power is out"),
    ("wears a helmet", "to be safe", "protected", "the helmet is too small"),
    ("waters a plant pot", "to see flowers", "content", "the hose leaks"),
    ("opens a lunch box", "to eat at noon", "satisfied", "the lunch box is empty"),
)


class Task(NamedTuple):
    """A task of the challenge: where it counts, how it is answered and scored, and what builds its questions."""

    track: str
    task_type: str
    metric: str
    build: Callable[[int, Key], Question]


def _item(seed: int, key: Key) -> Product:
    return product(seed, CATALOGUE, hash64(*key, "product") % PRODUCTS)


def _of_kind(seed: int, kind: ProductType, *key: object) -> Product:
    return product(seed, CATALOGUE, pick(members(kind, PRODUCTS), *key))


def _other_kinds(kind: ProductType, key: Key, also_not: Sequence[ProductType] = ()) -> list[ProductType]:
    return [other for other in shuffled(TYPES, *key, "others") if other is not kind and other not in also_not]


def _choice(right: str, wrong: Sequence[str], key: Key) -> tuple[str, int]:
    """Options numbered from 0, one a line, and the number of the right one."""
    options = shuffled([right, *wrong], *key, "options")
    return "\n".join(f"{number}. {option}" for number, option in enumerate(options)), options.index(right)


def _numbered(options: Sequence[str]) -> str:
    return "\n".join(f"{number}. {option}" for number, option in enumerate(options, start=1))


def _places(options: Sequence[str], right: Sequence[str]) -> list[int]:
    """The right options' numbers, counted from 1."""
    return [options.index(option) + 1 for option in right]


def explain_type(seed: int, key: Key) -> Question:
    kind = pick(TYPES, *key, "type")
    asks = pick(("Describe what this product category is", "Tell me the meaning of the product type"), *key, "wording")
    return f"Instructions: {asks}\nInput: {kind.name.title()}\nOutput:", explanation_of(kind)


def category_of_attribute(seed: int, key: Key) -> Question:
    attribute = pick(tuple(SPECIAL_VALUES), *key, "attribute")
    having = [kind for kind in TYPES if attribute in attributes_of(kind)]
    lacking = [kind for kind in TYPES if attribute not in attributes_of(kind)]
    options, answer = _choice(pick(having, *key).name, [kind.name for kind in shuffled(lacking, *key)[:3]], key)
    return f"Which product category below is likely to come with the attribute {attribute}?\n{options}\nAnswer: ", answer


def snippets_of_review(seed: int, key: Key) -> Question:
    kind = pick(TYPES, *key, "type")
    aspect, praised = pick(kind.aspects, *key, "aspect"), uniform(*key, "praised") < 0.7
    place = 0 if praised else 1
    right = [TYPICAL_SNIPPETS[aspect][place], f"the {aspect} is {('great', 'awful')[place]}", f"really {('good', 'bad')[place]} {aspect}"]
    others = [name for name in shuffled(ASPECTS, *key, "others") if name != aspect]
    wrong = [snippet(name, uniform(*key, name) < 0.5, *key, name) for name in others[:12]]
    options = shuffled([*right, *wrong], *key, "options")
    sentiment = "positive" if praised else "negative"
    text = (
        f"Someone bought a(n) {kind.name} product and is about to review it, with a {sentiment} opinion of the {aspect} aspect. \n"
        "Below is a numbered list of 15 review snippets. Please select 3 snippets from the list that this customer would write. \n"
        "You should output three numbers, separated with comma. Generate only indices. Do not give explanations. \n"
        f"Review Snippet List: \n{_numbered(options)}\nOutput: "
    )
    return text, _places(options, right)


def query_entities(seed: int, key: Key) -> Question:
    search = query_for(_item(seed, key), pick(("en", "en", "de", "fr", "es"), *key, "language"), *key)
    entity, phrase = pick(search.entities, *key, "entity")
    text = (
        "As an assistant of an online shop who knows language well, look at what a customer typed. Please extract phrases from the query "
        f"that correspond to the entity type '{entity}'. \nPlease directly output the entity without repeating the entity type. If there "
        f"are multiple such entities, separate them with comma. Do not give explanations. \nQuery: {search.text}\nOutput: "
    )
    return text, [phrase]


def attribute_of_title(seed: int, key: Key) -> Question:
    item = _item(seed, key)
    if uniform(*key, "inferable") < 0.25:
        asked = item.kind.special
        options, answer = _choice(NOT_INFERABLE, shuffled(SPECIAL_VALUES[asked], *key)[:3], key)
    else:
        asked = pick(("color", "material"), *key, "asked")
        words = COLORS if asked == "color" else [words for group in MATERIALS_BY_DEPARTMENT.values() for words in group]
        right = getattr(item, asked)[0]
        wrong = [word for word in shuffled([word[0] for word in words if word[0] != right], *key)[:2]]
        options, answer = _choice(right, [*wrong, NOT_INFERABLE], key)
    return f"An online shop lists the product '{item.title()}'.  What {asked} does it have?\n{options}\nAnswer: ", answer


def aspect_keyphrase(seed: int, key: Key) -> Question:
    item = _item(seed, key)
    aspects = shuffled(item.kind.aspects, *key, "aspects")[:3]
    praised = {aspect: uniform(*key, aspect, "praised") < 0.6 for aspect in aspects}
    phrases = {aspect: snippet(aspect, praised[aspect], *key, aspect) for aspect in aspects}
    asked = pick(aspects, *key, "asked")
    review = ". ".join(phrase[0].upper() + phrase[1:] for phrase in phrases.values())
    text = (
        f"Below you find a user review to a(n) {item.kind.name} product and one aspect that it covers. \n"
        "Please extract the keyphrase from the review that mentions the given aspect. \n"
        "Take ONLY ONE keyphrase, as it stands in the review. Keep it short, no whole sentences and no explanations. \n"
        f"Review: {review}.\nAspect: {asked}\nOutput: \n"
    )
    return text, phrases[asked]


def aspects_of_review(seed: int, key: Key) -> Question:
    item = _item(seed, key)
    covered = shuffled(item.kind.aspects, *key, "covered")[:3]
    praised = draw_rating(*key) > 3
    review = ". ".join(snippet(aspect, praised, *key, aspect).capitalize() for aspect in covered)
    options = shuffled([*covered, *[name for name in shuffled(ASPECTS, *key, "wrong") if name not in covered][:7]], *key, "options")
    listed = "\n".join(f"{number}.{aspect}" for number, aspect in enumerate(options, start=1))
    text = (
        f"\nHere is a user review of a(n) {item.kind.name} product, and a numbered list of ten aspects. \n"
        "Please choose three aspects from the list that the review speaks of. \n"
        f"You should ONLY output three numbers, separated by comma. \nReview: \n{review}.\nAspect List: \n{listed}\nOutput: "
    )
    return text, _places(options, covered)


def total_of_pack(seed: int, key: Key) -> Question:
    item = _item(seed, key)
    each, pack = 2 + hash64(*key, "each") % 9, 2 + hash64(*key, "pack") % 8
    right = each * pack
    wrong = list(dict.fromkeys(value for value in (right + each, right + 10, each + pack, right * 2) if value != right))[:3]
    options, answer = _choice(f"{right} ounce", [f"{value} ounce" for value in wrong], key)
    title = f"{item.title()}, {each} Ounce (Pack of {pack})"
    return f"An online shop lists the product '{title}'. How much does the whole pack weigh?\n{options}\nAnswer: ", answer


def commonsense(seed: int, key: Key) -> Question:
    event = pick(EVENTS, *key, "event")
    place, asks = pick(
        ((1, 'Because PersonX wanted what does this happen: "PersonX {}"?'), (2, 'Given the event "PersonX {}", how does PersonX feel?'),
         (3, 'What can get in the way of the event "PersonX {}"?')), *key, "asks")  # fmt: skip
    wrong = [str(other[place]) for other in shuffled([other for other in EVENTS if other is not event], *key)[:3]]
    options, answer = _choice(str(event[place]), wrong, key)
    return f"{asks.format(event[0])}\n{options}\nAnswer: ", answer


def complement_of_type(seed: int, key: Key) -> Question:
    kind = pick(TYPES, *key, "type")
    sold = complements_of(kind)
    options, answer = _choice(pick(sold, *key).name, [other.name for other in _other_kinds(kind, key, sold)[:3]], key)
    return f"Which product category below goes best together with the product type {kind.name}?\n{options}\nAnswer: ", answer


def relation_of_queries(seed: int, key: Key) -> Question:
    item = _item(seed, key)
    relation = pick(("irrelevant", "substitute", "complement", "narrowing"), *key, "relation")
    brand, other_brand = (name.lower() for name in shuffled(brands_of(item.kind), *key, "brands")[:2])
    sold = complements_of(item.kind)
    one, other = {
        "narrowing": (item.kind.name, f"{item.color[0]} {item.kind.name}"),
        "substitute": (f"{brand} {item.kind.name}", f"{other_brand} {item.kind.name}"),
        "complement": (item.kind.name, pick(sold, *key).name),
        "irrelevant": (item.kind.name, _other_kinds(item.kind, key, sold)[0].name),
    }[relation]
    options, answer = _choice(relation, [name for name in ("irrelevant", "substitute", "complement", "narrowing") if name != relation], key)
    return f'How does the query "{other}" relate to the query "{one}" that came before it?\n{options}\nAnswer: ', answer


def rank_products(seed: int, key: Key) -> Question:
    wanted = _item(seed, key)
    search = query_for(wanted, "en", *key)
    kinds = [wanted.kind, wanted.kind, complements_of(wanted.kind)[0], _other_kinds(wanted.kind, key)[0]]
    found = [wanted, *(_of_kind(seed, kind, *key, place) for place, kind in enumerate(kinds))]
    shown = shuffled(found, *key, "order")
    text = (
        f"A customer searched for '{search.text}'. The numbered list below has 5 products. Please rank the products according to their "
        f"relevance with the query. \nProduct List: \n{_numbered([item.title() for item in shown])}\n"
        "You should output a permutation of 1 to 5. There should be a comma separating two numbers. Each product and its number should "
        "appear only once in the output. Only respond with the ranking results. Do not say any word or explanations.\nOutput: "
    )
    return text, [GAIN[esci_label(search, item)] for item in shown]


def next_query(seed: int, key: Key) -> Question:
    item = _item(seed, key)
    following = complements_of(item.kind)[0].name
    actions = [f"Query keyword '{item.kind.name}'", f"Click on product '{item.title()}'"]
    if uniform(*key, "buys") < 0.6:
        actions += [f"Add product '{item.title()}' to cart", f"Purchase product '{item.title()}'"]
    wrong = [kind.name for kind in _other_kinds(item.kind, key, complements_of(item.kind))[:9]]
    options = shuffled([following, *wrong], *key, "options")
    action_lines = "\n".join(actions)
    text = (
        "You shop online: you search, click and buy. \nBelow is what you did last. What will be the keyword of your next query? \n"
        "You are given a numbered list of ten candidate queries. Select three from the list that you think most likely. Output ONLY three "
        f"numbers separated with comma. Do not give explanations. \n\nAction Sequence:\n{action_lines}\n\n"
        f"Candidate Query List:\n{_numbered(options)}\nOutput (answer in three comma-separated numbers): "
    )
    return text, _places(options, [following])


def also_bought(seed: int, key: Key) -> Question:
    item = _item(seed, key)
    sold = complements_of(item.kind)
    right = [_of_kind(seed, kind, *key, place) for place, kind in enumerate((sold[0], sold[-1], item.kind))]
    wrong = [_of_kind(seed, kind, *key, kind.name) for kind in _other_kinds(item.kind, key, sold)[:12]]
    options = [found.title() for found in shuffled([*right, *wrong], *key, "options")]
    text = (
        f"A user of an online shop has the product '{item.title()}' in the cart. The following numbered list contains 15 products. Please "
        f"select 3 products from the list that the same user may buy too.\nProduct List: \n{_numbered(options)}\n"
        "You should output 3 numbers that correspond to the selected products. There should be a comma separating every two numbers. Only "
        "respond with the results. Do not say any word or explanations.\nOutput: "
    )
    return text, _places(options, [found.title() for found in right])


def rating_of_review(seed: int, key: Key) -> Question:
    written = review_of(_item(seed, key), "", *key)
    text = (
        "Instructions: How many stars, from 1 (very negative) to 5 (very positive), does this product review give? \n"
        f"Input: what a customer wrote about a(n) {written.product.kind.name} product\n{written.title}\n{written.text}\nOutput:\nAnswer: "
    )
    return text, written.rating


def keyword_set(seed: int, key: Key) -> Question:
    item, language = _item(seed, key), pick(LANGUAGES[1:], *key, "language")
    at = LANGUAGES.index(language)
    sets = [
        f"{found.kind.names[at].lower()}, {found.color[at].lower()}, {found.brand.lower()}, {found.material[at].lower()}"
        for found in (item, *(_of_kind(seed, kind, *key, kind.name) for kind in _other_kinds(item.kind, key)[:3]))
    ]
    options, answer = _choice(sets[0], sets[1:], key)
    text = f"Which of the keyword sets below fits this product best?\nProduct Title: {item.title(language)}\n"
    return f"{text}Product Description: {item.description(language)}\n\n{options}\nAnswer: ", answer


def translate_title(seed: int, key: Key, languages: Sequence[str] = ("de", "fr", "es", "it")) -> Question:
    item, language = _item(seed, key), pick(languages, *key, "language")
    name = LANGUAGE_NAMES[language]
    wording = pick(
        ("An online shop sells '{title}'. Write the product's title for the {name} shop.",
         "Give the {name} title of the product that is called '{title}' in English."), *key, "wording")  # fmt: skip
    return wording.format(title=item.title(), name=name) + "\nOutput: ", item.title(language)


def translate_title_to_japanese(seed: int, key: Key) -> Question:
    return translate_title(seed, key, ("jp",))


def same_product(seed: int, key: Key) -> Question:
    item = _item(seed, key)
    language = pick(LANGUAGES[1:], *key, "language")
    wrong = [_of_kind(seed, kind, *key, kind.name) for kind in _other_kinds(item.kind, key)[:3]]
    descriptions = [other.description(pick(LANGUAGES[1:], *key, other.index)) for other in wrong]
    options, answer = _choice(item.description(language), descriptions, key)
    text = f"An online shop describes a product like this: '{item.description()}'. Which description below may be of the same product?"
    return f"{text}\n{options}\nAnswer: ", answer


CONCEPTS, REASONING = "amazon-kdd-cup-24-understanding-shopping-concepts", "amazon-kdd-cup-24-shopping-knowledge-reasoning"
BEHAVIOR, LANGUAGES_TRACK = "amazon-kdd-cup-24-user-behavior-alignment", "amazon-kdd-cup-24-multi-lingual-abilities"
CHOICE, RETRIEVAL, NER = "multiple-choice", "retrieval", "named_entity_recognition"

TASKS: dict[str, Task] = {
    "task1": Task(CONCEPTS, "generation", "sent-transformer", explain_type),
    "task2": Task(CONCEPTS, CHOICE, "accuracy", category_of_attribute),
    "task3": Task(CONCEPTS, RETRIEVAL, "hit rate@3", snippets_of_review),
    "task4": Task(CONCEPTS, NER, "micro f1", query_entities),
    "task5": Task(CONCEPTS, CHOICE, "accuracy", attribute_of_title),
    "task6": Task(CONCEPTS, "generation", "rougel", aspect_keyphrase),
    "task7": Task(CONCEPTS, RETRIEVAL, "hit rate@3", aspects_of_review),
    "task8": Task(REASONING, CHOICE, "accuracy", total_of_pack),
    "task9": Task(REASONING, CHOICE, "accuracy", commonsense),
    "task10": Task(REASONING, CHOICE, "accuracy", complement_of_type),
    "task11": Task(BEHAVIOR, CHOICE, "accuracy", relation_of_queries),
    "task12": Task(BEHAVIOR, "ranking", "ndcg", rank_products),
    "task13": Task(BEHAVIOR, RETRIEVAL, "hit rate@3", next_query),
    "task14": Task(BEHAVIOR, RETRIEVAL, "hit rate@3", also_bought),
    "task15": Task(BEHAVIOR, CHOICE, "accuracy", rating_of_review),
    "task16": Task(LANGUAGES_TRACK, CHOICE, "accuracy", keyword_set),
    "task17": Task(LANGUAGES_TRACK, "generation", "bleu", translate_title),
    "task18": Task(LANGUAGES_TRACK, CHOICE, "accuracy", same_product),
}
TRANSLATE_TO_JAPANESE = Task(LANGUAGES_TRACK, "generation", "jp-bleu", translate_title_to_japanese)
