"""Synthetic sets from seed to dataset: which answers of a language model are kept and why not, templates, seeds, rows made with them."""

import json
import re
import subprocess
import sys
from collections import Counter
from functools import cache
from itertools import islice, product
from pathlib import Path

import jsonschema
import judge_answers
import polars as pl
import pytest
import yaml
from in_process import run

from shopbench.dataset.ecinstruct import as_text
from shopbench.dataset.question import Draw
from shopbench.dataset.sampling import Inputs, sample, split_of
from shopbench.dataset.texts import sentences, text_key, words
from shopbench.dataset_table import read_dataset_table
from shopbench.files import BadInput, read_jsonl, write_jsonl
from shopbench.language_model.prompts import read_template
from shopbench.language_model.seeding import SeedSource
from shopbench.language_model.verdicts import NearDuplicates, Reject
from shopbench.modules import load_module
from shopbench.overlap import SHARED_WORDS
from shopbench.routing import task_type
from shopbench.synthetic_table import read_synthetic_table, sets_of

ROOT = Path(__file__).resolve().parents[3]
SCRIPTS = ROOT / "workflow/scripts"
PROMPTS = sorted((ROOT / "workflow/prompts").glob("*.yaml"))
SETS = read_synthetic_table(ROOT / "config/synthetic.tsv")
TABLE = read_dataset_table(ROOT / "config/datasets.tsv")
# Rows of each dataset: few, and as many where seeds are listed as where it is built.
SIZE = 60
TABLE = {name: row | {"size": SIZE} for name, row in TABLE.items()}
DATASETS_OF = {name: [dataset for dataset, used in sets_of(TABLE, SETS).items() if name in used] for name in SETS}
MODULES = {name: load_module(SCRIPTS / f"synthetic/{name}.py", "seeds", "judge", "NEW_TEXT") for name in SETS}
SCHEMAS = {name: jsonschema.Draft202012Validator(read_template(ROOT / f"workflow/prompts/{name}.yaml").answer) for name in SETS}
DATASETS = {name: load_module(SCRIPTS / f"datasets/{name}.py", "build") for name in {d for used in DATASETS_OF.values() for d in used}}

NOT_JSON, NOT_SCHEMA = "not JSON", "not as the schema asks"
LANGUAGE, COPY, ALIKE = "wrong language", "copy of the seed", "two texts alike"
SHORT, LONG, NO_QUESTION, TELLS = "too short", "too long", "no question", "question tells the answer"
NO_WORDS, NO_QUOTE, NO_NUMBER = (f"not grounded: {what}" for what in ("no shared words", "quote not in the text", "number not in the text"))


def seed_of(facts: dict | None = None, **fields: object) -> dict:
    return {"id": "0", "keys": {"n": 0}, "fields": fields, "facts": facts or {}}


# attribute_questions

BOTTLE = seed_of(title="Super Sparrow Stainless Steel Water Bottle 500ml, Leak Proof", attribute="material", value="Stainless Steel")
LAMP = seed_of(title="Lighting EVER Dimmable LED Desk Lamps with USB Port, 7W", attribute="color", value="Warm White")
CASE = seed_of(title="Spigen Ultra Hybrid Case for iPhone 13 - Crystal Clear", attribute="color", value="Crystal Clear")
BOOTS = seed_of(title="Dunlop Men's Pricemaster Wellington Boots, Green", attribute="size", value="44 EU")
NOVEL = seed_of(title="The Giver of Stars: The enchanting Sunday Times bestseller (a novel)", attribute="author", value="Jojo Moyes")
HAT = seed_of(title="Trespass Unisex Kids Aneka Winter Beanie Hat", attribute="color", value="Navy")
TOWELS = seed_of(title="Utopia Towels - Bath Towels Set, 600 GSM Ring Spun", attribute="material", value="100% Cotton")


def attribute(question: str, category: str, *others: str) -> dict:
    return {"question": question, "category": category, "others": list(others)}


STEEL = "Which product category may have the material stainless steel?"
KITCHENLESS = ("pillow", "notebook", "scarf")
ATTRIBUTE_QUESTIONS = [
    (BOTTLE, attribute(STEEL, "water bottle", *KITCHENLESS)),
    (
        BOTTLE,
        attribute(
            "Before a long hike, a customer asks for something durable in stainless steel. Which category fits the request?",
            "bottle",
            "sleeping bag",
            "rain jacket",
            "trail map",
        ),
    ),
    (
        LAMP,
        attribute(
            "A student wants to read at night without waking anyone, in the color warm white. Which category should the shop show?",
            "desk lamp",
            "bath towel",
            "dog bowl",
            "phone case",
        ),
    ),
    # The title has the plural.
    (
        LAMP,
        attribute("Someone redecorates a study and wants all of it in warm white. Which would suit?", "lamp", "rug", "wall clock", "vase"),
    ),
    # "for" stands in the title as well, and says nothing.
    (
        CASE,
        attribute(
            "A customer likes to see the finish of a new phone and searches in crystal clear. Which category is that?",
            "phone case",
            "stand for tablets",
            "water filter",
            "picture frame",
        ),
    ),
    # There is a hat in "what", but no hat is named.
    (HAT, attribute("What kind of clothing could a shopper find in navy?", "hat", "sandals", "swimming goggles", "sun cream")),
    (HAT, attribute("Which product category is offered in the color Navy?", "Beanie Hat", "Garden Hose", "Coffee Mug", "Desk Lamp")),
    (
        BOOTS,
        attribute(
            "For muddy walks someone needs a thing to put on, with the size 44 EU. In which category is that size at home?",
            "wellington boots",
            "rain poncho",
            "umbrella",
            "trekking poles",
        ),
    ),
    (NOVEL, attribute("Which category would list something by the author Jojo Moyes?", "novel", "board game", "yoga mat", "headphones")),
    (
        TOWELS,
        attribute("Which of the categories is commonly made of 100% cotton?", "bath towel", "frying pan", "phone charger", "garden hose"),
    ),
]
BAD_ATTRIBUTE_QUESTIONS = [
    (BOTTLE, 'Sure! Here is the question:\n{"question": "Which ..."}', NOT_JSON),
    (BOTTLE, attribute(STEEL, "water bottle", "pillow", "scarf"), NOT_SCHEMA),
    (BOTTLE, attribute(STEEL, "water bottle", *KITCHENLESS) | {"explanation": "Bottles are of steel."}, NOT_SCHEMA),
    (BOTTLE, attribute("Welche Produktkategorie gibt es aus Edelstahl?", "water bottle", *KITCHENLESS), LANGUAGE),
    (BOTTLE, attribute("Quelle catégorie de produits est fabriquée en acier inoxydable ?", "water bottle", *KITCHENLESS), LANGUAGE),
    (BOTTLE, attribute("ステンレス鋼の素材を使用している商品カテゴリはどれですか?", "water bottle", *KITCHENLESS), LANGUAGE),
    (BOTTLE, attribute(STEEL, "water bottle", "枕", "notebook", "scarf"), NOT_SCHEMA),
    (BOTTLE, attribute(STEEL, "water bottle", "まくら", "notebook", "scarf"), LANGUAGE),
    (BOTTLE, attribute("Which are stainless steel?", "water bottle", *KITCHENLESS), SHORT),
    (BOTTLE, attribute(f"{'Well, ' * 45}which may be stainless steel?", "water bottle", *KITCHENLESS), LONG),
    (BOTTLE, attribute(STEEL, "stainless steel insulated water bottle", *KITCHENLESS), LONG),
    (BOTTLE, attribute("Name the product category that may have the material stainless steel.", "water bottle", *KITCHENLESS), NO_QUESTION),
    (BOTTLE, attribute(STEEL, "water bottle", "pillow", "Pillow", "scarf"), ALIKE),
    (BOTTLE, attribute(STEEL, "water bottle", "Water  Bottle", "notebook", "scarf"), ALIKE),
    (BOTTLE, attribute("Which category of products is found in the kitchen of most families?", "water bottle", *KITCHENLESS), NO_WORDS),
    (BOOTS, attribute("Which category of footwear has an EU size?", "wellington boots", "rain poncho", "umbrella", "vase"), NO_WORDS),
    (BOTTLE, attribute(STEEL, "thermos flask", *KITCHENLESS), NO_WORDS),
    (BOTTLE, attribute("Which category may have a stainless steel body of 750 ml?", "water bottle", *KITCHENLESS), NO_NUMBER),
    (BOTTLE, attribute(STEEL, "water bottle", "steel pan", "notebook", "scarf"), "wrong option fits the seed"),
    (
        LAMP,
        attribute("Which product category is offered in the color warm white?", "desk", "lamp", "notebook", "scarf"),
        "wrong option fits the seed",
    ),
    (BOTTLE, attribute("Which water bottle category may have the material stainless steel?", "water bottle", *KITCHENLESS), TELLS),
    (LAMP, attribute("Which desk lamps come in the color warm white?", "desk lamp", "pillow", "notebook", "scarf"), TELLS),
    (BOTTLE, attribute("Super Sparrow Stainless Steel Water Bottle 500ml, leak proof?", "steel bottle", *KITCHENLESS), COPY),
]

