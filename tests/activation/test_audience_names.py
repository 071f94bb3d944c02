"""A name that tells what nobody may know of a person is refused, an innocent one is not."""

import pytest

from activation.audience_names import revealing_word


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("Diabetes patients", "diabetes"),
        ("in-debt", "debt"),
        ("Gesundheit 2026", "gesundheit"),
        ("Low income", "low_income"),
        ("SCHUFA-Auskunft", "schufa"),
        ("winback HIV", "hiv"),
        ("members of a trade union", "trade_union"),
    ],
)
def test_the_word_that_reveals_is_named(name, word):
    """However it is written, and also in the middle."""
    assert revealing_word(name) == word


@pytest.mark.parametrize(
    "name",
    ["Hive starters", "gaytan_collection", "Christmas", "Suchtreffer", "Poorhouse", "win_back", ""],
)
def test_innocent_names_reveal_nothing(name):
    """Short words count whole, or a hive would be an illness."""
    assert revealing_word(name) is None
