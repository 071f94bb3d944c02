"""Tables of a model card."""

from __future__ import annotations

from typing import Any


def table(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> str:
    """Return rows as a Markdown table, or 'None.'."""
    if not rows:
        return "None."
    lines = [" | ".join(columns), " | ".join("---" for _ in columns)]
    lines += [" | ".join(_cell(row[column]) for column in columns) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)


def _cell(value: object) -> str:
    """Return a value as short text."""
    if value is None:
        return "-"
    return f"{value:.4f}" if isinstance(value, float) else str(value)
