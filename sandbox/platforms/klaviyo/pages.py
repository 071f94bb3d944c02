"""Filters, page sizes and cursors of Klaviyo's collections."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote

from sandbox.platforms.klaviyo.errors import refuse_parameter
from sandbox.platforms.vendor import Call, Json, parse_json

MAX_FILTER_VALUES = 100
_FILTER = re.compile(r"(any|equals)\((\w+),\s*(.+)\)", re.DOTALL)


def read_filter(call: Call, allowed: Sequence[str]) -> tuple[str, list[str]] | None:
    """Return the field and the texts that the `filter` parameter asks for, or None without one."""
    text = call.query.get("filter")
    if text is None:
        return None
    match = _FILTER.fullmatch(text.strip())
    if match is None or match[2] not in allowed:
        names = ", ".join(allowed)
        refuse_parameter("filter", f"The sandbox reads any() and equals() of: {names}.")
    values = parse_json(match[3].encode())
    texts = [values] if match[1] == "equals" else values
    if not isinstance(texts, list) or not all(isinstance(value, str) for value in texts):
        refuse_parameter("filter", "The values of a filter must be quoted texts.")
    if not 0 < len(texts) <= MAX_FILTER_VALUES:
        refuse_parameter("filter", f"A filter takes 1 to {MAX_FILTER_VALUES} values.")
    return match[2], texts


def read_page(call: Call, usual: int, largest: int) -> tuple[int, int]:
    """Return the page size and the number after which the page begins."""
    size = call.query.get("page[size]", str(usual))
    cursor = call.query.get("page[cursor]", "0")
    if not size.isdigit() or not 1 <= int(size) <= largest:
        refuse_parameter("page[size]", f"Page size must be between 1 and {largest}.")
    if not cursor.isdigit():
        refuse_parameter("page[cursor]", "The cursor is invalid.")
    return int(size), int(cursor)


def collection(call: Call, path: str, found: list[tuple[int, Json]], size: int) -> Json:
    """Return one page of (number, resource); one more than a page means that another follows."""
    following = None
    if len(found) > size:
        query = {**call.query, "page[cursor]": str(found[size - 1][0])}
        pairs = "&".join(f"{quote(name)}={quote(value)}" for name, value in query.items())
        following = f"{call.base_url}{path}?{pairs}"
    links = {"self": f"{call.base_url}{path}", "next": following, "prev": None}
    return {"data": [resource for _, resource in found[:size]], "links": links}