# complements

TENT = seed_of(type="tent", types=["sleeping bag", "tent pegs", "curtain", "lipstick", "keyboard", "frying pan", "novel", "TENT"])
ESPRESSO = seed_of(
    type="espresso machine",
    types=["dog leash", "coffee beans", "yoga mat", "descaling tablets", "phone case", "puzzle", "espresso cups", "rug"],
)


def complement(chosen: str, reason: str) -> dict:
    return {"complement": chosen, "reason": reason}


COMPLEMENTS = [
    (TENT, complement("tent pegs", "Without pegs the tent is blown away by the first wind.")),
    (TENT, complement("sleeping bag", "Whoever sleeps outside in a tent needs something warm to lie in.")),
    (TENT, complement("Sleeping Bag", "A sleeping bag keeps campers warm at night inside their tent.")),
    (TENT, complement("frying pan", "Campers cook their dinner over the fire in front of the tent.")),
    (TENT, complement(" tent  pegs ", "The pegs hold the tent to the ground.")),
    (ESPRESSO, complement("coffee beans", "An espresso machine needs coffee beans to brew with.")),
    (ESPRESSO, complement("descaling tablets", "Limescale builds up in the machine, so that it has to be cleaned now and then.")),
    (ESPRESSO, complement("espresso cups", "The small cups hold exactly one shot and keep it hot.")),
    (ESPRESSO, complement("COFFEE BEANS", "Freshly ground beans are what the machine turns into coffee.")),
    (ESPRESSO, complement("espresso cups", "Espresso is served in small cups rather than in a mug.")),
]
PEGS = "The pegs hold the tent to the ground."
BAD_COMPLEMENTS = [
    (TENT, '```json\n{"complement": "tent pegs", "reason": "The pegs hold the tent to the ground."}\n```', NOT_JSON),
    (TENT, '{"complement": "tent pegs", "reason": "The pegs hold the', NOT_JSON),
    (TENT, {"complement": "tent pegs"}, NOT_SCHEMA),
    (TENT, complement("tent pegs", ""), NOT_SCHEMA),
    (TENT, [complement("tent pegs", PEGS)], NOT_SCHEMA),
    (TENT, complement("camping stove", "Campers cook their dinner on it in front of the tent."), "answer not among the options"),
    (TENT, complement("2. tent pegs", PEGS), "answer not among the options"),
    (TENT, complement("pegs", PEGS), "answer not among the options"),
    (TENT, complement("tent", "A second tent is useful for guests who stay longer."), ALIKE),
    (TENT, complement("tent pegs", "They go together."), SHORT),
    (TENT, complement("tent pegs", " ".join(["It is so as I say, "] * 9)), LONG),
    (TENT, complement("tent pegs", "Ein Zelt braucht Heringe, damit es bei Wind nicht wegfliegt."), LANGUAGE),
    (TENT, complement("tent pegs", "Una tienda necesita estacas para que el viento no se la lleve."), LANGUAGE),
    (TENT, complement("tent pegs", "Il faut des piquets pour que la tente reste bien en place."), LANGUAGE),
    (TENT, complement("tent pegs", "テントを地面に固定するために必要です。"), LANGUAGE),
    (TENT, complement("sleeping bag", "The tent and the sleeping bag."), COPY),
]

# document_questions

FAN = seed_of(
    question="Does this fan have a timer?",
    document="I have had this fan for two summers. On the lowest setting you barely hear it, but on high I have to turn it off to fall "
    "asleep. The cord is about 5 feet long. It came with a remote that needs two AAA batteries.",
)
LUNCH_BOX = seed_of(
    question="Is this lunch box BPA free?",
    document="Bought it for my son\u2019s school. The lid closes very tight and nothing leaked in his backpack. I don\u2019t put it in the "
    "microwave. Colors are bright! It fits two sandwiches and an apple.",
)


def told(question: str, evidence: str) -> dict:
    return {"question": question, "evidence": evidence}


DOCUMENT_QUESTIONS = [
    (FAN, told("Is it quiet on the lowest setting?", "On the lowest setting you barely hear it")),
    (FAN, told("Would this be too loud to sleep with on high?", "on high I have to turn it off to fall asleep")),
    (FAN, told("Does it come with a remote?", "It came with a remote that needs two AAA batteries.")),
    (FAN, told("How long is the cord?", "about 5 feet long")),
    (FAN, told("Will the 5 feet cord reach across a small desk?", "The cord is about 5 feet long")),
    (FAN, told("What kind of battery does the remote take?", "needs two AAA batteries")),
    (FAN, told("Does it last more than one summer?", "I have had this fan for two summers")),
    (LUNCH_BOX, told("Does the lid seal well enough for a backpack?", "nothing leaked in his backpack")),
    # The customer's phone types another apostrophe than the model.
    (LUNCH_BOX, told("Can I heat my food in the microwave with it?", "I don't put it in the microwave.")),
    (LUNCH_BOX, told("Is there room for a sandwich as well as fruit?", "fits two sandwiches and an apple")),
]
CORD = "The cord is about 5 feet long"
BAD_DOCUMENT_QUESTIONS = [
    (FAN, "How long is the cord? It is about 5 feet long.", NOT_JSON),
    (FAN, {"question": "How long is the cord?"}, NOT_SCHEMA),
    (FAN, told("How long is the cord?", ""), NOT_SCHEMA),
    (FAN, told("How long?", CORD), NOT_SCHEMA),
    (FAN, told("Is it loud?", "you barely hear it"), SHORT),
    (FAN, told("How long is the cord?", "feet"), SHORT),
    (FAN, told(f"How {'very ' * 30}long is the cord?", CORD), LONG),
    (FAN, told("Wie lang ist das Kabel von diesem Ventilator?", CORD), LANGUAGE),
    (FAN, told("¿Cuánto mide el cable de este ventilador?", CORD), LANGUAGE),
    (FAN, told("このコードの長さはどれくらいですか?", CORD), LANGUAGE),
    (FAN, told("Please tell me how long the cord is.", CORD), NO_QUESTION),
    (FAN, told("How long is the cord?", "The cord is 5 feet long"), NO_QUOTE),
    (FAN, told("Does it come with a remote?", "ame with a remote that need"), NO_QUOTE),
    (FAN, told("How long is the cord?", "Das Kabel ist etwa 5 Fuß lang"), NO_QUOTE),
    (FAN, told("Which carrier delivers parcels to Canada?", CORD), NO_WORDS),
    (FAN, told("Is the cord longer than 10 feet?", CORD), NO_NUMBER),
    (FAN, told("Is it true that the cord is about 5 feet long?", CORD), TELLS),
    (FAN, told("Does this fan really have a timer?", "It came with a remote"), COPY),
]

# product_types

SOAP = seed_of({"brand": "Dr. Bronner"}, title="Dr. Bronner Pure-Castile Bar Soap Lavender, 5 oz (Pack of 6)", text="(none)")
BEDSIDE = seed_of(
    {"brand": "Aooshine"}, title="Aooshine Bedside Table Lamps Set of 2 with Linen Shade", text="Two small lamps for a bedroom."
)
MASCARA = seed_of(
    {"brand": "L'Oréal Paris"}, title="L'Oréal Paris Voluminous Lash Paradise, Blackest Black", text="Mascara for full lashes."
)
HOSE = seed_of({"brand": ""}, title="Garden Hose", text="Expandable up to 50 ft, with a spray nozzle.")
ADAPTER = seed_of({"brand": "Anker"}, title="Anker Roav Bluetooth 12V Car Adapter, FM Transmitter", text="Plays music in any car.")


def typed(product_type: str, category: str) -> dict:
    return {"type": product_type, "category": category}


