"""What is compared in two records, and which pairs are worth comparing; in Splink's words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import splink.comparison_level_library as levels
import splink.comparison_library as comparisons
from splink import SettingsCreator
from splink.blocking_rule_library import CustomRule

from ml.linking.blocking import Key

# Levels of a given name, best first, and how often records of one person reach them. Stated where
# people share an address: learned, "lives in the same house" would be taken for "is the same".
GIVEN_NAME_LEVELS = {
    "equal": 0.66, "similar": 0.13, "initial": 0.14, "same beginning": 0.04, "different": 0.03,
}  # fmt: skip
INITIAL = list(reversed(GIVEN_NAME_LEVELS)).index("initial")
DIFFERENT, MISSING = 0, -1
EXACT_GIVEN_NAME = "first_name_l = first_name_r"
SAME_INITIAL = (
    "(length(first_name_l) = 1 or length(first_name_r) = 1)"
    " and substr(first_name_l, 1, 1) = substr(first_name_r, 1, 1)"
)
SAME_BEGINNING = (
    "length(first_name_l) >= 3 and length(first_name_r) >= 3"
    " and substr(first_name_l, 1, 3) = substr(first_name_r, 1, 3)"
)

STREET = "jaro_winkler_similarity(street_l, street_r) >= 0.88"
NUMBER = "house_number_l = house_number_r"
CODE = "damerau_levenshtein(postal_code_l, postal_code_r) <= 1"
CITY = "jaro_winkler_similarity(city_l, city_r) >= 0.9"
# From the whole address to next to nothing; what is missing on one side does not agree.
ADDRESS_LEVELS = {
    "street, number, postal code and city": (STREET, NUMBER, CODE, CITY),
    "street, number and postal code": (STREET, NUMBER, CODE),
    "street, number and city": (STREET, NUMBER, CITY),
    "street and number": (STREET, NUMBER),
    "street, postal code and city": (STREET, CODE, CITY),
    "number, postal code and city": (NUMBER, CODE, CITY),
    "street and postal code": (STREET, CODE),
    "street and city": (STREET, CITY),
    "number and postal code": (NUMBER, CODE),
    "number and city": (NUMBER, CITY),
    "postal code and city": (CODE, CITY),
    "street": (STREET,),
    "postal code": (CODE,),
    "city": (CITY,),
}
NO_ADDRESS = " or ".join(
    f"(street_{side} is null and postal_code_{side} is null and city_{side} is null)"
    for side in "lr"
)

# Pairs that agree on one of these are compared.
HOUSEHOLD_KEYS = (
    ("last_name", "postal_code"), ("last_name", "city"), ("last_name", "street"),
    ("street", "house_number"), ("street", "postal_code"), ("street", "city"),
    ("postal_code", "house_number"), ("city", "house_number"),
)  # fmt: skip
PERSON_KEYS = (
    ("first_name", "last_name"), ("first_name", "postal_code"), ("first_name", "city"),
    ("first_name", "street"), ("first_name", "house_number"),
)  # fmt: skip


def settings(
    more: Sequence[str], keys: Sequence[Key], *, has_households: bool, sampled: str = ""
) -> SettingsCreator:
    """Return the comparisons of names, address and the columns `more`, by the keys of pairs.

    `sampled` names one field instead: pairs that agree on it with a record of the column
    sampled_<field>.
    """
    rules = [_agreeing(key.columns, "is_linkable", key.crowded) for key in keys]
    return SettingsCreator(
        link_type="dedupe_only",
        comparisons=[_given_name(has_households), _last_name(), _address(), *map(_number, more)],
        blocking_rules_to_generate_predictions=(
            [_agreeing((sampled,), f"sampled_{sampled}")] if sampled else rules
        ),
        retain_intermediate_calculation_columns=True,
    )


def _agreeing(columns: Sequence[str], mark: str, without: str = "") -> Any:
    """Say that columns are equal, that one of the two bears a mark and that neither bears the
    other, which both bear or none.
    """
    same = " and ".join(f"l.{column} = r.{column}" for column in columns)
    left_out = f" and not l.{without}" if without else ""
    return CustomRule(f"{same} and (l.{mark} or r.{mark}){left_out}")


def _given_name(has_households: bool) -> Any:
    told = [
        levels.CustomLevel(EXACT_GIVEN_NAME).configure(tf_adjustment_column="first_name"),
        levels.JaroWinklerLevel("first_name", 0.88),
        levels.CustomLevel(SAME_INITIAL),
        levels.CustomLevel(SAME_BEGINNING),
        levels.ElseLevel(),
    ]
    for level, (label, chance) in zip(told, GIVEN_NAME_LEVELS.items(), strict=True):
        level.configure(label_for_charts=label)
        if has_households:
            level.configure(m_probability=chance, fix_m_probability=True)
    return _comparison("first_name", told)


def _last_name() -> Any:
    told = {
        "equal": levels.CustomLevel("last_name_l = last_name_r").configure(
            tf_adjustment_column="last_name"
        ),
        "similar": levels.JaroWinklerLevel("last_name", 0.92),
        "somewhat similar": levels.JaroWinklerLevel("last_name", 0.8),
        "different": levels.ElseLevel(),
    }
    return _comparison("last_name", _labelled(told))


def _address() -> Any:
    """Compare the address as one thing: its parts agree together, they are not four proofs."""
    told = {
        label: levels.CustomLevel(" and ".join(parts)) for label, parts in ADDRESS_LEVELS.items()
    }
    missing = levels.CustomLevel(NO_ADDRESS, "missing").configure(is_null_level=True)
    return _comparison("address", _labelled(told | {"different": levels.ElseLevel()}), missing)


def _number(field: str) -> Any:
    """Compare a date or a number by the typing errors in it."""
    told = {
        "equal": levels.CustomLevel(f"{field}_l = {field}_r"),
        "one typing error": levels.DamerauLevenshteinLevel(field, 1),
        "two typing errors": levels.DamerauLevenshteinLevel(field, 2),
        "different": levels.ElseLevel(),
    }
    return _comparison(field, _labelled(told))


def _labelled(told: dict[str, Any]) -> list[Any]:
    return [level.configure(label_for_charts=label) for label, level in told.items()]


def _comparison(field: str, told: list[Any], missing: Any = None) -> Any:
    return comparisons.CustomComparison(
        output_column_name=field,
        comparison_levels=[missing or levels.NullLevel(field), *told],
    )
