"""Refuse names of audiences that tell of somebody's health, money trouble or beliefs."""

import re

# Beginnings of words, in the languages of our users, that tell of what the law protects (article 9
# of the European data protection regulation) or what platforms forbid in the names of audiences:
# a list's name reaches the platform, its staff, and whoever sees why an advertisement is shown.
REVEALING = (
    *("diabet", "cancer", "krebs", "pregnan", "schwanger", "depress", "disab", "behinder"),
    *("patient", "illness", "disease", "krank", "health", "gesundheit", "medic", "medizin"),
    *("therap", "addict", "sucht", "allerg", "fertility", "obes", "adipos", "hiv", "symptom"),
    *("insolv", "bankrupt", "pleite", "debt", "schuld", "verschuld", "overdraft", "dispokredit"),
    *("creditworth", "credit_score", "bonit", "schufa", "unemploy", "arbeitslos", "poor"),
    *(
        "low_income",
        "geringverdien",
        "relig",
        "muslim",
        "christian",
        "jewish",
        "gay",
        "lesb",
        "queer",
    ),
    *("sexual", "ethnic", "migrant", "trade_union", "gewerkschaft", "crimin", "vorbestraft"),
)
# Innocent words with such a beginning.
HARMLESS = frozenset({"medici", "poorly"})


def revealing_word(name: str) -> str | None:
    """Return the first word of a name that reveals what an audience's name must not, else None."""
    words = [word for word in re.split(r"[^0-9a-zäöüß]+", name.lower()) if word]
    joined = "_".join(words) + "_"
    for beginning in REVEALING:
        for place in re.finditer(rf"(?:^|_)({re.escape(beginning)}[0-9a-zäöüß]*)", joined):
            if place.group(1) not in HARMLESS:
                return place.group(1)
    return None