PRODUCT_TYPES = [
    (SOAP, typed("bar soap", "bath and body")),
    (SOAP, typed("soap", "personal care")),
    (SOAP, typed("Castile Soap", "Beauty")),
    # The title has the plural.
    (BEDSIDE, typed("lamp", "lighting")),
    (BEDSIDE, typed("bedside lamp", "home decor")),
    (BEDSIDE, typed("table lamps", "lighting")),
    # It stands in the text alone.
    (MASCARA, typed("mascara", "eye makeup")),
    (HOSE, typed("expandable hose", "garden supplies")),
    (ADAPTER, typed("bluetooth car adapter", "car electronics")),
    (ADAPTER, typed("fm transmitter", "car audio")),
]
BAD_PRODUCT_TYPES = [
    (SOAP, "bar soap", NOT_JSON),
    (SOAP, {"type": "bar soap", "category": None}, NOT_SCHEMA),
    (SOAP, typed("", "beauty"), NOT_SCHEMA),
    (SOAP, typed("pure castile lavender bar soap", "beauty"), LONG),
    (SOAP, typed("bar soap", "beauty and also some personal care"), LONG),
    (SOAP, typed("--", "beauty"), SHORT),
    (SOAP, typed("石鹸", "beauty"), LANGUAGE),
    (SOAP, typed("bar soap", "美容"), LANGUAGE),
    (SOAP, typed("Seifenstück", "beauty"), NO_WORDS),
    (SOAP, typed("jabón", "beauty"), NO_WORDS),
    (SOAP, typed("shower gel", "beauty"), NO_WORDS),
    (SOAP, typed("of the", "beauty"), NO_WORDS),
    (HOSE, typed("garden hose", "outdoors"), COPY),
    (SOAP, typed("soap", "Soap"), ALIKE),
    (ADAPTER, typed("12v adapter", "car electronics"), "number in a product type"),
    (SOAP, typed("dr. bronner", "beauty"), "brand in place of a type"),
]

# query_questions

KETTLES = seed_of(
    {"right": 2},
    query="red electric kettle 1.7l",
    products=[
        "Swan Retro Jug Kettle in Cream (brand: Swan, color: cream)",
        "Russell Hobbs Textures Electric Kettle, 1.7 Litre (3 kW) (brand: Russell Hobbs, color: red)",
        "Kettle (1 l), red (brand: Hesta, color: red)",
        "Pyrex Measuring Jug",
    ],
)
AIRPODS = seed_of(
    {"right": 1},
    query="airpods",
    products=["Apple AirPods with Charging Case (brand: Apple)", "Silicone Case Cover, Red", "JBL Tune Headphones", "Lightning Cable"],
)
SHIRT = seed_of(
    {"right": 3},
    query="womens t shirt withut sleeves black",
    products=["Gildan Men's Tank Top", "Crew Neck Tee, White", "Sleeveless Top for Ladies (color: black)", "Running Shorts"],
)


def asked(question: str, product: object) -> dict:
    return {"question": question, "product": product}


QUERY_QUESTIONS = [
    (KETTLES, asked("I am looking for a red electric kettle that holds 1.7l. Which of these products is that?", 2)),
    (KETTLES, asked("My old one broke this morning, and I want an electric kettle in red with 1.7l. Which one should I take?", 2)),
    (KETTLES, asked("Which of the products listed is an electric kettle in red with 1.7 l, not one for the stove?", 2)),
    (KETTLES, asked("For our office we need a kettle, electric, 1.7L, in any color. Which one of these should go into the cart?", 2)),
    (AIRPODS, asked("I'd like to buy AirPods, not a case for them. Which of the products is that?", 1)),
    (AIRPODS, asked("My son wishes for airpods on his birthday. Which one of these should I order?", 1)),
    (AIRPODS, asked("Which of these listings is for the AirPods themselves?", 1)),
    # The question is spelt as the query should have been.
    (SHIRT, asked("I need a black women's T-shirt without sleeves. Which of these would be right?", 3)),
    (SHIRT, asked("Which one is a T-shirt for women that is black and comes without sleeves?", 3)),
    (SHIRT, asked("It is getting hot, so I am after a black shirt without any sleeve, made for women. What should I pick?", 3)),
]
KETTLE = "I am looking for a red electric kettle that holds 1.7l. Which of these products is that?"
BAD_QUERY_QUESTIONS = [
    (KETTLES, f"{KETTLE} Product 2.", NOT_JSON),
    (KETTLES, asked(KETTLE, 0), NOT_SCHEMA),
    (KETTLES, asked(KETTLE, "2"), NOT_SCHEMA),
    (KETTLES, asked(KETTLE, True), NOT_SCHEMA),
    (KETTLES, asked(KETTLE, 3), "wrong when recomputed"),
    (KETTLES, asked("Which red electric kettle, please?", 2), SHORT),
    (KETTLES, asked(f"I am {'very ' * 60}keen on a red electric kettle, which is it?", 2), LONG),
    (KETTLES, asked("Ich suche einen roten Wasserkocher mit 1.7l. Welches dieser Produkte ist das?", 2), LANGUAGE),
    (KETTLES, asked("Je cherche une bouilloire électrique rouge. Lequel de ces produits est-ce ?", 2), LANGUAGE),
    (KETTLES, asked("赤い電気ケトルを探しています。どの商品がいいですか?", 2), LANGUAGE),
    (KETTLES, asked("I am looking for a red electric kettle that holds 1.7l.", 2), NO_QUESTION),
    (KETTLES, asked("I need something for hot water in the morning. Which of these products is that?", 2), NO_WORDS),
    # What the query asks for besides would leave two products.
    (KETTLES, asked("I am looking for a kettle in red. Which of these products is that?", 2), NO_WORDS),
    (AIRPODS, asked("Which of these products would you take to listen to music?", 1), NO_WORDS),
    (KETTLES, asked("I am looking for a red electric kettle, 1.7l or 8 cups. Which of these products is that?", 2), NO_NUMBER),
    (seed_of({"right": 1}, query="gift for a dad who has it all", products=["Mug"]), asked("Gift for a dad who has it all?", 1), COPY),
    (
        KETTLES,
        asked("Is the red Russell Hobbs Textures electric kettle, 1.7 litre (3 kW) what I want, or which one?", 2),
        NO_NUMBER,
    ),
    (
        seed_of({"right": 1}, query="black tank top for men", products=["Gildan Men's Tank Top (color: black)", "Running Shorts"]),
        asked("I want the black Gildan Men's Tank Top for men. Which product is it?", 1),
        TELLS,
    ),
]

# review_aspects

DRESS = seed_of(
    kind="dress",
    review="I love the color of this dress, but it runs very small. The fabric feels cheap and it\u2019s see-through. Arrived two days "
    "early! For twenty dollars I can\u2019t complain.",
)
BLENDER = seed_of(
    kind="blender",
    review='Crushes ice in seconds and is so easy to clean. It is LOUD though, my neighbors "love" it. After three months the lid cracked. '
    "Customer service sent a new one within a week.",
)


def aspects(**quotes: str) -> dict:
    return {"aspects": [{"aspect": aspect.replace("_", " "), "quote": quote} for aspect, quote in quotes.items()]}


REVIEW_ASPECTS = [
    (DRESS, aspects(color="I love the color of this dress", size="it runs very small", fabric="The fabric feels cheap")),
    (DRESS, aspects(shipping="Arrived two days early!")),
    (DRESS, aspects(price="For twenty dollars I can\u2019t complain.", transparency="it\u2019s see-through")),
    # The customer's phone types another apostrophe than the model.
    (DRESS, aspects(value_for_money="For twenty dollars I can't complain", opacity="it's see-through")),
    (DRESS, aspects(Color="love the color", Fit="runs very small", Delivery="two days early")),
    (BLENDER, aspects(performance="Crushes ice in seconds", ease_of_cleaning="so easy to clean", noise="It is LOUD though")),
    (BLENDER, aspects(noise='my neighbors "love" it', durability="After three months the lid cracked")),
    (BLENDER, aspects(noise="it is loud", customer_service="Customer service sent a new one within a week.")),
    (BLENDER, aspects(warranty="sent a new one", durability="the lid cracked.", power="Crushes ice", cleaning="easy to clean")),
    (BLENDER, aspects(noise="my neighbors \u201clove\u201d it")),
]
BAD_REVIEW_ASPECTS = [
    (DRESS, "The review speaks of color, size and fabric.", NOT_JSON),
    (DRESS, {"aspects": []}, NOT_SCHEMA),
    (DRESS, {"aspects": ["color", "size"]}, NOT_SCHEMA),
    (DRESS, aspects(a="love the color"), NOT_SCHEMA),
    (DRESS, aspects(color="The colour is lovely"), NO_QUOTE),
    (DRESS, aspects(color="love the color", size="Es fällt sehr klein aus"), NO_QUOTE),
    (DRESS, aspects(size="uns very small"), NO_QUOTE),
    (DRESS, aspects(size="it runs very sma"), NO_QUOTE),
    (DRESS, aspects(color="love the color", Color="the color of this dress"), ALIKE),
    (DRESS, aspects(fabric="The fabric feels cheap", quality="the fabric feels cheap"), ALIKE),
    (DRESS, aspects(how_it_does_fit="it runs very small"), LONG),
    (DRESS, aspects(size="small"), SHORT),
    (DRESS, {"aspects": [{"aspect": "review", "quote": DRESS["fields"]["review"]}]}, LONG),
    (DRESS, {"aspects": [{"aspect": "サイズ", "quote": "it runs very small"}]}, LANGUAGE),
    (DRESS, {"aspects": [{"aspect": "very small", "quote": "very small"}]}, COPY),
]

