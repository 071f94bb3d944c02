"""Tests of the columns of text and money."""

from decimal import Decimal

import numpy as np
import phonenumbers

from sandbox.shop.text import decimals, hexadecimal, numbered

KEYS = np.arange(300_000, dtype=np.uint64)


def test_numbers_are_unique_and_differ_by_prefix():
    """Every key has its own number, and another one under another prefix."""
    cards, accounts = numbered("L", KEYS, 20).to_pylist(), numbered("C", KEYS, 20).to_pylist()

    assert len(set(cards)) == len(KEYS)
    assert sum(a[1:] == b[1:] for a, b in zip(cards, accounts, strict=True)) < 10


def test_numbers_hide_their_order():
    """Numbers of consecutive keys rise as often as they fall."""
    values = np.array([int(text[1:]) for text in numbered("L", KEYS, 20).to_pylist()])

    assert 0.45 < (np.diff(values) > 0).mean() < 0.55


def test_hexadecimal_writes_the_whole_key():
    """Keys are written with all 16 digits."""
    keys = np.array([0, 255, 2**64 - 1], dtype=np.uint64)

    assert hexadecimal(keys).to_pylist() == ["0" * 16, "0" * 14 + "ff", "f" * 16]


def test_decimals_are_exact():
    """Cents become decimals without rounding, negative ones too."""
    values = decimals(np.array([0, 1, -1, 123_456_789_012]), 2).to_pylist()

    assert values == [Decimal("0.00"), Decimal("0.01"), Decimal("-0.01"), Decimal("1234567890.12")]


def test_phones_are_plausible_everywhere(tiny):
    """Every phone is a valid number in the country of its record."""
    rows = tiny.rows("select phone, country_code from shop__orders where phone is not null")
    numbers = [phonenumbers.parse(phone, country) for phone, country in rows]

    assert len(rows) > 500
    assert all(phonenumbers.is_valid_number(number) for number in numbers)


def test_addresses_cannot_reach_anybody(tiny):
    """Every address is under a reserved domain, or one that its provider cannot give out."""
    rows = tiny.rows(
        """select distinct lower(trim(email)) from shop__orders where email is not null
        union select distinct lower(trim(email)) from mail__subscribers"""
    )
    real = [email for (email,) in rows if not email.endswith(".example")]

    assert all(email.split("@")[1] in ("gmail.com", "gmial.com") for email in real)
    assert all("_" in email.split("@")[0] for email in real)
