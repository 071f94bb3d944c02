"""Refuse names of audiences that tell of somebody's health, money trouble or beliefs."""

import re

# What the law protects (article 9 of the General Data Protection Regulation) or platforms forbid in
# names, in the languages of our users: a list's name reaches the platform, its staff, and whoever
# sees why an advertisement is shown. Beginnings of words:
BEGINNINGS = [
    "diabet",
    "cancer",
    "krebs",
    "pregnan",
    "schwanger",
    "depress",
    "disabilit",
    "behinder",
    "patient",
    "illness",
    "disease",
    "krank",
    "health",
    "gesundheit",
    "medic",
    "medizin",
    "therap",
    "addict",
    "allerg",
    "fertility",
    "adipos",
    "obes",
    "symptom",
    "insolv",
    "bankrupt",
    "pleite",
    "debt",
    "schuld",
    "verschuld",
    "overdraft",
    "dispokredit",
    "creditworth",
    "bonit",
    "schufa",
    "unemploy",
    "arbeitslos",
    "geringverdien",
    "relig",
    "muslim",
    "jewish",
    "lesb",
    "queer",
    "homosex",
    "sexual",
    "ethnic",
    "migrant",
    "gewerkschaft",
    "crimin",
    "vorbestraft",
]
# Whole words, and words in a row: as beginnings they would catch a beehive.
WORDS = ["hiv", "gay", "poor", "sucht", "disabled", "credit_score", "low_income", "trade_union"]
REVEALING = re.compile(
    rf"(?:^|_)((?:{'|'.join(BEGINNINGS)})[0-9a-zäöüß]*|(?:{'|'.join(WORDS)})(?=_|$))"
)


def revealing_word(name: str) -> str | None:
    """Return the first word of a name that reveals what an audience's name must not, else None."""
    words = re.split(r"[^0-9a-zäöüß]+", name.lower())
    found = REVEALING.search("_".join(word for word in words if word))
    return found.group(1) if found else None