# wordings


def wording_seed(wording: str, kind: str) -> dict:
    return seed_of({"wording": wording, "task_type": kind}, instruction=wording, asks="something", manner="as a question")


BRAND = wording_seed(
    "Which of the following brands makes the product below?\nProduct Title: {title}\n{options}\nAnswer:", "multiple-choice"
)
RATING = wording_seed(
    "How many stars from 1 to 5 did the writer of this review give?\nProduct: {product}\nReview: {title}. {text}\nAnswer:",
    "multiple-choice",
)
MATCHES = wording_seed(
    "Query: {query}\nThe list has 10 products, and three of them are exactly what the query asks for. Which?\n{options}\n"
    "Answer with three numbers, separated by commas, and nothing else.\nOutput:",
    "retrieval",
)
QUERIES = wording_seed(
    "Product Title: {title}\nQueries:\n{options}\nSort the queries from the best to the worst match with this product. "
    "Answer with a permutation of 1 to 4, separated by commas. Only respond with the ranking, no other words.\nOutput:",
    "ranking",
)
ENTITY = wording_seed(
    "Find the {attribute} of a product in its {field}.\n{text}\n"
    "Output the entity directly, without its entity type. Separate several entities with commas, and explain nothing.\nOutput:",
    "named_entity_recognition",
)
TYPE = wording_seed("The product '{title}' is a(n) {type}. Explain in one sentence what that is.\nOutput:", "generation")

WORDINGS = [
    (BRAND, "A customer holds '{title}' in the hand and cannot read the label. Who made it?\n{options}\nAnswer:"),
    (BRAND, "Product Title: {title}\nName the company behind this product, please.\nBrands:\n{options}\nAnswer:"),
    (BRAND, "Pick the brand of '{title}'.\n{options}\nAnswer:"),
    (RATING, "Product: {product}\n{title}\n{text}\nGuess the number of stars, between 1 and 5, that this customer left.\nAnswer:"),
    (
        MATCHES,
        "Could you tell me which three of the products fully match my search for '{query}'?\n{options}\n"
        "Reply with three numbers, separated by commas, and nothing more.\nOutput:",
    ),
    (MATCHES, "Please choose three of these products for the query {query}, all of them exact matches.\n{options}\nNumbers only. Output:"),
    (
        QUERIES,
        "Here is a product: {title}\nPut the following searches in order, from most to least fitting.\n{options}\n"
        "Your answer is a permutation of 1 to 4, separated by commas. Only respond with the ranking.\nOutput:",
    ),
    (
        ENTITY,
        "Read the {field} of a product and tell its {attribute}.\n{text}\n"
        "Output the entity as it stands there, with commas between several, and leave out any comment.\nOutput:",
    ),
    (TYPE, "Someone bought '{title}' without knowing what a(n) {type} is. Tell them in a single sentence.\nOutput:"),
    (TYPE, "Title: {title}\nType: {type}\nWrite one sentence that says what this kind of product is.\nOutput:"),
]
WORDINGS = [(seed, {"wording": wording}) for seed, wording in WORDINGS]
BRACES = "braces that are no field"
BAD_WORDINGS = [
    (BRAND, '{"wording": "Pick the brand of \'{title}\'.\n{options}\nAnswer:"}', NOT_JSON),
    (BRAND, {"wording": ["Pick the brand.", "{options}"]}, NOT_SCHEMA),
    (BRAND, "Pick the brand of this product.\n{options}\nAnswer:", "other fields than the seed's"),
    (BRAND, "Pick the brand of '{title}', a(n) {type}.\n{options}\nAnswer:", "other fields than the seed's"),
    (BRAND, "Pick the brand of '{title}', yes, of '{title}'.\n{options}\nAnswer:", "other fields than the seed's"),
    (BRAND, "Pick the brand of '{Title}'.\n{options}\nAnswer:", "other fields than the seed's"),
    (BRAND, "Pick the brand of '{title'.\n{options}\nAnswer:", BRACES),
    (BRAND, "Pick the brand of 'title}'.\n{options}\nAnswer:", BRACES),
    (BRAND, "Pick the brand of '{title!r}'.\n{options}\nAnswer:", BRACES),
    (BRAND, "Pick the brand of '{title:>99}'.\n{options}\nAnswer:", BRACES),
    (BRAND, "Pick the brand of '{title.__class__}'.\n{options}\nAnswer:", BRACES),
    (BRAND, "Pick the {} of '{title}'.\n{options}\nAnswer:", BRACES),
    (BRAND, "Pick the {{brand}} of '{title}'.\n{options}\nAnswer:", BRACES),
    (BRAND, "Pick the brand of '{title}'.\n{options}\nBrand:", "other last word than the seed's"),
    (BRAND, "Pick the brand of '{title}'.\nBrands: {options}\nAnswer:", "options not on lines of their own"),
    (BRAND, "Pick the brand of '{title}'.\n{options} Answer:", "options not on lines of their own"),
    (BRAND, "'{title}'\n{options}\nAnswer:", SHORT),
    (BRAND, f"Pick the brand of '{{title}}'. {'That is a brand that one knows. ' * 10}\n{{options}}\nAnswer:", LONG),
    (BRAND, "Welche der folgenden Marken stellt dieses Produkt her?\n{title}\n{options}\nAnswer:", LANGUAGE),
    (BRAND, "Parmi les marques suivantes, laquelle fabrique ce produit ?\n{title}\n{options}\nAnswer:", LANGUAGE),
    (BRAND, "¿Cuál de las siguientes marcas fabrica este producto?\n{title}\n{options}\nAnswer:", LANGUAGE),
    (BRAND, "この商品を作っているブランドはどれですか。\n{title}\n{options}\nAnswer:", LANGUAGE),
    (BRAND, "Product Title: {title}\nWhich of the following brands makes the product below?\n{options}\nAnswer:", COPY),
    (BRAND, "Pick the brand of '{title}' in two steps.\n1. Read it.\n2. Choose.\n{options}\nAnswer:", "a list of its own"),
    # Lists of this form have four lines at times, which no more than the words tell from other forms.
    (QUERIES, "Put these searches for '{title}' in order, please.\n{options}\nOutput:", "routed to another task type"),
    (MATCHES, "Which products are exactly what '{query}' asks for?\n{options}\nGive the numbers.\nOutput:", "routed to another task type"),
    (ENTITY, "Read the {field} of a product and tell its {attribute}.\n{text}\nOutput:", "routed to another task type"),
    (TYPE, "Is '{title}' a permutation of what a(n) {type} usually is? Explain.\nOutput:", "routed to another task type"),
]
BAD_WORDINGS = [
    (seed, answer if reason in (NOT_JSON, NOT_SCHEMA) else {"wording": answer}, reason) for seed, answer, reason in BAD_WORDINGS
]

GOOD = {
    "attribute_questions": ATTRIBUTE_QUESTIONS,
    "complements": COMPLEMENTS,
    "document_questions": DOCUMENT_QUESTIONS,
    "product_types": PRODUCT_TYPES,
    "query_questions": QUERY_QUESTIONS,
    "review_aspects": REVIEW_ASPECTS,
    "wordings": WORDINGS,
}
BAD = {
    "attribute_questions": BAD_ATTRIBUTE_QUESTIONS,
    "complements": BAD_COMPLEMENTS,
    "document_questions": BAD_DOCUMENT_QUESTIONS,
    "product_types": BAD_PRODUCT_TYPES,
    "query_questions": BAD_QUERY_QUESTIONS,
    "review_aspects": BAD_REVIEW_ASPECTS,
    "wordings": BAD_WORDINGS,
}


def line_of(seed: dict, answer: object, check: bool | None = None) -> dict:
    """A line of answers. A text is the response as it came; anything else is written as JSON."""
    response = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
    return {"request": {"id": seed["id"]}, "seed": seed, "response": response, "reason": "", "check": check}


def judged(name: str, seed: dict, answer: object) -> tuple[dict | None, str]:
    return judge_answers.judge(line_of(seed, answer), MODULES[name], SCHEMAS[name])


