"""ECInstruct: ten e-commerce tasks as instruction, input, options and output.

Schema: dataset.json of the hub's NingLab/ECInstruct, a JSON array of {instruction, input, options, output, task, setting, split,
few_shot_example}, strings or null. `input` and `options` are mostly JSON inside a string, with keys that depend on the task.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from shopbench.hashing import hash64, pick, shuffled, uniform
from shopbench.simulators import counted, unseen
from shopbench.world import (
    Product,
    complements_of,
    draw_rating,
    esci_label,
    lengthened,
    members,
    messy,
    model_number,
    product,
    query_for,
    review_of,
    scaled,
    snippet,
)
from shopbench.world_words import FILLERS, PHRASES, SPECIAL_VALUES, TYPES

FILES = ("dataset.json",)
CATALOGUE = "ecinstruct"
# Products that the questions are about, at every scale.
PRODUCTS = 20_000
LEAST = {"train": 600, "val": 20, "test": 20}
ROWS = {"train": 10_000, "val": 1_000, "test": 1_000}
MATCHING_ROWS = {"train": 2_022, "val": 253, "test": 253}
BROKEN_SHARE = 0.003

RELEVANCE = {
    "E": "A: The product is relevant to the query, and satisfies all the query specifications.",
    "S": "B: The product is somewhat relevant. It fails to fulfill some aspects of the query but the product can be used as a functional "
    "substitute.",
    "C": "C: The product does not fulfill the query, but could be used in combination with a product exactly matching the query.",
    "I": "D: The product is irrelevant to the query.",
}
RELATIONS = (
    "A: Users who buy product 1 may also buy product 2.",
    "B: Users who view product 1 may also view product 2.",
    "C: The product 1 is similar with the product 2.",
)
SENTIMENTS = {5: "A: very positive", 4: "B: positive", 3: "C: neutral", 2: "D: negative", 1: "E: very negative"}


# Bytes that a field of an input is longer on average where texts are as long as real ones; each text of a list is. "" is the whole input.
ADDED_BYTES = {
    "Attribute_Value_Extraction": {"product description": 5_000, "product feature": 3_000},
    "Sentiment_Analysis": {"": 2_000},
    "Answerability_Prediction": {"document": 3_300},
    "Answer_Generation": {"document": 2_900},
}


class Item(NamedTuple):
    """A question before its instruction: `input` and `options` as the file spells them, options null where the task has none."""

    input: str
    options: str | None
    output: str


def write(file: str, scale: float, seed: int, path: Path, real_text: bool = False) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        separator = "[\n"
        for row in counted(_rows(scale, seed, real_text)):
            stream.write(separator + json.dumps(row, ensure_ascii=False))
            separator = ",\n"
        stream.write("\n]\n")


def _rows(scale: float, seed: int, real_text: bool) -> Iterator[dict[str, str | None]]:
    """Items of a task differ in their inputs, but for those that come again under another instruction."""
    for task, (instructions, build) in TASKS.items():
        seen: set[int] = set()
        for split, real in (MATCHING_ROWS if task == "Product_Matching" else ROWS).items():
            for index in range(scaled(real, scale, LEAST[split])):
                key = (seed, CATALOGUE, task, split, index)
                item = unseen(partial(_item, build, seed, key), lambda item: item.input, seen)
                if real_text and task in ADDED_BYTES:
                    item = _with_real_text(item, ADDED_BYTES[task], key)
                row = {
                    "instruction": pick(instructions, *key, "instruction"),
                    "input": item.input,
                    "options": item.options,
                    "output": item.output,
                    "task": task,
                    "setting": "IND_Diverse_Instruction",
                    "split": split,
                    "few_shot_example": json.dumps({"input": item.input, "output": item.output}) if split == "test" else None,
                }
                if uniform(*key, "broken") < BROKEN_SHARE:
                    row |= {"output": None} if uniform(*key, "null") < 0.5 else {"input": item.input[: len(item.input) // 2]}
                yield row
                # Part of the questions is there a second time, under the task's first instruction.
                if uniform(*key, "repeated") < 0.1:
                    yield row | {"instruction": instructions[0], "setting": "IND_Single_Instruction"}


def _item(build: Callable[[int, tuple], Item], seed: int, key: tuple, attempt: int) -> Item:
    return build(seed, (*key, attempt) if attempt else key)


def _with_real_text(item: Item, added: dict[str, int], key: tuple) -> Item:
    """The item with the fields of its input longer, so that the facts asked for stand where they stood."""
    if "" in added:
        return item._replace(input=lengthened(item.input, added[""], *key))
    fields = json.loads(item.input)
    for name, size in added.items():
        if isinstance(fields[name], list):
            fields[name] = [lengthened(text, size, *key, name, place) for place, text in enumerate(fields[name])]
        else:
            fields[name] = lengthened(fields[name], size, *key, name)
    return item._replace(input=json.dumps(fields, ensure_ascii=False))


def _product(seed: int, *key: object) -> Product:
    return product(seed, CATALOGUE, hash64(*key, "product") % PRODUCTS)


def _attribute_value_extraction(seed: int, key: tuple) -> Item:
    item = _product(seed, *key)
    values = {"brand": item.brand, "color": item.color[0], "material": item.material[0], item.kind.special: item.special}
    sources = {"brand": "product title", "color": "product title", "material": "product title", item.kind.special: "product feature"}
    fields = {
        "product title": item.title(),
        "product description": messy(item.description(), *key),
        "product feature": ", ".join(item.bullets()),
        "product price": f"${item.price}",
        "product brand": item.brand,
    }
    absent = next(name for name in shuffled(tuple(SPECIAL_VALUES), *key, "absent") if name != item.kind.special)
    asked = shuffled((*values, absent), *key, "asked")[: 1 + hash64(*key, "count") % 4]
    answers = [
        {"attribute": name, "value": values.get(name, "None").lower() if name in values else "None", "source": sources.get(name, "None")}
        for name in asked
    ]
    fields["target attributes"] = " and ".join(name.title() for name in asked)
    return Item(json.dumps(fields, ensure_ascii=False), None, json.dumps(answers, ensure_ascii=False))


def _product_relation_prediction(seed: int, key: tuple) -> Item:
    one = _product(seed, *key)
    letter = pick("ABC", *key, "relation")
    # Bought together: complements. Viewed together: one type. Similar: one type and one brand.
    kind = pick(complements_of(one.kind), *key, "complement") if letter == "A" else one.kind
    other = product(seed, CATALOGUE, pick(members(kind, PRODUCTS), *key, "other"))
    if letter == "C":
        other = replace(other, brand=one.brand, color=one.color)
    titles = {"Product 1:": one.title(), "Product 2:": other.title()}
    return Item(json.dumps(titles), json.dumps(RELATIONS), letter)


def _product_matching(seed: int, key: tuple) -> Item:
    one = _product(seed, *key)
    same = uniform(*key, "same") < 0.5
    other = one if same else product(seed, CATALOGUE, pick(members(one.kind, PRODUCTS), *key, "other"))
    first = f"{one.title()} (model {model_number(one.index)})"
    second = f"{other.brand} {other.kind.name} {model_number(other.index)} {other.color[0]} {other.size}"
    return Item(json.dumps({"product 1": first, "product 2": second}), None, "yes" if same else "no")


def _sentiment_analysis(seed: int, key: tuple) -> Item:
    written = review_of(_product(seed, *key), "", *key)
    return Item(messy(f"{written.title}. {written.text}", *key), json.dumps(list(SENTIMENTS.values())), SENTIMENTS[written.rating])


def _sequential_recommendation(seed: int, key: tuple) -> Item:
    """The history is of one type; the next purchase is of its first complement, among 20 options."""
    first = _product(seed, *key)
    same = members(first.kind, PRODUCTS)
    history = [product(seed, CATALOGUE, pick(same, *key, step)).title() for step in range(2 + hash64(*key, "length") % 4)]
    complement = complements_of(first.kind)[0]
    right = product(seed, CATALOGUE, pick(members(complement, PRODUCTS), *key, "next")).title()
    others = [kind for kind in TYPES if kind not in (complement, first.kind)]
    wrong = [
        product(seed, CATALOGUE, pick(members(kind, PRODUCTS), *key, kind.name)).title() for kind in shuffled(others, *key, "wrong")[:19]
    ]
    titles = shuffled([right, *wrong], *key, "options")
    letters = "ABCDEFGHIJKLMNOPQRST"
    history_text = str([f"{number}: {title}" for number, title in enumerate(history, start=1)])
    options = [f"{letter}: {title}" for letter, title in zip(letters, titles, strict=True)]
    return Item(history_text, json.dumps(options), letters[titles.index(right)])


def _judged(seed: int, key: tuple) -> tuple[str, Product, str]:
    """A query, a product and their label. A substitute needs a wish to miss, which not every query has, so it is drawn more often."""
    wanted = _product(seed, *key)
    search = query_for(wanted, "en", *key)
    relation = pick("ESSSCI", *key, "label")
    kinds = {"C": complements_of(wanted.kind), "I": [kind for kind in TYPES if kind is not wanted.kind]}.get(relation, [wanted.kind])
    found = wanted if relation == "E" else product(seed, CATALOGUE, pick(members(pick(kinds, *key, "kind"), PRODUCTS), *key, "found"))
    return search.text, found, esci_label(search, found)


def _multiclass_product_classification(seed: int, key: tuple) -> Item:
    text, found, label = _judged(seed, key)
    return Item(json.dumps({"query": text, "product title": found.title()}), json.dumps(list(RELEVANCE.values())), RELEVANCE[label])


def _product_substitute_identification(seed: int, key: tuple) -> Item:
    text, found, label = _judged(seed, key)
    return Item(json.dumps({"query": text, "product": found.title()}), None, "yes" if label == "S" else "no")


def _query_product_rank(seed: int, key: tuple) -> Item:
    """Two to four products with different labels, ranked E, S, C, I."""
    wanted = _product(seed, *key)
    search = query_for(wanted, "en", *key)
    found = {"E": wanted}
    for kind in (wanted.kind, complements_of(wanted.kind)[0], pick(TYPES, *key, "any")):
        item = product(seed, CATALOGUE, pick(members(kind, PRODUCTS), *key, kind.name))
        found.setdefault(esci_label(search, item), item)
    letters = "ABCD"
    shown = shuffled(list(found), *key, "order")
    products = [f"{letter}: {found[label].title()}" for letter, label in zip(letters, shown, strict=False)]
    ranked = [letters[shown.index(label)] for label in "ESCI" if label in found]
    return Item(json.dumps({"query": search.text, "product list": products}), None, ",".join(ranked))


def _facts(item: Product) -> dict[str, str]:
    return {"color": item.color[0], "material": item.material[0], "size": item.size, item.kind.special: item.special}


def _question(seed: int, key: tuple) -> tuple[Product, str, str, list[str]]:
    """A product, the attribute asked for, the question, and what reviewers say that has nothing to do with it."""
    item = _product(seed, *key)
    asked = pick(tuple(_facts(item)), *key, "asked")
    praised = draw_rating(*key) > 3
    opinions = [snippet(aspect, praised, *key, aspect) for aspect in shuffled(item.kind.aspects, *key, "aspects")[:2]]
    return item, asked, f"What is the {asked} of this {item.kind.name}?", [*opinions, pick(FILLERS, *key, "filler")]


def _answerability_prediction(seed: int, key: tuple) -> Item:
    """Answerable documents state the fact; the others hold opinions alone."""
    item, asked, question, document = _question(seed, key)
    answerable = uniform(*key, "answerable") < 0.5
    if answerable:
        document.append(f"I checked, and the {asked} of mine is {_facts(item)[asked]}.")
    text = json.dumps({"question": question, "document": shuffled(document, *key, "order")}, ensure_ascii=False)
    return Item(text, None, "yes" if answerable else "no")


def _answer_generation(seed: int, key: tuple) -> Item:
    item, asked, question, document = _question(seed, key)
    value = _facts(item)[asked]
    document.append(f"I checked, and the {asked} of mine is {value}.")
    text = json.dumps({"question": question, "document": shuffled(document, *key, "order")}, ensure_ascii=False)
    return Item(text, None, f"The {asked} of this {item.kind.name} is {value}. {PHRASES['for_home'][0]}")


# Per task: its instructions (the first is the single one) and what builds an item of (seed, key).
TASKS: dict[str, tuple[tuple[str, ...], Callable[[int, tuple], Item]]] = {
    "Attribute_Value_Extraction": (
        (
            "Find the value of each target attribute in the product information, and say in which field it stands.",
            "Read the product's fields and list the target attributes with their values and sources. Use None for what is not there.",
        ),
        _attribute_value_extraction,
    ),
    "Product_Relation_Prediction": (
        (
            "From the titles of two products, tell whether they are bought together, viewed together, or similar. Choose an option.",
            "Which option describes how product 1 and product 2 are related?",
        ),
        _product_relation_prediction,
    ),
    "Product_Matching": (
        (
            "Tell whether the two descriptions are of the same product. Output yes or no.",
            "Do both entries name one product? Answer yes or no.",
        ),
        _product_matching,
    ),
    "Sentiment_Analysis": (
        (
            "Which sentiment does the user's review express? Choose one of the options.",
            "Read the review and select the option that fits its overall tone.",
        ),
        _sentiment_analysis,
    ),
    "Sequential_Recommendation": (
        (
            "From the products that the user bought so far, choose the option that will be bought next.",
            "Given the purchase history, pick the most likely next product among the options.",
        ),
        _sequential_recommendation,
    ),
    "Multiclass_Product_Classification": (
        (
            "How relevant is the product title to the query? Choose an option.",
            "Select the option that describes how the product answers the query.",
        ),
        _multiclass_product_classification,
    ),
    "Product_Substitute_Identification": (
        (
            "Is the product a substitute for what the query asks, one that misses some of its wishes? Output yes or no.",
            "Tell whether the product could stand in for the one searched for without matching fully. Answer yes or no.",
        ),
        _product_substitute_identification,
    ),
    "Query_Product_Rank": (
        (
            "Rank the products A, B, C, ... by their relevance to the query, the most relevant first. Output the letters alone.",
            "Order the listed products from the best match of the query to the worst.",
        ),
        _query_product_rank,
    ),
    "Answerability_Prediction": (
        (
            "Can the question be answered with the document? Output yes or no.",
            "Tell whether the supporting document holds the answer to the question. Answer yes or no.",
        ),
        _answerability_prediction,
    ),
    "Answer_Generation": (
        ("Answer the question from the document.", "Write an answer to the question with what the document says."),
        _answer_generation,
    ),
}
