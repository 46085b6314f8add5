"""Lessons about products, queries and reviews, in the chat layout: one method a kind of question.

A lesson may go on: the same options are asked about once or twice more, which gives three answers to learn from for little more text.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from shopbench.chat import END_TOKEN, chat_answer, chat_prompt
from shopbench.dataset.combinators import numbered
from shopbench.lessons.lists import Piece, language
from shopbench.lessons.views import ENGLISH, VIEWS, Attributes, agree, word_of
from shopbench.lessons.wording import ANY_LABEL, CLOSINGS, IN_ORDER, LIST_CLOSINGS, ONE, SOME, ask, ask_plainly, instruction, lines
from shopbench.world import Product, Query, Review, brands_of, esci_label, explanation_of, product, review_of, snippet
from shopbench.world_words import ASPECTS, DEPARTMENT_TITLES, LANGUAGE_NAMES, LANGUAGES, TYPES

CATALOGUE = "lessons"
PRODUCTS, REVIEWS = 20_000, 8_000
Pairs = tuple[tuple[str, str, int], ...]  # (view of the question, view of the options, weight)
# What one word decides.
PLAIN_PAIRS: Pairs = (
    ("attribute", "attribute", 3),
    ("attribute", "title", 5),
    ("brand", "title", 3),
    ("title", "brand", 3),
    ("kind", "kind", 1),
    ("query", "query", 2),
    ("title", "title", 1),
)
EASY_PAIRS: Pairs = (
    ("attribute", "attribute", 6),
    ("kind", "kind", 3),
    ("query", "query", 3),
    ("brand", "brand", 1),
    ("title", "brand", 4),
    ("title", "attribute", 4),
    ("attribute", "title", 4),
    ("title", "kind", 3),
    ("query", "title", 6),
    ("kind", "title", 3),
)
PAIRS: Pairs = (
    ("title", "brand", 4),
    ("title", "title", 2),
    ("title", "query", 4),
    ("query", "title", 6),
    ("title", "kind", 1),
    ("kind", "title", 1),
    ("title", "description", 2),
    ("description", "title", 4),
    ("bullets", "title", 4),
    ("title", "bullet", 4),
    ("bullet", "title", 4),
    ("description", "query", 3),
    ("bullets", "query", 2),
    ("title", "keywords", 3),
    ("keywords", "title", 1),
    ("description", "description", 4),
    ("kind", "kind", 2),
    ("attribute", "attribute", 4),
    ("attribute", "title", 3),
    ("query", "listing", 3),
    ("explanation", "kind", 2),
    ("title", "listing", 1),
    ("brand", "title", 1),
    ("query", "query", 1),
    ("kind", "special", 1),
    ("special", "kind", 1),
    ("title", "attribute", 2),
)
PICKED_PAIRS: Pairs = (
    ("query", "title", 6),
    ("title", "bullet", 4),
    ("title", "query", 2),
    ("bullet", "title", 2),
    ("kind", "title", 2),
    ("brand", "title", 1),
    ("attribute", "title", 3),
    ("title", "attribute", 3),
    ("attribute", "attribute", 1),
)
GAINS = {"E": 3, "S": 2, "C": 1, "I": 0}
RELATIONS = {
    "E": "it is what was looked for",
    "S": "it would do instead",
    "C": "it goes well with that",
    "I": "it has nothing to do with it",
}
SENTIMENTS = {5: "very positive", 4: "positive", 3: "neutral", 2: "negative", 1: "very negative"}
ENTITIES = {"kind": "product type", "brand": "brand", "color": "color", "material": "material", "size": "size", "adjective": "style"}
Option = tuple[str, Product, Attributes]


def chat(task_type: str, turns: Sequence[tuple[str, str]]) -> list[Piece]:
    """Turns of (prompt, answer): the first in the layout of the solution, the others after it. Answers alone weigh."""
    pieces = []
    for number, (prompt, answer) in enumerate(turns):
        later = f"\n<|im_start|>user\n{prompt.strip()}\n{END_TOKEN}\n<|im_start|>assistant\n"
        pieces += [Piece(later if number else chat_prompt(prompt, task_type), 0.0), Piece(chat_answer(answer), 1.0)]
    return pieces


def draw_pair(random: Random, pairs: Pairs) -> tuple[str, str]:
    asked, shown, _ = random.choices(pairs, [weight for *_, weight in pairs])[0]
    return asked, shown


def match_words(random: Random, words: Sequence[str], more: int = 2) -> list[Piece]:
    """`find_among` in the chat layout: which of 2 to 5 options, of one to three words, has the word; then `more` questions on others."""
    count, each = random.randrange(2, 6), random.choice([1, 1, 2, 3])
    bag = random.sample(words, count * each)
    options = [bag[number * each : (number + 1) * each] for number in range(count)]
    turns: list[tuple[str, str]] = []
    for number in random.sample(range(count), min(count, 1 + more)):
        label, word = random.choice(ANY_LABEL), random.choice(options[number])
        shown = [" ".join(option) for option in options]
        prompt = lines(f"{label}: {word}", random.choice(CLOSINGS)) if turns else ask_plainly(random, label, word, shown)
        turns.append((prompt, str(number)))
    return chat("multiple-choice", turns)


class Shop:
    """A simulated shop of its own seed, and the lessons that are drawn from it."""

    def __init__(self, seed: int, products: int = PRODUCTS, reviews: int = REVIEWS) -> None:
        self.products = [product(seed, CATALOGUE, index) for index in range(products)]
        self.of_kind: dict[str, list[Product]] = {kind.name: [] for kind in TYPES}
        for item in self.products:
            self.of_kind[item.kind.name].append(item)
        written = (review_of(self.products[index % products], "", seed, CATALOGUE, "review", index) for index in range(reviews))
        self.reviews = list(written)
        self.of_rating = {rating: [review for review in self.reviews if review.rating == rating] for rating in SENTIMENTS}

    def other(self, random: Random, item: Product, near: float) -> Product:
        """Any product; of the item's type in a share of `near`, of a type that complements it in a tenth."""
        chance = random.random()
        if chance < near:
            return random.choice(self.of_kind[item.kind.name])
        return self.complement_of(random, item) if chance < near + 0.1 else random.choice(self.products)

    def complement_of(self, random: Random, item: Product) -> Product:
        return random.choice(self.of_kind[random.choice(item.kind.complements)])

    def unrelated(self, random: Random, item: Product) -> Product:
        """A product of another type that is no complement."""
        while True:
            found = random.choice(self.products)
            if found.kind is not item.kind and found.kind.name not in item.kind.complements:
                return found

    def match(
        self,
        random: Random,
        pairs: Pairs = PAIRS,
        most: int = 6,
        near: Sequence[float] = (0, 0, 0.3, 0.6),
        more: int = 3,
        plain: bool = False,
    ) -> list[Piece]:
        """Which of 2 to 6 options is of the product shown; then up to `more` questions on the others. `plain`: one language, no quotes."""
        while True:
            asked, shown = draw_pair(random, pairs)
            at = language(random)
            mixed = not plain and random.random() < (0.9 if asked == shown == "description" else 0.35)
            there = language(random) if mixed else at
            if {asked, shown} & ENGLISH:
                at = there = 0
            item = random.choice(self.products)
            text, told = VIEWS[asked].show(item, at, random)
            right, right_told = VIEWS[shown].show(item, there, random)
            if not told & right_told:
                continue
            count, nearness = random.choice([n for n in (2, 3, 4, 4, 4, 5, 6) if n <= most]), random.choice(near)
            options: list[Option] = [(right, item, right_told)]
            for _ in range(40):
                if len(options) == count:
                    break
                found = self.other(random, item, nearness)
                option, its = VIEWS[shown].show(found, there if random.random() < 0.8 or not mixed else language(random), random)
                if told & its and not agree(item, told, found, its) and is_new(option, options):
                    options.append((option, found, its))
            if len(options) < 2:
                continue
            random.shuffle(options)
            label = random.choice(VIEWS[asked].labels)
            place = [option for option, *_ in options].index(right)
            listed = [option for option, *_ in options]
            prompt = ask_plainly(random, label, text, listed) if plain else ask(random, ONE, label, text, listed, 0, CLOSINGS)
            turns = [(prompt, str(place))]
            for number in random.sample([n for n in range(len(options)) if n != place], min(more, len(options) - 1)):
                again, told = VIEWS[asked].show(options[number][1], at, random)
                fitting = [n for n, (_, found, its) in enumerate(options) if agree(options[number][1], told, found, its)]
                if fitting == [number]:
                    turns.append((lines(f"{label}: {again}", random.choice(CLOSINGS)), str(number)))
            return chat("multiple-choice", turns)

    def pick(self, random: Random, most: int = 15, more: int = 2) -> list[Piece]:
        """Which (mostly 3) of 5 to 15 options are of the product shown; then up to `more` questions on the same list."""
        while True:
            asked, shown = draw_pair(random, PICKED_PAIRS)
            at = language(random)
            there = language(random) if random.random() < 0.15 else at
            item = random.choice(self.products)
            text, told = VIEWS[asked].show(item, at, random)
            wanted = 3 if random.random() < 0.85 else random.choice([1, 2])
            count = random.choice([n for n in (5, 6, 8, 10, 10, 10, 15, 15) if n <= most])
            options: list[Option] = []
            near = self.of_kind[item.kind.name] if "kind" in told else self.products
            for attempt in range(120):
                fitting = len(options) < wanted
                if len(options) == count or attempt == 60 and fitting:
                    break
                found = self.other(random, item, random.choice([0, 0.2]))
                if fitting:
                    found = item if attempt == 0 or shown != "title" else random.choice(near)
                option, its = VIEWS[shown].show(found, there, random)
                if told & its and agree(item, told, found, its) == fitting and is_new(option, options):
                    options.append((option, found, its))
            if len(options) < count:
                continue
            right = {option for option, *_ in options[:wanted]}
            random.shuffle(options)
            prompt = ask(random, SOME, random.choice(VIEWS[asked].labels), text, [option for option, *_ in options], 1, LIST_CLOSINGS)
            turns = [(prompt, numbers(number for number, (option, *_) in enumerate(options, 1) if option in right))]
            for _, other, _ in random.sample(options, more):
                again, told = VIEWS[asked].show(other, at, random)
                fits = [number for number, (_, found, its) in enumerate(options, 1) if agree(other, told, found, its)]
                if 1 <= len(fits) <= 3:
                    label = random.choice(VIEWS[asked].labels)
                    turns.append((lines(f"{label}: {again}", random.choice(LIST_CLOSINGS)), numbers(fits)))
            return chat("retrieval", turns)

    def rank(self, random: Random) -> list[Piece]:
        """Order four or five products by a query, or (one in four) queries by a product."""
        while True:
            at, count, by_product = language(random), random.choice([4, 5, 5, 5]), random.random() < 0.25
            item = random.choice(self.products)
            text, told = VIEWS["query"].show(item, at, random)
            search = query_of(item, text, told)
            options: dict[str, int] = {}
            for attempt in range(40):
                if len(options) == count:
                    break
                found = self.candidate(random, item) if attempt else item
                option, its = VIEWS["query" if by_product else "title"].show(found, at, random)
                label = esci_label(query_of(found, option, its), item) if by_product else esci_label(search, found)
                options.setdefault(option, GAINS[label])
            shown = random.sample(sorted(options), len(options))
            gains = [options[option] for option in shown]
            if len(set(gains)) < 2:
                continue
            about, view = (item.title(LANGUAGES[at]), "title") if by_product else (text, "query")
            prompt = ask(random, IN_ORDER, random.choice(VIEWS[view].labels), about, shown, 1, LIST_CLOSINGS)
            return chat("ranking", [(prompt, best_first(gains))])

    def relate(self, random: Random) -> list[Piece]:
        """How a product stands to a search, one of four or yes or no; or (two in five) whether two texts are of the same product."""
        at, item = language(random), random.choice(self.products)
        if random.random() < 0.4:
            return self.compare(random, item, at)
        text, told = VIEWS["query"].show(item, at, random)
        search, wanted = query_of(item, text, told), random.choice("ESCI")
        for _ in range(30):
            found = item if wanted == "E" else self.candidate(random, item)
            if (relation := esci_label(search, found)) == wanted:
                break
        about = lines(*random.sample([f"Search: {text}", f"Product: {found.title(LANGUAGES[at])}"], 2))
        if random.random() < 0.6:
            options = list(RELATIONS)
            if random.random() < 0.5:
                random.shuffle(options)
            said = instruction(random, ("What is it to the search?", "How does it stand to what was looked for?"))
            shown, answer = [RELATIONS[option] for option in options], options.index(relation)
        else:
            strict = random.random() < 0.5
            # No words in no order here: the question decides what yes means.
            said = random.choice(
                ("Is it just that?", "Was that looked for?") if strict else ("Is it good enough?", "Would one take it, too?")
            )
            shown, answer = yes_or_no(random, relation == "E" if strict else relation in "ES")
        parts = (said, about) if random.random() < 0.5 else (about, said)
        return chat("multiple-choice", [(lines(*parts, numbered(shown, 0), random.choice(CLOSINGS)), str(answer))])

    def compare(self, random: Random, item: Product, at: int) -> list[Piece]:
        """Whether two texts are of the same product: another of its type, half of the time, differs in something that both tell."""
        view = random.choice(["title", "listing", "keywords"])
        one, told = VIEWS["title"].show(item, at, random)
        same, other = random.random() < 0.5, item
        text, its = VIEWS[view].show(item, at if random.random() < 0.7 else language(random), random)
        while not same and agree(item, told, other, its):
            other = random.choice(self.of_kind[item.kind.name] if random.random() < 0.5 else self.products)
            text, its = VIEWS[view].show(other, at, random)
        said = instruction(random, ("Is it twice the same?", "Are both the same?", "One and the same?"))
        about = lines(
            *(f"{label}: {shown}" for label, shown in zip(("Product 1", "Product 2"), random.sample([one, text], 2), strict=True))
        )
        shown, answer = yes_or_no(random, same)
        parts = (said, about) if random.random() < 0.5 else (about, said)
        return chat("multiple-choice", [(lines(*parts, numbered(shown, 0), random.choice(CLOSINGS)), str(answer))])

    def candidate(self, random: Random, item: Product) -> Product:
        """What a search for the item finds: its type, a complement, anything."""
        chance = random.random()
        if chance < 0.45:
            return random.choice(self.of_kind[item.kind.name])
        return self.complement_of(random, item) if chance < 0.65 else random.choice(self.products)

    def rank_reviews(self, random: Random) -> list[Piece]:
        """Order four or five reviews from good to bad."""
        chosen = [random.choice(self.of_rating[rating]) for rating in random.sample(sorted(SENTIMENTS), random.choice([4, 5, 5]))]
        said = instruction(random, ("Which review is the best, which the worst?", "From happy to angry, order the reviews."))
        texts = [review_text(random, review).replace("\n", ". ") for review in chosen]
        prompt = lines(said, numbered(texts, 1), random.choice(LIST_CLOSINGS))
        return chat("ranking", [(prompt, best_first([review.rating for review in chosen]))])

    def rate(self, random: Random) -> list[Piece]:
        """The stars of a review, or its sentiment among five."""
        review = random.choice(self.of_rating[random.randrange(1, 6)])
        text = review_text(random, review)
        if random.random() < 0.6:
            said = instruction(random, ("How many stars?", "Stars from 1 to 5?", "A rating from 1 to 5, please."))
            first, second = (said, f"Review: {text}") if random.random() < 0.5 else (text, said)
            return chat("multiple-choice", [(lines(first, second, random.choice(CLOSINGS)), str(review.rating))])
        options = list(SENTIMENTS.values())
        if random.random() < 0.5:
            random.shuffle(options)
        prompt = ask(random, ("How does it sound?", "Is the customer happy?"), "Review", text, options, 0, CLOSINGS)
        return chat("multiple-choice", [(prompt, str(options.index(SENTIMENTS[review.rating])))])

    def complement(self, random: Random) -> list[Piece]:
        """What goes with a product type, a product, or several products bought: one of four to six, or three of 10 or 15."""
        at = language(random) if random.random() < 0.5 else 0
        item = random.choice(self.products)
        form = random.choice(["kind", "kind", "title", "three", "history"])
        title = LANGUAGES[at]
        if form == "three":
            right = [random.choice(self.of_kind[name]) for name in (*item.kind.complements, item.kind.name)]
            wrong = [self.unrelated(random, item) for _ in range(random.choice([10, 15]) - len(right))]
            fitting = {found.title(title) for found in right}
            options = random.sample(texts := list(dict.fromkeys(found.title(title) for found in [*right, *wrong])), len(texts))
            wording = ("What else will be bought?", "What goes into the cart with it?")
            prompt = ask(random, wording, "In the cart", item.title(title), options, 1, LIST_CLOSINGS)
            return chat("retrieval", [(prompt, numbers(number for number, option in enumerate(options, 1) if option in fitting))])
        found = self.complement_of(random, item)
        others = [self.unrelated(random, item) for _ in range(random.choice([3, 3, 5]))]
        if form == "kind":
            shown, answer, rest = item.kind.names[at], found.kind.names[at], [other.kind.names[at] for other in others]
        else:
            shown, answer, rest = item.title(title), found.title(title), [other.title(title) for other in others]
        if form == "history":
            bought = [item, *random.sample(self.of_kind[item.kind.name], random.randrange(1, 4))]
            shown = "\n".join(f"- {each.title(title)}" for each in bought)
        options = list(dict.fromkeys([answer, *rest]))
        random.shuffle(options)
        ideas = ("What goes well with it?", "What else will be bought?", "What may come next?")
        prompt = ask(random, ideas, random.choice(["Bought", "Has", "In the cart"]), shown, options, 0, CLOSINGS)
        return chat("multiple-choice", [(prompt, str(options.index(answer)))])

    def entity(self, random: Random) -> list[Piece]:
        """Copy the brand, color, material or type out of a title or a query, up to three in turn."""
        item, at = random.choice(self.products), language(random)
        in_title = random.random() < 0.5
        text, told = VIEWS["title" if in_title else "query"].show(item, at, random)
        names = ["brand", "color", "material", "kind"] if in_title else sorted(told - {"adjective"})
        random.shuffle(names)

        def spelt(name: str) -> str:
            word = word_of(item, name, at)
            if not in_title:
                return word.lower()
            return word.title() if at == 0 and name != "brand" else word

        kind = ENTITIES[names[0]]
        said = instruction(random, (f"Copy the {kind} out of the text.", f"What {kind} is named?"))
        asked = f"{random.choice(['Entity', 'Find', 'Wanted', 'entity type'])}: {kind}"
        about = f"{random.choice(['Text', 'Query', 'Title', 'product title', 'Words'])}: {text}"
        first, second = (about, asked) if random.random() < 0.3 else (asked, about)
        turns = [(lines(said, first, second, random.choice(LIST_CLOSINGS)), spelt(names[0]))]
        turns += [(ENTITIES[name], spelt(name)) for name in names[1:3]]
        return chat("named_entity_recognition", turns)

    def write(self, random: Random) -> list[Piece]:
        """Say what a type of product is, a title or a word in another language, or what a review says of an aspect."""
        item, chance = random.choice(self.products), random.random()
        closing = random.choice(["Output:", "", "Answer:"])
        if chance < 0.35:
            shown = f"Input: {item.kind.name}" if random.random() < 0.5 else item.kind.name.title()
            said = instruction(random, ("What is it?", "Say in a sentence what it is."))
            return chat("generation", [(lines(said, shown, closing), explanation_of(item.kind))])
        if chance < 0.85:
            at, there = language(random), random.randrange(len(LANGUAGES))
            name = LANGUAGE_NAMES[LANGUAGES[there]]
            wanted = f"{random.choice(['In', 'Say it in', 'Language:', 'Now in'])} {name}"
            if random.random() < 0.3:
                wanted = f"{LANGUAGE_NAMES[LANGUAGES[at]]} to {name}"
            one, other = item.title(LANGUAGES[at]), item.title(LANGUAGES[there])
            if random.random() < 0.6:
                attribute = random.choice(["color", "material", "kind", "adjective"])
                one, other = word_of(item, attribute, at), word_of(item, attribute, there)
            shown = f"{random.choice(['Text', 'Title', 'Words'])}: {one}" if random.random() < 0.5 else f"'{one}'"
            said = instruction(random, ("Other words for the same?", "Another language."))
            return chat("generation", [(lines(said, wanted, shown, closing), other)])
        review = random.choice(self.reviews)
        while not review.aspects:
            review = random.choice(self.reviews)
        aspect, _, sentence = random.choice(review.aspects)
        said = instruction(random, ("Which words of the review are about it?",))
        about = f"{random.choice(['Aspect', 'About'])}: {aspect}"
        return chat("generation", [(lines(said, f"Review: {review.text}", about, closing), sentence.rstrip("."))])

    def opinions(self, random: Random) -> list[Piece]:
        """Which three of ten aspects a review speaks of, or which three of 10 or 15 sentences are of a sentiment."""
        if random.random() < 0.5:
            covered = random.sample(random.choice(TYPES).aspects, 3)
            said = [snippet(aspect, random.random() < 0.6, random.random()).capitalize() for aspect in covered]
            options = covered + random.sample([aspect for aspect in ASPECTS if aspect not in covered], 7)
            random.shuffle(options)
            wording, about, right = ("What is it about?", "Which are spoken of?"), ". ".join(said) + ".", set(covered)
            prompt = ask(random, wording, "Review", about, options, 1, LIST_CLOSINGS)
        else:
            praised = random.random() < 0.5
            fitting = self.snippets(random, praised, 3, set())
            right = set(fitting)
            options = fitting + self.snippets(random, not praised, random.choice([7, 12]), right)
            random.shuffle(options)
            wording = ("Which say that?", "Which of them sound like it?")
            label = random.choice(["Sentiment", "Opinion"])
            prompt = ask(random, wording, label, "positive" if praised else "negative", options, 1, LIST_CLOSINGS)
        return chat("retrieval", [(prompt, numbers(number for number, option in enumerate(options, 1) if option in right))])

    def snippets(self, random: Random, praised: bool, count: int, taken: set[str]) -> list[str]:
        """So many different snippets of a sentiment."""
        found: list[str] = []
        while len(found) < count:
            text = snippet(random.choice(ASPECTS), praised, random.random())
            if text not in taken and text not in found:
                found.append(text)
        return found

    def text(self, random: Random, weight: float) -> list[Piece]:
        """Plain text: a product's page, a review, the same words in two languages, what is said of a type, or searches."""
        item, at, chance = random.choice(self.products), language(random), random.random()
        name = LANGUAGES[at]
        if chance < 0.35:
            page = {"title": item.title(name), "brand": item.brand, "color": item.color[at], "description": item.description(name)}
            text = "\n".join(f"{key}:\n{value}" for key, value in (page | {"bullets": "\n".join(item.bullets(name))}).items())
        elif chance < 0.55:
            review = random.choice(self.reviews)
            text = f"{review.product.title()}\n{review.rating}\n{review.title}\n{review.text}"
        elif chance < 0.75:
            there = random.randrange(len(LANGUAGES))
            pairs = [f"{word_of(item, key, at)}: {word_of(item, key, there)}" for key in ("kind", "color", "material", "adjective")]
            text = "\n".join([item.title(name), item.title(LANGUAGES[there]), *pairs])
        elif chance < 0.85:
            sold = f"It is sold in {DEPARTMENT_TITLES[item.kind.department]} by {', '.join(brands_of(item.kind))}"
            goes = f"and goes with {' and '.join(item.kind.complements)}. Its {item.kind.special} is {item.special}."
            text = f"{explanation_of(item.kind)} {sold}, {goes}"
        else:
            text = "\n".join(VIEWS["query"].show(other, at, random)[0] for other in random.sample(self.of_kind[item.kind.name], 4))
        return [Piece(f"{text}<|endoftext|>", weight)]


def yes_or_no(random: Random, answer: bool) -> tuple[list[str], int]:
    """The two options, mostly yes first, and the number of the right one."""
    options = ["yes", "no"] if random.random() < 0.8 else ["no", "yes"]
    return options, options.index("yes" if answer else "no")


def is_new(option: str, options: Sequence[Option]) -> bool:
    return all(option.casefold() != other.casefold() for other, *_ in options)


def numbers(places: object) -> str:
    return ",".join(map(str, places))  # type: ignore[call-overload]


def best_first(gains: Sequence[float]) -> str:
    """Numbers from 1 by falling gain, equals in the order shown."""
    return numbers(place + 1 for place in sorted(range(len(gains)), key=lambda place: -gains[place]))


def query_of(item: Product, text: str, told: Attributes) -> Query:
    """What the query view showed, as the simulator's own: `esci_label` judges it."""
    wish = next(((name, getattr(item, name)) for name in sorted(told - {"kind"})), None)
    return Query(text, "", item.kind, wish, ())


def review_text(random: Random, review: Review) -> str:
    """A review's text, its title before it in three of four."""
    return random.choice(
        [f"{review.title}. {review.text}", f"{review.title}. {review.text}", f"{review.title}\n{review.text}", review.text]
    )
