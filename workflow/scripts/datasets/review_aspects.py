"""Which 3 of 10 aspects a review covers (Task 7).

From Amazon Reviews 2023. An aspect is covered where one of its cue words stands in the review, or where a language model found it there
and quoted the place; reviews that cover at least three are asked about.

Example:

    Find the three aspects that the customer mentions.
    Review: Came in a beautiful box. Still going strong. A good lipstick with one small flaw.
    Aspect List:
    1. design
    2. size
    3. warmth
    4. material
    5. sound
    6. packaging
    7. scent
    8. fit
    9. taste
    10. quality
    Answer ONLY with three numbers, separated by commas, without explanations.
    Output:
    -> 1,2,6
"""

from typing import Any

from shopbench.dataset.combinators import pick_some
from shopbench.dataset.question import Draw, Question, Skip
from shopbench.dataset.reviews import KEY, TEXT_CHARACTERS, reviews
from shopbench.dataset.sampling import Candidates, Inputs
from shopbench.dataset.texts import shorten, words

FORM = "Answer ONLY with three numbers, separated by commas, without explanations."
WORDINGS = [
    "Below are a customer's review of a(n) {kind} product and a numbered list of ten aspects.\n"
    "Choose three aspects of the list that the review covers.\n" + FORM + "\nReview:\n{text}\nAspect List:\n{options}\nOutput:",
    "Review: {text}\nThe list below has ten aspects of a product. Select three aspects that the review speaks about.\n"
    + FORM
    + "\n{options}\nOutput:",
    "What does this review of a(n) {kind} product talk about? Choose three aspects.\n{text}\nAspects:\n{options}\n" + FORM + "\nOutput:",
    "Find the three aspects that the customer mentions.\nReview: {text}\nAspect List:\n{options}\n" + FORM + "\nOutput:",
]
# Aspects, and the words by which a review speaks of them.
CUES = {
    "price": {"price", "prices", "cheap", "expensive", "money", "cost", "priced", "affordable", "overpriced"},
    "quality": {"quality", "flimsy", "sturdy", "cheaply"},
    "size": {"size", "sizes", "sized", "small", "large", "big", "tiny", "roomy", "compact"},
    "color": {"color", "colors", "colour", "shade"},
    "scent": {"scent", "smell", "smells", "smelled", "fragrance", "odor"},
    "comfort": {"comfort", "comfortable", "comfy", "uncomfortable"},
    "packaging": {"packaging", "package", "packaged", "box", "wrapped"},
    "shipping": {"shipping", "delivery", "delivered", "arrived", "shipped"},
    "ease of use": {"easy", "easily", "simple", "difficult", "complicated", "ease"},
    "durability": {"durability", "durable", "broke", "broken", "lasts", "lasted", "lasting"},
    "design": {"design", "designed", "looks", "style", "stylish", "pretty", "beautiful"},
    "softness": {"soft", "softness", "softer", "rough"},
    "weight": {"weight", "heavy", "light", "lightweight"},
    "noise": {"noise", "noisy", "quiet", "loud"},
    "battery": {"battery", "batteries", "charge", "charging"},
    "sound": {"sound", "sounds", "bass", "volume"},
    "fit": {"fit", "fits", "tight", "loose", "snug"},
    "material": {"material", "fabric", "plastic", "leather", "cotton", "metal"},
    "taste": {"taste", "tastes", "flavor", "flavour", "delicious"},
    "warmth": {"warm", "warmth"},
    "sharpness": {"sharp", "sharpness", "blade"},
    "grip": {"grip", "grips", "handle", "slippery"},
    "performance": {"performance", "powerful", "works", "worked", "working"},
    "customer service": {"service", "seller", "refund", "support"},
}


def build(inputs: Inputs) -> Candidates:
    found = inputs.made("review_aspects")

    def ask(row: dict[str, Any], draw: Draw) -> Question:
        text = shorten(row["text"], TEXT_CHARACTERS)
        said = set(words(text))
        covered = [aspect for aspect, cues in CUES.items() if cues & said]
        right = covered
        made = found.get(tuple(row[key] for key in KEY))
        if made and len(made["aspects"]) >= 3:
            right = [aspect["aspect"] for aspect in made["aspects"]]
            draw.uses.add("enrich")
        if len(right) < 3:
            raise Skip("fewer than 3 aspects")
        if row["kind_made"]:
            draw.uses.add("enrich")
        # A wrong aspect is neither spoken of nor another name for one that the model found.
        named = set(words(" ".join(right)))
        other = [a for a in CUES if a not in covered and a not in text.casefold() and named.isdisjoint({*words(a), *CUES[a]})]
        return pick_some(
            draw, WORDINGS, right=draw.some(right, 3, "right"), wrong=draw.some(other, 7, "wrong"), kind=row["kind"], text=text
        )

    return Candidates(reviews(inputs, "text"), key=KEY, group=("amazon_reviews_2023", "product", "product_id"), ask=ask)
