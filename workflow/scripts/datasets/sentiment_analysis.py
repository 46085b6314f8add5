"""Which of five sentiments a review has.

From ECInstruct's Sentiment Analysis.

Example:

    How does the writer of this review feel about the product?
    Perfect. The best soap I ever had.
    0. very positive
    1. positive
    2. neutral
    3. negative
    4. very negative
    Answer:
    -> 0
"""

from shopbench.dataset.ecinstruct_choice import choice_items
from shopbench.dataset.sampling import Candidates, Inputs

WORDINGS = [
    "What is the sentiment of the following review?\n{review}\n{options}\nAnswer:",
    "Review: {review}\nChoose the sentiment that the review expresses.\n{options}\nAnswer:",
    "How does the writer of this review feel about the product?\n{review}\n{options}\nAnswer:",
    "Instructions: Classify the review by its sentiment.\nInput: {review}\n{options}\nAnswer:",
]


def build(inputs: Inputs) -> Candidates:
    return choice_items(inputs, "sentiment_analysis", "review", WORDINGS, kind="review")