def numbered(cases: dict[str, list]) -> list:
    return [pytest.param(name, *case, id=f"{name}-{number}") for name, some in cases.items() for number, case in enumerate(some)]


def test_every_set_has_answers_of_both_kinds():
    assert set(GOOD) == set(BAD) == set(SETS)
    assert all(len(some) == 10 for some in GOOD.values()) and all(len(some) >= 10 for some in BAD.values())


@pytest.mark.parametrize(("name", "seed", "answer"), numbered(GOOD))
def test_good_answers_are_kept(name, seed, answer):
    made, verdict = judged(name, seed, answer)
    assert verdict == "kept" and made


@pytest.mark.parametrize(("name", "seed", "answer", "reason"), numbered(BAD))
def test_bad_answers_are_not_kept_and_the_reason_says_why(name, seed, answer, reason):
    assert judged(name, seed, answer) == (None, reason)


# judge_answers as a program


def judge_file(folder: Path, lines: list, name: str = "document_questions", evaluation: list[str] | None = None) -> tuple[list[dict], str]:
    """What the program leaves of a file of answers (a text is a line as it stands in the file), and its exit code with what it says."""
    answers, output = folder / f"{name}.jsonl", folder / "judged.jsonl"
    answers.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines), encoding="utf-8")
    given = ["--answers", answers, "--module", SCRIPTS / f"synthetic/{name}.py", "--template", ROOT / f"workflow/prompts/{name}.yaml"]
    if evaluation is not None:
        pl.DataFrame({"prompt": evaluation}).write_parquet(folder / "development.parquet")
        given += ["--evaluation", folder / "development.parquet"]
    result = run("judge_answers.py", *given, "--output", output)
    assert not list(folder.glob(".*")), "half a file is left"
    return (read_jsonl(output) if output.exists() else []), f"{result.returncode} {result.stderr}"


def verdicts_on(folder: Path, lines: list, *given: object) -> list[str]:
    kept, said = judge_file(folder, lines, *given)
    assert said.startswith("0 ") and [{key: line[key] for key in line.keys() - {"made", "verdict"}} for line in kept] == lines
    assert all((line["made"] is not None) == (line["verdict"] == "kept") for line in kept)
    assert f"{sum(line['verdict'] == 'kept' for line in kept)} of {len(kept)} kept" in said
    return [line["verdict"] for line in kept]


PAN = seed_of(
    question="Is it heavy?",
    document="The nonstick pan with the wooden handle is good for every day. I put mine into the dishwasher twice, and the glass lid fits "
    "the older one of my mother. So far nothing came off.",
)
DISHWASHER = "Nobody in my family reads what stands on a package: would the nonstick pan survive the dishwasher for more than a {}?"
QUOTE = "I put mine into the dishwasher twice"
# Like one another but for a word; not like the third.
WEEK, MONTH, GLASS = (line_of(PAN, told(q, QUOTE)) for q in (DISHWASHER.format("week"), DISHWASHER.format("month"), "Is the lid of glass?"))
NEAR = "near-duplicate of another answer"


@pytest.mark.parametrize("name", GOOD)
def test_good_answers_are_kept_side_by_side(tmp_path, name):
    lines = [line_of(seed, answer, check) for (seed, answer), check in zip(GOOD[name], [True, None] * 5, strict=True)]
    assert verdicts_on(tmp_path, lines, name) == ["kept"] * 10


@pytest.mark.parametrize("chunk", [1, 2, 1000])
def test_of_two_like_answers_the_first_of_the_file_is_kept(tmp_path, monkeypatch, chunk):
    monkeypatch.setattr(judge_answers, "CHUNK", chunk)
    assert verdicts_on(tmp_path, [WEEK, GLASS, MONTH]) == ["kept", "kept", NEAR]
    assert verdicts_on(tmp_path, [MONTH, GLASS, WEEK]) == ["kept", "kept", NEAR]
    assert verdicts_on(tmp_path, [GLASS, WEEK, MONTH, GLASS]) == ["kept", "kept", NEAR, NEAR]


def test_an_answer_is_no_duplicate_of_one_that_was_not_kept(tmp_path):
    assert verdicts_on(tmp_path, [WEEK | {"check": False}, MONTH]) == ["called wrong by the self-check", "kept"]


def test_answers_of_one_frame_are_no_duplicates():
    colors = ["red", "blue", "green", "black", "white", "grey", "pink", "brown"]
    materials = ["cotton", "wool", "linen", "silk", "leather", "denim", "velvet", "felt"]
    things = ["scarf", "jacket", "bag", "hat", "blanket", "curtain", "cushion", "belt"]
    told_before = NearDuplicates()
    for color, material, thing in product(colors, materials, things):
        told_before.add(f"I am looking for a {color} {material} {thing}. Which of these products is that?")
    with pytest.raises(Reject, match=NEAR):
        told_before.add("I am looking for a red, cotton SCARF ... which of these products is that")


def test_answers_with_an_evaluation_questions_words_are_not_kept(tmp_path):
    leak = "Can the nonstick pan with the wooden handle be put into the dishwasher daily?"
    near = "Is it true that the glass lid of this pan does fit the older one?"
    assert SHARED_WORDS == 13
    asked_there = [f"{' '.join(leak.split()[:13]).upper()}, or not", f"Say, {' '.join(near.split()[:12])} surely"]
    lines = [line_of(PAN, told(question, QUOTE)) for question in (leak, near)]
    assert verdicts_on(tmp_path, lines, "document_questions", asked_there) == ["overlaps an evaluation question", "kept"]
    assert verdicts_on(tmp_path, lines, "document_questions", []) == ["kept", "kept"]
    # One that is as short as a question of the evaluation is known by its exact like.
    assert verdicts_on(tmp_path, [GLASS], "document_questions", ["is the lid of GLASS"]) == ["overlaps an evaluation question"]


def test_answers_that_never_came_and_such_as_the_model_takes_back(tmp_path):
    none = [GLASS | {"response": None, "reason": reason} for reason in ("HTTP 429", "refused by the model")]
    checked = [WEEK | {"check": check} for check in (False, True)]
    unlike_the_check = line_of(PAN, told("Is the lid of glass", QUOTE), True)
    assert verdicts_on(tmp_path, [*none, *checked, GLASS, unlike_the_check]) == [
        "no answer: HTTP 429",
        "no answer: refused by the model",
        "called wrong by the self-check",
        "kept",
        "kept",
        NO_QUESTION,
    ]


def test_what_json_allows_and_no_text_does(tmp_path):
    said = json.dumps(told("Is the lid of GLASS?", QUOTE))
    strange = [
        (said.replace("GLASS", "\\ud83d"), NOT_JSON),
        (said.replace("GLASS", "\\udc00\\ud83d"), NOT_JSON),
        (said.replace("GLASS", "\\ud83d\\ude00 glass"), "kept"),
        ("[" * 200_000, NOT_JSON),
        ("[" * 200_000 + "]" * 200_000, NOT_JSON),
        ('{"question": ' * 100_000 + "1" + "}" * 100_000, NOT_JSON),
        (f'{{"question": 1{"0" * 5000}}}', NOT_JSON),
        ('{"question": NaN, "evidence": 1e999}', NOT_SCHEMA),
        ("", NOT_JSON),
        ("null", NOT_SCHEMA),
        (f"{said}\n{said}", NOT_JSON),
    ]
    lines = [line_of(PAN, response) for response, _ in strange]
    assert verdicts_on(tmp_path, lines) == [verdict for _, verdict in strange]


@pytest.mark.parametrize(
    "broken",
    [
        json.dumps(GLASS)[:-30],
        "",
        "[1]",
        "7",
        "[" * 200_000,
        *(json.dumps({key: GLASS[key] for key in GLASS if key != lost}) for lost in ("seed", "response", "reason", "check")),
    ],
)
def test_a_broken_line_is_named_and_leaves_no_output(tmp_path, broken):
    judged, said = judge_file(tmp_path, [WEEK, GLASS, broken, MONTH])
    assert said.startswith("2 ") and f"{tmp_path / 'document_questions.jsonl'}, line 3:" in said and said.count("\n") == 1
    assert not judged and not (tmp_path / "judged.jsonl").exists()


# Templates

# Words by which a prompt would ask for difficulty; how demanding an item is, its sample answer says.
DIFFICULTY = re.compile(
    r"\b(?:difficult\w*|hard(?:er|est)?|eas(?:y|ier|iest|ily)|challeng\w*|complex\w*|complicat\w*|trick\w*|tough\w*|simpl\w+|demanding|"
    r"advanced|confus\w*|sophisticated|nontrivial)\b",
    re.IGNORECASE,
)


