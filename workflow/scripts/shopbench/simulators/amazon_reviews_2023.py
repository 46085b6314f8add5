"""Amazon Reviews 2023: reviews and product metadata by category, as JSON lines.

Schema: raw/review_categories/{category}.jsonl and raw/meta_categories/meta_{category}.jsonl of the hub's McAuley-Lab/Amazon-Reviews-2023.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from shopbench.hashing import hash64, uniform
from shopbench.simulators import counted
from shopbench.world import Product, lengthened, messy, model_number, product, product_id, review, scaled
from shopbench.world_words import DEPARTMENT_TITLES, TYPES, ProductType

# Reviews and items of the real files, in thousands, by category (the data set's card).
THOUSANDS = {
    "All_Beauty": (701.5, 112.6), "Amazon_Fashion": (2500, 825.9), "Appliances": (2100, 94.3), "Arts_Crafts_and_Sewing": (9000, 801.3),
    "Automotive": (20000, 2000), "Baby_Products": (6000, 217.7), "Beauty_and_Personal_Care": (23900, 1000), "Books": (29500, 4400),
    "CDs_and_Vinyl": (4800, 701.7), "Cell_Phones_and_Accessories": (20800, 1300), "Clothing_Shoes_and_Jewelry": (66000, 7200),
    "Digital_Music": (130.4, 70.5), "Electronics": (43900, 1600), "Gift_Cards": (152.4, 1.1), "Grocery_and_Gourmet_Food": (14300, 603.2),
    "Handmade_Products": (664.2, 164.7), "Health_and_Household": (25600, 797.4), "Health_and_Personal_Care": (494.1, 60.3),
    "Home_and_Kitchen": (67400, 3700), "Industrial_and_Scientific": (5200, 427.5), "Kindle_Store": (25600, 1600),
    "Magazine_Subscriptions": (71.5, 3.4), "Movies_and_TV": (17300, 747.8), "Musical_Instruments": (3000, 213.6),
    "Office_Products": (12800, 710.4), "Patio_Lawn_and_Garden": (16500, 851.7), "Pet_Supplies": (16800, 492.7), "Software": (4900, 89.2),
    "Sports_and_Outdoors": (19600, 1600), "Subscription_Boxes": (16.2, 0.641), "Tools_and_Home_Improvement": (27000, 1500),
    "Toys_and_Games": (16300, 890.7), "Video_Games": (4600, 137.2), "Unknown": (63800, 13200),
}  # fmt: skip
FILES = tuple(f"raw/{folder}{category}.jsonl" for category in THOUSANDS for folder in ("review_categories/", "meta_categories/meta_"))
# What the simulated shop sells where its departments fit; any other category sells a bit of everything.
DEPARTMENTS_OF = {
    "All_Beauty": ("beauty",), "Beauty_and_Personal_Care": ("beauty",), "Health_and_Personal_Care": ("beauty", "home"),
    "Home_and_Kitchen": ("kitchen", "home"), "Appliances": ("kitchen",), "Electronics": ("electronics",),
    "Cell_Phones_and_Accessories": ("electronics",), "Amazon_Fashion": ("clothing",), "Clothing_Shoes_and_Jewelry": ("clothing",),
    "Sports_and_Outdoors": ("outdoors",), "Patio_Lawn_and_Garden": ("outdoors", "home"), "Pet_Supplies": ("home",),
}  # fmt: skip
# Categories whose metadata names no category at all.
WITHOUT_CATEGORIES = ("All_Beauty", "Subscription_Boxes")
LEAST_REVIEWS = 800
LEAST_ITEMS = 160
BROKEN_SHARE = 0.003
# Bytes of the published files, where known: reviews, metadata. Where texts are as long as real ones, a category that does not stand here
# has rows as long as All_Beauty's.
PUBLISHED_BYTES = {
    "All_Beauty": (326.6e6, 213.0e6), "Digital_Music": (78.8e6, 67.1e6), "Gift_Cards": (50.2e6, 2.04e6),
    "Magazine_Subscriptions": (33.3e6, 4.10e6),
}  # fmt: skip
# Bytes of a row with short texts: review, metadata.
SHORT_BYTES = (295, 810)
# Bytes of an image and of what `_with_real_text` adds to the details, and the images' share of what it adds to a row.
IMAGE_BYTES, DETAIL_BYTES, IMAGE_SHARE = 220, 100, 0.4


def write(file: str, scale: float, seed: int, path: Path, real_text: bool = False) -> None:
    category = Path(file).stem.removeprefix("meta_")
    metadata = Path(file).name.startswith("meta_")
    added = _added_bytes(category, metadata) if real_text else 0
    rows = (_item_lines if metadata else _review_lines)(category, scale, seed, added)
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        for number, row in enumerate(counted(rows)):
            line = json.dumps(row, ensure_ascii=False)
            # A torn line, as an interrupted dump leaves it.
            torn = uniform(seed, file, number, "torn") < BROKEN_SHARE
            stream.write((line[: len(line) // 2] if torn else line) + "\n")


def _added_bytes(category: str, metadata: bool) -> float:
    """Bytes that a row is to be longer on average to be as long as a published one."""
    like = category if category in PUBLISHED_BYTES else "All_Beauty"
    return max(0, PUBLISHED_BYTES[like][metadata] / (1000 * THOUSANDS[like][metadata]) - SHORT_BYTES[metadata])


def types_of(category: str) -> list[ProductType]:
    departments = DEPARTMENTS_OF.get(category)
    return [kind for kind in TYPES if departments is None or kind.department in departments]


def items_of(category: str, scale: float) -> int:
    return scaled(round(1000 * THOUSANDS[category][1]), scale, LEAST_ITEMS)


def _review_lines(category: str, scale: float, seed: int, added: float) -> Iterator[dict]:
    kinds, items, catalogue = types_of(category), items_of(category, scale), f"reviews {category}"
    for index in range(scaled(round(1000 * THOUSANDS[category][0]), scale, LEAST_REVIEWS)):
        written = review(seed, catalogue, index, items, kinds)
        key = (seed, "review row", category, index)
        variant = uniform(*key, "variant") < 0.3
        row = {
            "rating": float(written.rating),
            "title": written.title,
            "text": lengthened(messy(written.text, *key, "text"), added, *key) if uniform(*key, "empty") >= 0.005 else "",
            "images": [],
            "asin": product_id(seed, f"{catalogue} variants", written.product.index) if variant else written.product.id,
            "parent_asin": written.product.id,
            "user_id": written.user,
            "timestamp": written.milliseconds,
            "helpful_vote": written.votes,
            "verified_purchase": uniform(*key, "verified") < 0.9,
        }
        yield row
        if uniform(*key, "repeated") < BROKEN_SHARE:
            yield row


def _item_lines(category: str, scale: float, seed: int, added: float) -> Iterator[dict]:
    kinds = types_of(category)
    for index in range(items_of(category, scale)):
        row = _item(product(seed, f"reviews {category}", index, kinds), category, seed)
        yield _with_real_text(row, added, (seed, "item text", category, index)) if added else row


def _item(item: Product, category: str, seed: int) -> dict:
    key = (seed, "item row", category, item.index)
    department = DEPARTMENT_TITLES[item.kind.department]
    image = f"https://m.media-amazon.com/images/I/{item.id}"
    details = {
        "Brand": item.brand,
        "Color": item.color[0].title(),
        "Material": item.material[0].title(),
        item.kind.special.title(): item.special.capitalize(),
        "Item model number": model_number(item.index),
    }
    return {
        "main_category": department if uniform(*key, "main") >= 0.1 else None,
        "title": item.title() if uniform(*key, "no title") >= 0.003 else "",
        "average_rating": round(1 + 4 * uniform(*key, "average"), 1),
        "rating_number": 1 + hash64(*key, "ratings") % 500,
        "features": item.bullets() if uniform(*key, "features") >= 0.2 else [],
        "description": [messy(item.description(), *key)] if uniform(*key, "description") >= 0.2 else [],
        "price": item.price if uniform(*key, "price") < 0.3 else None,
        "images": [{"thumb": f"{image}._SS40_.jpg", "large": f"{image}.jpg", "variant": "MAIN", "hi_res": None}],
        "videos": [],
        "store": item.brand,
        "categories": [] if category in WITHOUT_CATEGORIES else [department, item.kind.name.title()],
        "details": {name: value for name, value in details.items() if uniform(*key, name, "missing") >= 0.25},
        "parent_asin": item.id,
        "bought_together": None,
    } | ({"subtitle": "", "author": None} if uniform(*key, "book") < 0.02 else {})


def _with_real_text(row: dict, added: float, key: tuple) -> dict:
    """The metadata with more details, images and now and then a video, and for the rest with longer description and features."""
    image = row["images"][0]["large"].removesuffix(".jpg")
    images = [
        {
            "thumb": f"{image}{place}._SS40_.jpg",
            "large": f"{image}{place}.jpg",
            "variant": f"PT{place:02}",
            "hi_res": f"{image}{place}._SL1500_.jpg",
        }
        for place in range(1, 1 + round(2 * uniform(*key, "images") * added * IMAGE_SHARE / IMAGE_BYTES))
    ]
    inches = " x ".join(f"{(1 + hash64(*key, side) % 200) / 10}" for side in range(3))
    details = {"Package Dimensions": f"{inches} inches", "Date First Available": f"May {1 + hash64(*key, 'day') % 31}, 2019"}
    video = {"title": row["title"], "url": f"https://www.amazon.com/vdp/{hash64(*key, 'video'):032x}", "user_id": ""}
    # Four of five rows have a description, and four of five three to five features.
    texts = added * (1 - IMAGE_SHARE) - DETAIL_BYTES
    return row | {
        "features": [lengthened(line, texts / 2 / 4, *key, "feature", place) for place, line in enumerate(row["features"])],
        "description": [lengthened(text, texts / 2 / 0.8, *key, "description") for text in row["description"]],
        "images": row["images"] + images,
        "videos": [video] if uniform(*key, "videos") < 0.1 else [],
        "details": row["details"] | details,
    }
