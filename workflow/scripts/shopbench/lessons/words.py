"""The words that lessons are made of. Standard library alone."""

from __future__ import annotations

from shopbench.world_words import ADJECTIVES, BRANDS_BY_DEPARTMENT, COLORS, MATERIALS_BY_DEPARTMENT, TYPES

# Words that questions on a shop are made of, one by one: a model of any size would know them. No sentence of the datasets is here.
_INSTRUCTIONS = """
a about ago all also always among an and another answer any are as asked asks aspect aspects assistant at attribute back because
before belong belongs below beside best better between both bought brand brands bullet but buy buyer buys by can categories category
choice choose clicked color colour come comes commas complement could count cover covers customer customers decide describe described
describes description directly do document does each earlier else entity entities even exact exactly explain explanations expresses
feature features feel few field fill find first fit fits following for found from fulfil fulfils functional general give given gives
go goes good had has have help helpful helps here history hold how if in instruction interested into irrelevant is it item its judge
keyphrase keyword keywords kind know language last layout least like likely list listed listing lists look looked looking looks made
make makes many match matches matching may meaning mentions most multiple my name named names need needs next no none not nothing
number numbered numbers of offer on once one online only opinion option options or order other others out output own pair pairs part
parts permutation phrase phrases pick place please point points possible predict price product products purchase purchases put queries
query question rank ranking rate rating read recommend relate relates relation relevance relevant replace respond result results
review reviews right same satisfies say says search searched searches second select sell seller sells sentence sentences sentiment
sentiments separate separated set sets several shop shopping should show shown side similar single snippet snippets so sold some
someone something specifications stand stands star stars statement substitute such suit suits take target task tell text texts than
that the their them then there these they this those three title titles to together too translate translated translation truth two
type typed under up use user users value values very view want wants was well what where whether which who whole whose will with
within without word words would write writer wrote yes you your
"""
INSTRUCTION_WORDS = tuple(_INSTRUCTIONS.split())

# One meaning each, in the six languages of LANGUAGES; a brand is the same in all.
CONCEPTS: tuple[tuple[str, ...], ...] = (
    *COLORS,
    *ADJECTIVES,
    *(words for group in MATERIALS_BY_DEPARTMENT.values() for words in group),
    *(kind.names for kind in TYPES),
    *((brand,) * 6 for brands in BRANDS_BY_DEPARTMENT.values() for brand in brands),
)
LIST_WORDS = tuple(sorted({word for words in CONCEPTS for word in words} | set(INSTRUCTION_WORDS)))
