"""Build the few SQL expressions whose spelling differs between engines; DuckDB's is given here."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FLOATS = ("double", "float", "real")

PLACE = "rowid"
"""The column that an engine has of itself for the place of a row in its table."""


def render(template: str, **parts: object) -> str:
    """Fill a statement's placeholders with expressions made in this module."""
    return template.format_map(parts)


def literal(value: str | int | datetime | None) -> str:
    """Write a Python value as a SQL literal."""
    if value is None:
        return "null"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, datetime):
        value = value.astimezone(UTC) if value.tzinfo else value
        return f"timestamp '{value:%Y-%m-%d %H:%M:%S.%f}'"
    return "'" + value.replace("'", "''") + "'"


def literals(values: Iterable[str]) -> str:
    """Write several strings as the inside of an `in (...)` list."""
    return ", ".join(map(literal, values))


def column(name: str) -> str:
    """Return a name fit to stand unquoted in a statement; raise ValueError when it is not."""
    if not _NAME.fullmatch(name):
        msg = f"Column name {name!r} is not a plain identifier. Rename it in the sync model."
        raise ValueError(msg)
    return name


def canonical(value: str, data_type: str) -> str:
    """Give a column one text on every run: floats to nine decimals, times in ISO 8601 and UTC.

    A float that is no number is null.
    """
    kind = data_type.lower()
    if kind.startswith(_FLOATS):
        return f"case when isfinite({column(value)}) then round({column(value)}, 9) end"
    if kind.startswith(("timestamp", "datetime")):
        # With a zone, the text would depend on the session's.
        has_zone = ("zone" in kind and "without" not in kind) or kind.endswith("tz")
        moment = f"timezone('UTC', {column(value)})" if has_zone else column(value)
        return f"replace(cast({moment} as varchar), ' ', 'T') || 'Z'"
    if kind == "date":
        return f"cast({column(value)} as varchar)"
    return column(value)


def json_object(fields: Sequence[tuple[str, str]]) -> str:
    """Make a JSON text out of (key, expression) pairs, in their order, nulls included."""
    pairs = ", ".join(f"{literal(key)}, {expression}" for key, expression in fields)
    return f"cast(json_object({pairs}) as varchar)"


def json_text(document: str, key: str) -> str:
    """Read one text field out of a JSON text; null when absent."""
    return f"json_extract_string({document}, '$.{column(key)}')"


def sha256_hex(expression: str) -> str:
    """Hash a text to 64 hexadecimal characters."""
    return f"sha256({expression})"


def md5_hex(expression: str) -> str:
    """Hash a text to 32 hexadecimal characters."""
    return f"md5({expression})"


def without_gmail_variants(expression: str) -> str:
    """Drop dots and suffix of a Gmail address, as Google does before it compares."""
    user, domain = f"split_part({expression}, '@', 1)", f"split_part({expression}, '@', 2)"
    return (
        f"case when {domain} in ('gmail.com', 'googlemail.com')"
        f" then replace(split_part({user}, '+', 1), '.', '') || '@' || {domain}"
        f" else {expression} end"
    )


def md5_sum(expression: str) -> str:
    """Add up the latter 64 bits of the md5 of a text over all rows, whatever their order."""
    return f"sum(cast(md5_number({expression}) >> 64 as ubigint))"
