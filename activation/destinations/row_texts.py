"""Write in SQL the JSON that a destination sends of a row; DuckDB's spelling is given."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDE = ("decimal", "numeric", "hugeint", "uhugeint")
"""Types whose numbers may have more digits than a 64-bit float keeps."""


@dataclass(frozen=True)
class RowText:
    """The SQL expression for a row as it stands in a request.

    It is made of a plan's columns `payload`, `row_key` and `version`, and of `value_of` the fields
    that are read out of the payload at once. It is null for a row that Python has to make.
    """

    text: str
    fields: tuple[str, ...] = ()

    @property
    def values(self) -> str:
        """Return the expression for the JSON values of the fields, as a list."""
        paths = ", ".join(f"'$.{name}'" for name in self.fields)
        return f"json_extract(payload, [{paths}])" if self.fields else "null"


def value_of(name: str, fields: Sequence[str]) -> str:
    """Return the expression for the JSON text of one of the fields; null when it is absent."""
    return f"cast(field_values[{list(fields).index(name) + 1}] as varchar)"


def joined(*texts: str) -> str:
    """Write texts one after another, none of them null; `||` would copy the first ones each time.

    Whether a null is left out or makes everything null differs between engines.
    """
    return f"concat({', '.join(texts)})"


def json_string(expression: str) -> str:
    """Write a text that `is_plain` as a JSON string."""
    return f"""('"' || {expression} || '"')"""


def is_plain(expression: str) -> str:
    """Say of a text that it is not empty and stands in a JSON string as it is.

    Others are left to Python: control characters are spelled in one way or another.
    """
    return (
        f"({expression} <> ''"
        f" and cast(to_json({expression}) as varchar) = {json_string(expression)})"
    )
