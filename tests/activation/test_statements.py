"""SQL is put together so that values stay values."""

import hashlib
from datetime import UTC, datetime, timedelta, timezone

import pytest

from activation.statements import canonical, column, json_object, json_text, literal, md5_sum


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (7, "7"),
        ("O'Neil", "'O''Neil'"),
        (datetime(2026, 1, 2, 3, 4, 5), "timestamp '2026-01-02 03:04:05.000000'"),
        (datetime(2026, 1, 2, 3, tzinfo=UTC), "timestamp '2026-01-02 03:00:00.000000'"),
        (
            datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=2))),
            "timestamp '2026-01-02 01:00:00.000000'",
        ),
    ],
)
def test_literals_are_quoted_and_in_utc(value, text):
    """A quote in a value never ends the value; a zone never moves a moment."""
    assert literal(value) == text


@pytest.mark.parametrize("name", ["a; drop table x", "two words", "", 'a"b', "1st"])
def test_odd_column_names_are_refused(name):
    """A column name is a name, nothing else."""
    with pytest.raises(ValueError, match="plain identifier"):
        column(name)


def test_payload_is_valid_json_whatever_the_text(world):
    """Quotes, backslashes, line breaks and other scripts survive the way through SQL."""
    import orjson

    odd = 'a "quoted" \\ back\nslash – 정 \u0001'
    expression = json_object([("name", "?")])
    ((text,),) = world.connection.execute(f"select {expression}", (odd,))

    assert orjson.loads(text) == {"name": odd}
    read = world.connection.execute(f"select {json_text('?', 'name')}", (text,))
    assert read == [(odd,)]


@pytest.mark.parametrize(
    ("value", "data_type", "expected"),
    [
        ("0.1 + 0.2", "double", "0.3"),
        ("timestamp '2026-01-02 03:04:05'", "timestamp", '"2026-01-02T03:04:05Z"'),
        ("date '2026-01-02'", "date", '"2026-01-02"'),
        ("cast(12.50 as decimal(9, 2))", "decimal(9,2)", "12.5"),
        ("true", "boolean", "true"),
        ("null", "timestamp", "null"),
    ],
)
def test_values_have_one_text(world, value, data_type, expected):
    """The same value has the same text on every run."""
    expression = json_object([("value", canonical("value", data_type))])
    ((text,),) = world.connection.execute(f"select {expression} from (select {value} as value)")

    assert text == f'{{"value":{expected}}}'


def test_digests_are_added_up_as_they_are_outside_the_engine(world):
    """The name of a plan is the same whatever spelling an engine has for half of an md5."""
    texts = ["", "a", "c1|change||abc|c1|", "정"]
    values = ", ".join(f"({literal(text)})" for text in texts)

    [(found,)] = world.connection.execute(f"select {md5_sum('x')} from (values {values}) as t (x)")

    digests = (hashlib.md5(text.encode(), usedforsecurity=False).digest() for text in texts)
    assert found == sum(int.from_bytes(digest[8:], "little") for digest in digests)
