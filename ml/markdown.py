"""Tables of a model card."""

from __future__ import annotations

import re
from typing import Any

MIDNIGHT = re.compile(r"\d{4}-\d\d-\d\dT00:00:00")


def table(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> str:
    """Return rows as a Markdown table, or 'None.'."""
    if not rows:
        return "None."
    lines = [
        " | ".join(words(column) for column in columns),
        " | ".join("---" for _ in columns),
    ]
    lines += [" | ".join(_cell(row[column]) for column in columns) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)


def words(name: object) -> str:
    """Return a name of the warehouse as words."""
    return str(name).replace("_", " ")


def _cell(value: object) -> str:
    """Return a value as short text."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4f}" if abs(value) < 100 else f"{value:,.0f}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    text = str(value)
    return text[:10] if MIDNIGHT.fullmatch(text) else text
