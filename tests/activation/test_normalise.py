"""Identifiers reproduce the vendors' published vectors."""

import base64

import pytest

from activation import normalise

META_VECTORS = [
    (
        normalise.email,
        "John_Smith@gmail.com",
        "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f",
    ),
    (
        lambda value: normalise.phone_digits(value, "US"),
        "(650)555-1212",
        "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176",
    ),
    (
        normalise.meta_name,
        "Mary",
        "6915771be1c5aa0c886870b6951b03d7eafc121fea0e80a5ea83beb7c449f4ec",
    ),
    (
        normalise.meta_name,
        "Valéry",
        "08e1996b5dd49e62a4b4c010d44e4345592a863bb9f8e3976219bac29417149c",
    ),
    (
        normalise.meta_name,
        "정",
        "8fa8cd9c440be61d0151429310034083132b35975c4bea67fdd74158eb51db14",
    ),
    (
        normalise.meta_name,
        "..test..",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    ),
    (
        normalise.country,
        "US",
        "79adb2a2fce5c6ba215fe5f27f532d4e7edbac4b6a5e09e1ef3a08084a904621",
    ),
]

GOOGLE_CANONICAL = [
    (
        normalise.google_email,
        "cloudy.sanfrancisco+shopping@gmail.com",
        "cloudysanfrancisco@gmail.com",
    ),
    (
        normalise.google_email,
        " Cloudy.SanFrancisco@GoogleMail.com ",
        "cloudysanfrancisco@googlemail.com",
    ),
    (normalise.google_email, "user.name+NYC@Example.com", "user.name+nyc@example.com"),
    (lambda value: normalise.phone(value, "us"), "(800)555-0100", "+18005550100"),
    (normalise.phone, "+46 70-123 45 67", "+46701234567"),
    (normalise.name, "  O'Neil ", "o'neil"),
    (normalise.google_country, " se ", "SE"),
    (normalise.postal_code, " 111 22 ", "111 22"),
]


@pytest.mark.parametrize(("rule", "value", "digest"), META_VECTORS)
def test_meta_vectors_reproduce(rule, value, digest):
    """Meta's documented examples have the documented hashes."""
    assert normalise.hashed(rule, value) == digest


@pytest.mark.parametrize(("rule", "value", "canonical"), GOOGLE_CANONICAL)
def test_google_canonical_forms_reproduce(rule, value, canonical):
    """Google's documented examples have the documented canonical form."""
    assert rule(value) == canonical


def test_google_name_vectors_reproduce():
    """Google's formatter tests publish one hash in base64 and one in hexadecimal."""
    given = bytes.fromhex(normalise.hashed(normalise.name, " Givenname "))
    family = normalise.hashed(normalise.name, "Familyname")

    assert base64.b64encode(given).decode() == "EooHv+Lfh3xSB25g13dM9bqqBGxabEja8w/0Psyi+BQ="
    assert family == "77762c287e61ce065bee5c15464012c6fbe088398b8057627d5577249430d574"


def test_meta_keeps_dots_and_suffix_of_gmail():
    """The Gmail rule is Google's alone."""
    assert normalise.email(" Ada.L+shop@Gmail.com") == "ada.l+shop@gmail.com"


def test_meta_columns_follow_their_own_rules():
    """Meta drops punctuation and spaces where Google keeps them."""
    assert normalise.meta_name(" O'Neil ") == "oneil"
    assert normalise.meta_city("Stockholm City") == "stockholmcity"
    assert normalise.meta_postal_code("94035-1234") == "94035"
    assert normalise.meta_postal_code("111 22") == "11122"
    assert normalise.phone_digits("+46 70-123 45 67") == "46701234567"


def test_hashed_input_passes_through():
    """A value that is a SHA-256 already is not hashed again."""
    digest = "a" * 64

    assert normalise.hashed(normalise.email, digest) == digest


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        (normalise.email, ""),
        (normalise.email, "   "),
        (normalise.email, "a b@c.d"),
        (normalise.email, "x@"),
        (normalise.email, "a@b@c"),
        (normalise.google_email, "+x@gmail.com"),
        (normalise.phone, "070-123 45 67"),
        (normalise.phone, "not a number"),
        (normalise.phone, "+0000000000"),
        (normalise.phone, ""),
        (normalise.name, "  "),
        (normalise.meta_name, "..."),
        (normalise.meta_city, " - "),
        (normalise.postal_code, " "),
        (normalise.meta_postal_code, " "),
        (normalise.country, "SWE"),
        (normalise.country, ""),
    ],
)
def test_unusable_values_are_refused_and_never_hashed(rule, value):
    """Nothing is guessed, and the hash of nothing is never sent."""
    with pytest.raises(normalise.Unusable):
        normalise.hashed(rule, value)
