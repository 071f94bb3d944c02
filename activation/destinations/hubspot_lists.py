"""Find or make a static list at HubSpot, change who is on it, and ask who is."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

import orjson

from activation.destinations.base import (
    FollowUp,
    Found,
    Listed,
    Outcome,
    Request,
    Settled,
    Stop,
    Target,
)
from activation.destinations.hubspot_contacts import INPUTS
from activation.destinations.layout import Layout
from activation.errors import PlatformRefused

CONTACTS = "0-1"
LISTS = "/crm/v3/lists"
READ = "/crm/v3/objects/contacts/batch/read"
_CHANGED = {"recordIdsMissing", "recordIdsRemoved", "recordsIdsAdded"}


def find_list(name: str, *, was_refused: bool = False) -> Request:
    """Ask for the list of this name; `was_refused` says that making it has failed already."""
    path = f"{LISTS}/object-type-id/{CONTACTS}/name/{quote(name, safe='')}"
    return Request("find_list", "GET", path, context=(name, was_refused))


def make_list(name: str) -> Request:
    """Make a static list of contacts."""
    body = {"name": name, "objectTypeId": CONTACTS, "processingType": "MANUAL"}
    return Request("make_list", "POST", LISTS, body=orjson.dumps(body), context=name)


def found_list(name: str, found: Mapping[str, Any]) -> Outcome:
    """Take a list whose members can be set; one that HubSpot fills by itself is refused."""
    if found["processingType"] == "DYNAMIC":
        msg = (
            f"hubspot: the list {name} is filled by HubSpot's own filters. Give the sync another "
            "target, or make the list a static one."
        )
        return Stop(PlatformRefused(msg))
    return Found(Target(str(int(found["listId"])), name))


def change_members(
    list_id: str, records: Mapping[str, Iterable[int]], *, is_removal: bool
) -> Request:
    """Put records on a list or take them off; `records` are their rows by record id."""
    ids = list(records)
    body = {
        "recordIdsToAdd": [] if is_removal else ids,
        "recordIdsToRemove": ids if is_removal else [],
    }
    return Request(
        "remove_members" if is_removal else "add_members",
        "PUT",
        f"{LISTS}/{list_id}/memberships/add-and-remove",
        tuple(dict.fromkeys(number for numbers in records.values() for number in numbers)),
        body=orjson.dumps(body),
        recall=records,
    )


def changed_members(request: Request, document: Mapping[str, Any]) -> Settled:
    """Count who is on the list, or off it; a record that vanished meanwhile cannot be on it."""
    if not _CHANGED & document.keys():
        raise KeyError("recordIdsMissing")
    missing = {str(record) for record in document.get("recordIdsMissing") or []}
    if request.step == "remove_members":
        return Settled(request.rows)
    lost = {
        number: "record_missing"
        for record, numbers in request.recall.items()
        if record in missing
        for number in numbers
    }
    return Settled(tuple(n for n in request.rows if n not in lost), unknown=lost)


def list_members(target: Target, layout: Layout) -> Request:
    """Return the request for the first record ids of a list."""
    path = f"{LISTS}/{target.identifier}/memberships"
    return Request("list_members", "GET", path, parameters={"limit": str(INPUTS)})


def listed_records(request: Request, document: Mapping[str, Any]) -> Listed:
    """Ask for the addresses of one page of records."""
    records = [{"id": str(found["recordId"])} for found in document["results"]]
    after = ((document.get("paging") or {}).get("next") or {}).get("after")
    following = None
    if after:
        page = {**request.parameters, "after": str(after)}
        following = Request("list_members", "GET", request.path, parameters=page)
    if not records:
        return Listed((), following)
    body = orjson.dumps({"inputs": records, "properties": ["email"], "propertiesWithHistory": []})
    return Listed((), Request("member_contacts", "POST", READ, body=body, context=following))


def listed_contacts(request: Request, document: Mapping[str, Any]) -> Listed:
    """Return the addresses of one page, and how to ask for the next one."""
    emails = [(found.get("properties") or {}).get("email") for found in document["results"]]
    return Listed(tuple({"email": str(email)} for email in emails if email), request.context)


def named_anew(request: Request) -> FollowUp:
    """Look again for a list that could not be made: an answer to its making may have been lost."""
    return FollowUp((find_list(request.context, was_refused=True),))
