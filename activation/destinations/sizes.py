"""Read how many members a platform says a target has, where it does not say which."""

from collections.abc import Mapping
from typing import Any

from activation.destinations.base import Counted, Request

_META_FIELDS = "approximate_count_lower_bound,approximate_count_upper_bound"


def meta_size(path: str) -> Request:
    """Return the request for how many members an audience has; Meta does not tell who they are."""
    return Request("audience_size", "GET", path, parameters={"fields": _META_FIELDS})


def counted_by_meta(document: Mapping[str, Any]) -> Counted:
    """Return Meta's bounds; it gives -1 for an audience it does not count (yet)."""
    least, most = (int(document[name]) for name in _META_FIELDS.split(","))
    return Counted(max(0, least), most if most >= 0 else None)


def counted_by_google(document: Mapping[str, Any]) -> Counted:
    """Return the larger of Google's counts by network; it gives none for a list it never counted.

    Both are of matched members alone, and rounded.
    """
    sizes = [int(size) for size in (document.get("sizeInfo") or {}).values()]
    return Counted(max(sizes), max(sizes)) if sizes else Counted(0, None)
