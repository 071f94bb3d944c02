"""Ask Klaviyo who is on a list."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from activation.destinations.base import Listed, Request, Target
from activation.destinations.layout import Layout

_IDENTIFIERS = ("email", "phone_number", "external_id")


def list_members(target: Target, layout: Layout) -> Request:
    """Return the request for the first hundred profiles of a list."""
    wanted = {"fields[profile]": ",".join(_IDENTIFIERS), "page[size]": "100"}
    path = f"/api/lists/{target.identifier}/profiles"
    return Request("list_members", "GET", path, parameters=wanted)


def listed_members(request: Request, document: Mapping[str, Any]) -> Listed:
    """Read one page of profiles, and how to ask for the next one."""
    members = tuple(
        {name: value for name in _IDENTIFIERS if (value := profile["attributes"].get(name))}
        for profile in document["data"]
    )
    following = (document.get("links") or {}).get("next")
    if not following:
        return Listed(members)
    cursor = dict(parse_qsl(urlsplit(following).query))
    return Listed(members, replace(request, parameters=cursor))
