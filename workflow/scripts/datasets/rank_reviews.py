"""Rank reviews from positive to negative.

From ECInstruct's Sentiment Analysis: one review of each of the five sentiments, all on one side of the split.

Example:

    Five customers wrote a review each. Put the reviews in order, from the best opinion to the worst.
    1. Not good. Cheaply made. Far too expensive. It mostly fails, a poor puzzle.
    2. Quite nice. Great value for the money. Really good packaging. I am happy overall.
    3. Nothing special. I bought it last month. An average shampoo for everyday use.
    4. Awful, avoid. I want my money back.
    5. Absolutely love it. Absolutely perfect, I love it. ★
    Answer with a permutation of 1 to 5, separated by commas. Only respond with the ranking, without any other word.
    Output:
    -> 5,2,3,1,4
"""

import json
from typing import Any

import polars as pl

from shopbench.dataset.combinators import rank
from shopbench.dataset.ecinstruct import answer_place, items
from shopbench.dataset.lookalikes import Lookalikes
from shopbench.dataset.question import Draw, Question, Skip
from shopbench.dataset.sampling import Candidates, Inputs
from shopbench.dataset.texts import shorten

FORM = "Answer with a permutation of 1 to 5, separated by commas. Only respond with the ranking, without any other word."
WORDINGS = [
    "Rank the following 5 product reviews from the most positive to the most negative.\nReview List:\n{options}\n" + FORM + "\nOutput:",
    "Review List:\n{options}\nSort these reviews by sentiment, the happiest customer first. " + FORM + "\nOutput:",
    "Five customers wrote a review each. Put the reviews in order, from the best opinion to the worst.\n{options}\n" + FORM + "\nOutput:",
    "Which review is the most positive, which comes second, and so on down to the most negative?\n{options}\n" + FORM + "\nOutput:",
]
# From the most positive down, as ECInstruct's options have them.
SENTIMENTS = ["very positive", "positive", "neutral", "negative", "very negative"]
RELEVANCE = [1.0, 0.75, 0.5, 0.25, 0.0]
REVIEW_CHARACTERS = 250


def build(inputs: Inputs) -> Candidates:
    frame = items(inputs, "sentiment_analysis", "review")
    sides = [inputs.side("ecinstruct", "review", key) for key in frame["about"]]
    frame = frame.with_columns(
        pl.Series("sentiment", [sentiment_of(row) for row in frame.iter_rows(named=True)], dtype=pl.Int64),
        pl.Series("review", [shorten(json.loads(fields)["review"], REVIEW_CHARACTERS) for fields in frame["fields"]], dtype=pl.String),
        pl.Series("side", sides, dtype=pl.String),
    ).filter(pl.col("sentiment").is_not_null())
    reviews = Lookalikes(((side, sentiment), review) for side, sentiment, review in frame.select("side", "sentiment", "review").iter_rows())

    def ask(row: dict[str, Any], draw: Draw) -> Question:
        options = {row["sentiment"]: row["review"]}
        for sentiment in range(len(SENTIMENTS)):
            if sentiment != row["sentiment"]:
                options[sentiment] = reviews.wrong(draw, 1, [(row["side"], sentiment)], options.values())[0]
        return rank(draw, WORDINGS, options=list(options.values()), relevance=[RELEVANCE[sentiment] for sentiment in options])

    return Candidates(frame, key=["item"], group=("ecinstruct", "review", "about"), ask=ask)


def sentiment_of(row: dict[str, Any]) -> int | None:
    """Place of the item's answer in SENTIMENTS; None where it has none."""
    try:
        options = json.loads(row["options"]) or SENTIMENTS
        return SENTIMENTS.index(options[answer_place(options, row["output"])].casefold())
    except (Skip, ValueError):
        return None