def test_there_is_a_template_for_every_set():
    assert [path.stem for path in PROMPTS] == sorted(SETS)


@pytest.mark.parametrize("path", PROMPTS, ids=lambda path: path.stem)
def test_templates_ask_for_no_difficulty_and_their_samples_fit(path):
    template = read_template(path)
    asked_for = [DIFFICULTY.findall(text) for text in (template.system, template.user, template.check)]
    assert asked_for == [[], [], []]
    assert DIFFICULTY.findall("Write a tricky question, harder than most.") == ["tricky", "harder"]
    assert len(template.samples) >= 3
    assert all(SCHEMAS[path.stem].is_valid(json.loads(sample)) for sample in template.samples.values())


@pytest.mark.parametrize("path", PROMPTS, ids=lambda path: path.stem)
def test_levels_are_drawn_evenly_and_always_alike(path, tmp_path):
    template = read_template(path)
    ids = [f"{number:016x}" for number in range(3_000)]
    levels = [template.level(identity) for identity in ids]
    count, share = Counter(levels), 1 / len(template.samples)
    # Five standard deviations of a binomial.
    assert set(count) == set(template.samples)
    assert all(abs(n - 3_000 * share) < 5 * (3_000 * share * (1 - share)) ** 0.5 for n in count.values())
    assert levels == [template.level(identity) for identity in ids]
    # Nor does the order of a template's lines count.
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    content["samples"] = dict(reversed(content["samples"].items()))
    again = read_template(written(tmp_path / "again.yaml", content))
    assert list(again.samples) != list(template.samples) and levels == [again.level(identity) for identity in ids]


def written(path: Path, content: dict) -> Path:
    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return path


def without(key: str) -> dict:
    return {name: value for name, value in GOOD_TEMPLATE.items() if name != key}


GOOD_TEMPLATE = {
    "system": "You sort products, {as} you like.",
    "user": "Title: {title}\nAn answer: {sample}",
    "samples": {"plain": '{"type": "lamp"}'},
    "answer": {"type": "object", "properties": {"type": {"type": "string"}}, "required": ["type"], "additionalProperties": False},
    "check": 'Right: {answer}? {{"right": true}}',
}


def test_a_template_is_filled_with_the_seed_and_its_sample(tmp_path):
    template = read_template(written(tmp_path / "types.yaml", GOOD_TEMPLATE))
    system, user = template.messages("0", {"title": "{Lamp}", "list": ["a"]})
    assert (system["content"], user["content"]) == ("You sort products, {as} you like.", 'Title: {Lamp}\nAn answer: {"type": "lamp"}')
    assert template.check_messages("0", {"title": "x"}, "{y}")[1]["content"] == 'Right: {y}? {"right": true}'
    with pytest.raises(BadInput, match=r"types\.yaml: the field \{title\} is none of the seed's \(sample, text\)"):
        template.messages("0", {"text": "x"})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (GOOD_TEMPLATE | {"comment": "x"}, "see comment"),
        (without("check"), "see check"),
        (GOOD_TEMPLATE | {"samples": {"plain": '{"kind": "lamp"}'}}, "sample plain: not an answer"),
        (GOOD_TEMPLATE | {"samples": {"plain": '{"type": "lamp"'}}, "sample plain: not an answer"),
        # Without quotes, YAML reads the sample as a mapping.
        (GOOD_TEMPLATE | {"samples": {"plain": {"type": "lamp"}}}, "sample plain: not an answer"),
        (GOOD_TEMPLATE | {"user": "Title: {title\n{sample}"}, "user: .*braces that are no field are doubled"),
        (GOOD_TEMPLATE | {"user": "Title: title}\n{sample}"}, "user: .*braces that are no field are doubled"),
        (GOOD_TEMPLATE | {"user": "Title: {}\n{sample}"}, "user: .*braces that are no field are doubled"),
        (GOOD_TEMPLATE | {"check": 'Right: {answer}? {"right": true}'}, "check: .*braces that are no field are doubled"),
        (GOOD_TEMPLATE | {"user": "Title: {title}"}, r"user: lacks \{sample\}"),
        (GOOD_TEMPLATE | {"check": "Title: {title}"}, r"check: lacks \{answer\}"),
    ],
)
def test_a_broken_template_is_named(tmp_path, content, message):
    with pytest.raises(BadInput, match=f"types\\.yaml.*{message}"):
        read_template(written(tmp_path / "types.yaml", content))


