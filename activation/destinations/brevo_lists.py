"""Find or make a list at Brevo, and ask who is on it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from activation.destinations.base import FollowUp, Found, Listed, Outcome, Request, Target
from activation.destinations.layout import Layout

FOLDER = "regulars"
_LISTS = "/v3/contacts/lists"
_FOLDERS = "/v3/contacts/folders"
_PAGE, _MEMBERS = 50, 500


def find_list(name: str) -> Request:
    """Return the request for the first page of lists, oldest first."""
    return Request("find_list", "GET", _LISTS, parameters=_page(0), context=name)


def found_or_folder(request: Request, document: Mapping[str, Any]) -> Outcome:
    """Take the list of this name, or look on; a new list needs a folder."""
    lists = document.get("lists") or []
    for found in lists:
        if found["name"] == request.context:
            return Found(Target(str(int(found["id"])), request.context))
    return FollowUp((_next_page(request, lists, int(document["count"])) or _find_folder(request),))


def made_folder(request: Request, document: Mapping[str, Any]) -> Outcome:
    """Make the list in our folder; make the folder when there is none."""
    if request.step == "make_folder":
        return FollowUp((_make_list(request, int(document["id"])),))
    folders = document.get("folders") or []
    for found in folders:
        if found["name"] == FOLDER:
            return FollowUp((_make_list(request, int(found["id"])),))
    following = _next_page(request, folders, int(document["count"]))
    body = orjson.dumps({"name": FOLDER})
    made = Request("make_folder", "POST", _FOLDERS, body=body, context=request.context)
    return FollowUp((following or made,))


def _find_folder(request: Request) -> Request:
    return Request("find_folder", "GET", _FOLDERS, parameters=_page(0), context=request.context)


def _make_list(request: Request, folder: int) -> Request:
    body = orjson.dumps({"name": request.context, "folderId": folder})
    return Request("make_list", "POST", _LISTS, body=body, context=request.context)


def _page(offset: int, limit: int = _PAGE) -> dict[str, str]:
    return {"limit": str(limit), "offset": str(offset), "sort": "asc"}


def _next_page(request: Request, found: list[Any], count: int) -> Request | None:
    """Return the request for the page after this one; None when this was the last."""
    after = int(request.parameters["offset"]) + len(found)
    if not found or after >= count:
        return None
    return replace(request, parameters={**request.parameters, "offset": str(after)})


def list_members(target: Target, layout: Layout) -> Request:
    """Return the request for the first contacts of a list."""
    path = f"{_LISTS}/{target.identifier}/contacts"
    return Request("list_members", "GET", path, parameters=_page(0, _MEMBERS))


def listed_members(request: Request, document: Mapping[str, Any]) -> Listed:
    """Read one page of contacts, and how to ask for the next one."""
    found = document.get("contacts") or []
    members = tuple({"email": str(contact["email"])} for contact in found if contact.get("email"))
    return Listed(members, _next_page(request, found, int(document["count"])))
