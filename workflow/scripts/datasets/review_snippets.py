"""Which 3 of 15 snippets a customer with a given sentiment wrote (Task 3).

From Amazon Reviews 2023: a snippet is a short sentence of a review, or what a language model quoted of it. The right ones are of reviews
of one type of product with the given sentiment, the wrong ones of reviews with the opposite sentiment.

Example:

    Which three of these 15 sentences come from positive reviews of a(n) pet bowl product?
    1. I want my money back
    2. Hate the quality
    3. It mostly fails, a poor pet bowl
    4. The size is better than expected
    5. This is the worst pet bowl I ever had
    6. It is below what I hoped for
    7. Really bad warmth
    8. Much too small
    9. The best pet bowl I ever had
    10. Slips all the time
    11. The packaging is worse than expected
    12. Hate the ease of use
    13. I am happy overall
    14. This is the worst lamp I ever had
    15. The ease of use is awful
    Answer with three numbers, separated by commas. Output the numbers alone, not the snippets, and explain nothing.
    Output:
    -> 4,9,13
"""

from typing import Any

import polars as pl

from shopbench.dataset.combinators import pick_some
from shopbench.dataset.lookalikes import Lookalikes
from shopbench.dataset.question import Draw, Question, Skip
from shopbench.dataset.reviews import KEY, reviews
from shopbench.dataset.sampling import Candidates, Inputs
from shopbench.dataset.texts import sentences

FORM = "Answer with three numbers, separated by commas. Output the numbers alone, not the snippets, and explain nothing."
WORDINGS = [
    "A customer who bought a(n) {kind} product expresses a {sentiment} sentiment in a review.\n"
    "This numbered list has 15 snippets of reviews. "
    "Select 3 snippets that most likely stand in this customer's review.\n" + FORM + "\nSnippet List:\n{options}\nOutput:",
    "Product type: {kind}\nSentiment: {sentiment}\nChoose three snippets from the list that stand in such a review.\n"
    + FORM
    + "\nSnippets:\n{options}\nOutput:",
    "Which three of these 15 sentences come from {sentiment} reviews of a(n) {kind} product?\n{options}\n" + FORM + "\nOutput:",
    "Help a customer to write a {sentiment} review of a(n) {kind} product. Select 3 fitting snippets from the list.\n{options}\n"
    + FORM
    + "\nOutput:",
]
SENTIMENTS = {1: "negative", 2: "negative", 4: "positive", 5: "positive"}
OPPOSITE = {"negative": "positive", "positive": "negative"}
# Users whose reviews are looked at for each row.
USERS = 5
SNIPPET_WORDS = range(2, 11)


def build(inputs: Inputs) -> Candidates:
    said = inputs.some(reviews(inputs, "text", "rating").filter(pl.col("rating") != 3), "user_id", USERS)
    # Kinds that a language model named count in rows that say so alone: the others are as they would be without one.
    snippets = Lookalikes(
        (bucket, snippet)
        for kind, source_kind, rating, text in said.select("kind", "source_kind", "rating", "text").iter_rows()
        for snippet in snippets_of(text)
        for bucket in ((True, kind, SENTIMENTS[rating]), (False, source_kind, SENTIMENTS[rating]), (SENTIMENTS[rating],))
    )

    quoted = inputs.made("review_aspects")
    both = set(snippets[("positive",)]) & set(snippets[("negative",)])

    def of_both_sides(snippet: str) -> bool:
        return snippet in both

    def ask(row: dict[str, Any], draw: Draw) -> Question:
        own = snippets_of(row["text"])
        quotes = quotes_of(quoted.get(tuple(row[key] for key in KEY)))
        if not own and not quotes:
            raise Skip("no short sentence")
        sentiment = SENTIMENTS[row["rating"]]
        opposite = OPPOSITE[sentiment]

        first = draw.pick([*own, *(quote for quote in quotes if quote not in own)], "own snippet")
        if first in both:
            raise Skip("snippet of both sentiments")
        if row["kind_made"] or first not in own:
            draw.uses.add("enrich")
        kind = (row["kind_made"], row["kind"])
        right = [first, *snippets.wrong(draw, 2, [(*kind, sentiment)], [first], unless=of_both_sides)]
        wrong = snippets.wrong(draw, 12, [(*kind, opposite), (opposite,)], right, unless=of_both_sides)
        return pick_some(draw, WORDINGS, right=right, wrong=wrong, kind=row["kind"], sentiment=sentiment)

    return Candidates(said, key=KEY, group=("amazon_reviews_2023", "product", "product_id"), ask=ask)


def snippets_of(text: str) -> list[str]:
    """Short sentences of a review, without their closing marks."""
    found = (sentence.rstrip(".!").strip() for sentence in sentences(text))
    return [snippet for snippet in found if len(snippet.split()) in SNIPPET_WORDS]


def quotes_of(made: dict[str, Any] | None) -> list[str]:
    """The short quotes among the aspects that a language model found in a review."""
    quotes = (aspect["quote"].rstrip(".!").strip() for aspect in made["aspects"]) if made else ()
    return [quote for quote in quotes if len(quote.split()) in SNIPPET_WORDS]