@pytest.mark.parametrize("text", ["system: [", "just a text", ""])
def test_what_is_no_template_is_named(tmp_path, text):
    (tmp_path / "types.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=r"types\.yaml"):
        read_template(tmp_path / "types.yaml")
    with pytest.raises(BadInput, match=r"none\.yaml: no such template"):
        read_template(tmp_path / "none.yaml")


# Seeds

CATEGORIES = ["All_Beauty", "Gift_Cards"]
TABLES_OF = {
    "amazon_m2": ["m2_products"],
    "amazon_reviews_2023": [f"{table}.{category}" for table in ("reviews", "review_products") for category in CATEGORIES],
    "esci": ["esci_judgements", "esci_products"],
    "ecinstruct": ["ecinstruct"],
}
# Seeds of each set at most, but for wordings, which have as many as there are; share of groups held out.
SEEDS, HELD_OUT = 300, 0.2


def simulate(folder: Path, source: str, file: str) -> Path:
    """One simulated raw file, as small as the simulator makes it."""
    path = folder / "raw" / source / file
    result = run("simulate_source.py", "--source", source, "--file", file, "--scale", 0.0005, "--seed", 3, "--output", path)
    assert result.returncode == 0, result.stderr
    return path


def tabulate(program: str, *arguments: object) -> None:
    result = run(program, *arguments, "--broken-share", 0.05)
    assert result.returncode == 0, result.stderr


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> Path:
    """The tables that seeds come from."""
    folder = tmp_path_factory.mktemp("tables")
    esci = [simulate(folder, "esci", f"shopping_queries_dataset_{name}.parquet") for name in ("examples", "products")]
    outputs = ["--output-judgements", folder / "esci_judgements.parquet", "--output-products", folder / "esci_products.parquet"]
    tabulate("tabulate_esci.py", "--examples", esci[0], "--products", esci[1], "--pool-judgements", 100_000, *outputs)
    m2 = [simulate(folder, "amazon_m2", f"{name}_train.csv") for name in ("products", "sessions")]
    outputs = ["--output-products", folder / "m2_products.parquet", "--output-sessions", folder / "m2_sessions.parquet"]
    pools = ["--pool-products", 5_000, "--pool-sessions", 1_000]
    tabulate("tabulate_amazon_m2.py", "--products", m2[0], "--sessions", m2[1], *pools, *outputs)
    for category in CATEGORIES:
        reviews = simulate(folder, "amazon_reviews_2023", f"raw/review_categories/{category}.jsonl")
        products = simulate(folder, "amazon_reviews_2023", f"raw/meta_categories/meta_{category}.jsonl")
        outputs = ["--output-reviews", folder / f"reviews.{category}.parquet"]
        outputs += ["--output-products", folder / f"review_products.{category}.parquet"]
        tabulate("tabulate_reviews.py", "--reviews", reviews, "--products", products, "--pool-reviews", 5_000, *outputs)
    items = simulate(folder, "ecinstruct", "dataset.json")
    tabulate("tabulate_ecinstruct.py", "--input", items, "--items", 5_000, "--output", folder / "ecinstruct.parquet")
    return folder


@pytest.fixture(scope="module")
def shuffled_tables(tables, tmp_path_factory) -> Path:
    """The same tables, their rows in another order."""
    folder = tmp_path_factory.mktemp("shuffled")
    for path in tables.glob("*.parquet"):
        pl.read_parquet(path).sample(fraction=1, shuffle=True, seed=7).write_parquet(folder / path.name)
    return folder


def paths_of(sources: list[str], folder: Path) -> list[Path]:
    return [folder / f"{table}.parquet" for source in sources for table in TABLES_OF[source]]


def seeds_of(name: str, folder: Path, held_out: float = HELD_OUT, rewordings: int = 8) -> list[dict]:
    """The first seeds of a set, as their file has them."""
    used = {dataset: TABLE[dataset] for dataset in DATASETS_OF[name]}
    modules = {dataset: DATASETS[dataset] for dataset in used}
    source = SeedSource(name, SEEDS, rewordings, used, modules, paths_of(SETS[name]["sources"], folder), 1.0, 5, held_out)
    return [seed.line(name) for seed in islice(MODULES[name].seeds(source), None if name == "wordings" else SEEDS)]


@pytest.fixture(scope="module")
def seeds(tables) -> dict[str, list[dict]]:
    return {name: seeds_of(name, tables) for name in SETS}


@cache
def fields_of_items(tables: Path) -> dict[str, str]:
    return dict(pl.read_parquet(tables / "ecinstruct.parquet").select("item", "fields").iter_rows())


def group_of(name: str, keys: dict, tables: Path) -> str:
    if name == "query_questions":
        return f"esci:query:{keys['query_id']}"
    if name == "document_questions":
        return f"ecinstruct:question:{text_key(as_text(json.loads(fields_of_items(tables)[keys['item']])['question']))}"
    sources = {"attribute_questions": "amazon_m2", "review_aspects": "amazon_reviews_2023"}
    return f"{sources.get(name) or keys['source']}:product:{keys['product_id']}"


@pytest.mark.parametrize("name", ["attribute_questions", "query_questions", "document_questions", "product_types", "review_aspects"])
def test_no_seed_is_of_a_held_out_group(name, seeds, tables):
    groups = [group_of(name, seed["keys"], tables) for seed in seeds[name]]
    assert len(groups) > 20 and {split_of(group, HELD_OUT) for group in groups} == {"train"}
    # Without a held-out side there are more seeds: those that stand in between are the held-out ones.
    everywhere = seeds_of(name, tables, held_out=0.0)
    train = [seed for seed in everywhere if split_of(group_of(name, seed["keys"], tables), HELD_OUT) == "train"]
    assert len(train) < len(everywhere) and train == seeds[name][: len(train)]


@pytest.mark.parametrize("name", SETS)
def test_seeds_are_named_once_fill_their_template_and_depend_on_no_order(name, seeds, shuffled_tables):
    template = read_template(ROOT / f"workflow/prompts/{name}.yaml")
    assert len({seed["id"] for seed in seeds[name]}) == len({json.dumps(seed["keys"]) for seed in seeds[name]}) == len(seeds[name]) > 20
    for seed in seeds[name]:
        system, user = template.messages(seed["id"], seed["fields"])
        check = template.check_messages(seed["id"], seed["fields"], "{}")[1]["content"]
        shown = [text for field in seed["fields"].values() for text in (field if isinstance(field, list) else [field])]
        assert all(text and text in user["content"] for text in shown) and "{}" in check and system["content"]
    assert seeds_of(name, shuffled_tables) == seeds[name]


@pytest.mark.parametrize("name", ["query_questions", "review_aspects"])
def test_seeds_are_the_same_with_one_and_two_threads(name, seeds, tables, tmp_path):
    given = ["--module", SCRIPTS / f"synthetic/{name}.py", "--name", name, "--requests", SEEDS, "--rewordings", 8]
    given += ["--rows", json.dumps({dataset: TABLE[dataset] for dataset in DATASETS_OF[name]})]
    given += ["--dataset-modules", *(SCRIPTS / f"datasets/{dataset}.py" for dataset in DATASETS_OF[name])]
    given += ["--tables", *paths_of(SETS[name]["sources"], tables), "--output", tmp_path / "seeds.jsonl"]
    given += ["--scale", 1.0, "--seed", 5, "--validation-share", HELD_OUT]
    made = []
    for threads in ("1", "2"):
        environment = {"POLARS_MAX_THREADS": threads, "PYTHONHASHSEED": threads}
        subprocess.run([sys.executable, SCRIPTS / "list_seeds.py", *map(str, given)], check=True, env=environment, capture_output=True)
        made.append(read_jsonl(tmp_path / "seeds.jsonl"))
    assert made[0] == made[1] == sorted(seeds[name], key=lambda seed: seed["id"])


def test_wordings_have_a_seed_for_each_manner(seeds, tables):
    manners = MODULES["wordings"].MANNERS
    wordings = {
        (dataset, wording)
        for dataset in DATASETS_OF["wordings"]
        for name, some in vars(DATASETS[dataset]).items()
        if name.endswith("WORDINGS")
        for wording in some
    }
    found = Counter((seed["keys"]["dataset"], seed["facts"]["wording"], seed["fields"]["manner"]) for seed in seeds["wordings"])
    assert found == Counter((*wording, manner) for wording in wordings for manner in manners) and len(wordings) > 130
    assert len(seeds_of("wordings", tables, rewordings=2)) == 2 * len(wordings) and not seeds_of("wordings", tables, rewordings=0)


def test_every_wording_can_be_said_anew(seeds):
    """Said as it is, it is a copy and nothing else: it passes the checks that stand before, and it is routed as its validator expects."""
    for seed in seeds["wordings"]:
        wording, kind = seed["facts"]["wording"], seed["facts"]["task_type"]
        assert judged("wordings", seed, {"wording": wording}) == (None, COPY), wording
        assert task_type(MODULES["wordings"].filled(wording, kind), kind == "multiple-choice") == kind, wording


def test_complements_list_no_type_twice_and_never_the_one_bought(seeds):
    for seed in seeds["complements"]:
        listed = seed["fields"]["types"]
        assert len(set(listed)) == len(listed) == 8 and seed["fields"]["type"] not in listed


def test_the_right_product_of_a_query_is_judged_exact(seeds, tables):
    judgements, products = (pl.read_parquet(tables / f"esci_{name}.parquet") for name in ("judgements", "products"))
    for seed in seeds["query_questions"][:40]:
        found = judgements.filter(query_id=seed["keys"]["query_id"], product_id=seed["keys"]["product_id"], locale="us")
        assert found["label"].item() == "E" and found["query"].item() == seed["fields"]["query"]
        title = products.filter(product_id=seed["keys"]["product_id"], locale="us")["title"].item()
        assert seed["fields"]["products"][seed["facts"]["right"] - 1].startswith(title)


# Datasets with what was kept

# Two of title_brand's wordings, each said anew.
TITLE_BRAND = dict(
    zip(
        DATASETS["title_brand"].WORDINGS,
        [
            "Who makes '{title}', which a shop sells on the web?\n{options}\nAnswer:",
            "Product Title: {title}\nName the company behind it, please.\nBrands:\n{options}\nAnswer:",
        ],
        strict=False,
    )
)


def kind_in(title: str) -> str:
    """The type of a simulated product, which its title names before a comma."""
    return title.split(",")[0].split()[-1]


def good_answer(name: str, seed: dict) -> object:
    """An answer to a seed of the simulated tables that its validator keeps."""
    fields = seed["fields"]
    if name == "attribute_questions":
        question = f"Which category would a customer open who needs the {fields['attribute']} {fields['value']}?"
        return attribute(question, kind_in(fields["title"]), "saxophone reed", "zeppelin ride", "castle brick")
    if name == "query_questions":
        return asked(f"I would like to order this: {fields['query']}. Which of these would you pick?", seed["facts"]["right"])
    if name == "document_questions":
        evidence = re.search(r"I checked, and the [\w ]+ of mine", fields["document"])
        return told("Has any customer checked that for us?", evidence[0])
    if name == "product_types":
        return typed(f"{kind_in(fields['title'])} article", "all that a shop has")
    if name == "complements":
        return complement(fields["types"][3], "Both of them are in use at the same time in many homes.")
    if name == "review_aspects":
        quotes = [" ".join(sentence.split()[1:5]) for sentence in sentences(fields["review"])]
        found = dict.fromkeys(quote for quote in quotes if len(words(quote)) > 1)
        return aspects(**dict(zip(("stitching", "gift_wrap", "shelf_life"), found, strict=False)))
    return {"wording": TITLE_BRAND[seed["facts"]["wording"]]}


@pytest.fixture(scope="module")
def kept(seeds) -> dict[str, list[dict]]:
    """Lines of every set, all kept by its validator; every fifth says that it was not."""
    made = {}
    for name, some in seeds.items():
        if name == "wordings":
            some = [seed for seed in some if seed["facts"]["wording"] in TITLE_BRAND and seed["keys"]["number"] == 0]
            some += [some[0] | {"id": "9", "keys": some[0]["keys"] | {"number": 9}}]
        made[name] = []
        for number, seed in enumerate(some):
            answer, verdict = judged(name, seed, good_answer(name, seed))
            assert verdict == "kept", (name, seed)
            made[name].append({"seed": seed, "made": answer, "verdict": "kept" if number % 5 < 4 else LONG})
    return made


def built(dataset: str, tables: Path, synthetic: list[Path]) -> tuple[dict[str, dict], dict]:
    """The rows of a dataset, by id, and its facts."""
    row = TABLE[dataset]
    inputs = Inputs(paths_of([row["source"]], tables), dataset, SIZE, HELD_OUT, synthetic)
    table, facts = sample(DATASETS[dataset].build(inputs), row, SIZE, 5, HELD_OUT, inputs.rewordings())
    return {row["id"]: row | {"source": json.loads(row["source"])} for row in table.to_dicts()}, facts


def options_of(row: dict) -> list[str]:
    """The last numbered list of a prompt."""
    found = re.findall(r"^(\d+)\. (.*)$", row["prompt"], re.M)
    start = max(place for place, (number, _) in enumerate(found) if place == 0 or int(found[place - 1][0]) + 1 != int(number))
    return [text for _, text in found[start:]]


def right_options(row: dict) -> list[str]:
    truth, options = row["source"]["truth"], options_of(row)
    return [options[truth]] if isinstance(truth, int) else [options[place - 1] for place in truth]


def keys_of(row: dict, name: str) -> tuple:
    """The keys that a seed of the set about the row has."""
    keys = row["source"]["keys"]
    source = "amazon_m2" if "locale" in keys else "amazon_reviews_2023"
    return (source, keys["product_id"]) if name == "product_types" else tuple(keys.values())


def says_the_question(row: dict, made: dict) -> bool:
    return row["prompt"].startswith(f"{made['question']}\n0. ") and row["prompt"].endswith("\nAnswer:")


def says_question_and_category(row: dict, made: dict) -> bool:
    options = {made["category"], *made["others"]}
    return says_the_question(row, made) and right_options(row) == [made["category"]] and set(options_of(row)) == options


def says_another_question(row: dict, made: dict) -> bool:
    return made["question"] in row["prompt"] and right_options(row) == ["yes"]


def lists_the_aspects(row: dict, made: dict) -> bool:
    return sorted(right_options(row)) == sorted(aspect["aspect"] for aspect in made["aspects"])


def lists_a_quote(row: dict, made: dict) -> bool:
    return bool({aspect["quote"].rstrip(".!") for aspect in made["aspects"]} & set(right_options(row)))


def names_the_type(row: dict, made: dict) -> bool:
    return bool(re.search(rf"\b{re.escape(made['type'])}\b", row["prompt"]))


def lists_what_was_passed_over(row: dict, made: dict) -> bool:
    right = right_options(row)
    return right == [made["complement"]] == [row["source"]["keys"]["with"]] and set(options_of(row)) < {*right, *made["others"]}


def is_in_new_words(row: dict, made: dict) -> bool:
    before, after = made["wording"].split("{title}")
    return row["prompt"].startswith(before) and after.split("{options}")[0] in row["prompt"]


# Dataset, set, how many of its rows at least are made with it, and how the row says what was made.
USED = [
    ("category_attribute", "attribute_questions", 5, says_question_and_category),
    ("product_for_query", "query_questions", 5, says_the_question),
    ("answerability", "document_questions", 5, says_another_question),
    ("review_aspects", "review_aspects", 5, lists_the_aspects),
    ("review_snippets", "review_aspects", 5, lists_a_quote),
    ("review_snippets", "product_types", 5, names_the_type),
    ("explain_product_type", "product_types", 3, names_the_type),
    ("complement", "complements", 5, lists_what_was_passed_over),
    ("title_brand", "wordings", 5, is_in_new_words),
]


@pytest.mark.parametrize(("dataset", "name", "least", "says"), USED)
def test_rows_say_what_was_kept(dataset, name, least, says, kept, tables, tmp_path):
    use = SETS[name]["use"]
    write_jsonl(tmp_path / f"{name}.jsonl", kept[name])
    answers = {tuple(line["seed"]["keys"].values()): line["made"] for line in kept[name] if line["verdict"] == "kept"}
    by_rules, _ = built(dataset, tables, [])
    rows, facts = built(dataset, tables, [tmp_path / f"{name}.jsonl"])
    made = {identity: row for identity, row in rows.items() if "llm" in row["source"]}
    assert least <= len(made) < len(rows) and {json.dumps(row["source"]["llm"]) for row in made.values()} == {json.dumps([use])}
    for row in made.values():
        # A row does not name the seed of a complement or a wording: it has to be as one of them says.
        fitting = [answers[keys_of(row, name)]] if keys_of(row, name) in answers else answers.values()
        assert any(says(row, answer) for answer in fitting), row["prompt"]
    assert facts["llm"] == {"rows": len(made), "build": 0, "enrich": 0, "reword": 0} | {use: len(made)}
    assert {row["split"] for row in made.values()} == {"train"}
    # All rows without an answer are as they are without a language model, the held-out ones above all.
    in_both = by_rules.keys() & rows.keys()
    same = {identity for identity in in_both if by_rules[identity] == rows[identity]}
    told_about = {identity for identity in in_both if keys_of(rows[identity], name) in answers}
    assert {"train", "validation"} == {rows[identity]["split"] for identity in same} and in_both - same <= told_about | made.keys()
    assert use != "build" or told_about == in_both & made.keys()


def test_several_uses_in_one_row_are_counted_each(kept, tables, tmp_path):
    said = DATASETS["review_aspects"].WORDINGS
    keys = [{"dataset": "review_aspects", "wording": wording, "number": 0} for wording in said]
    anew = [
        {"seed": {"keys": key, "facts": {"wording": wording}}, "made": {"wording": f"Dear colleague!\n{wording}"}, "verdict": "kept"}
        for key, wording in zip(keys, said, strict=True)
    ]
    for name, lines in {"wordings": anew, **{name: kept[name] for name in ("product_types", "review_aspects")}}.items():
        write_jsonl(tmp_path / f"{name}.jsonl", lines)
    rows, facts = built("review_aspects", tables, sorted(tmp_path.glob("*.jsonl")))
    uses = Counter(use for row in rows.values() for use in row["source"].get("llm", []))
    assert facts["llm"] == {"rows": sum("llm" in row["source"] for row in rows.values()), "build": 0} | uses
    assert any(row["source"].get("llm") == ["enrich", "reword"] for row in rows.values()) and uses["enrich"] != uses["reword"]
    assert all(row["prompt"].startswith("Dear colleague!") == ("reword" in row["source"].get("llm", [])) for row in rows.values())
    assert all("llm" not in row["source"] for row in rows.values() if row["split"] == "validation")


@pytest.mark.parametrize("dataset", sorted({dataset for dataset, *_ in USED}))
def test_without_kept_answers_a_dataset_is_as_without_a_language_model(dataset, kept, tables, tmp_path):
    by_rules = built(dataset, tables, [])
    assert all(row["source"].keys() == {"keys", "truth"} for row in by_rules[0].values())
    for number, rejected in enumerate((False, True)):
        for name in (name for name, datasets in DATASETS_OF.items() if dataset in datasets):
            lines = [line | {"verdict": COPY} for line in kept[name]] if rejected else []
            write_jsonl(tmp_path / str(number) / f"{name}.jsonl", lines)
        assert built(dataset, tables, sorted((tmp_path / str(number)).glob("*.jsonl"))) == by_rules
    assert by_rules[1]["llm"] == {"rows": 0, "build": 0, "enrich": 0, "reword": 0}


def test_a_held_out_row_with_an_answer_is_refused(tables, tmp_path):
    everywhere = seeds_of("attribute_questions", tables, held_out=0.0)
    lines = [
        {"seed": seed, "made": judged("attribute_questions", seed, good_answer("attribute_questions", seed))[0], "verdict": "kept"}
        for seed in everywhere
    ]
    write_jsonl(tmp_path / "attribute_questions.jsonl", lines)
    with pytest.raises(ValueError, match="a held-out row is made with a language model"):
        built("category_attribute", tables, [tmp_path / "attribute_questions.jsonl"])


def test_a_broken_line_of_a_set_is_named(kept, tables, tmp_path):
    path = tmp_path / "attribute_questions.jsonl"
    write_jsonl(path, kept["attribute_questions"])
    path.write_text(path.read_text(encoding="utf-8")[:-40], encoding="utf-8")
    with pytest.raises(BadInput, match=f"{path}, line {len(kept['attribute_questions'])}: "):
        built("category_attribute", tables, [path])


def test_rewordings_are_drawn_as_often_as_the_wording_itself():
    anew = {"written": ["first", "second", "third"], "other": []}
    drawn = Counter(Draw("wording", n, rewordings=anew).wording(["written", "other"]) for n in range(4_000))
    assert set(drawn) == {"written", "first", "second", "third", "other"}
    # 500 expected of each saying of the first, 2,000 of the other; five standard deviations are 105 and 158.
    assert all(abs(drawn[word] - 500) < 105 for word in ("written", "first", "second", "third")) and abs(drawn["other"] - 2_000) < 158
