"""Read what HubSpot answers about a batch of contacts, and go on with their membership."""

from collections.abc import Mapping
from typing import Any

from activation.destinations.base import FollowUp, Outcome, Request, Settled, Stop
from activation.destinations.hubspot_contacts import code_of, named, unknown_properties
from activation.destinations.hubspot_lists import change_members
from activation.errors import PlatformRefused

_NOT_FOUND = "OBJECT_NOT_FOUND"


def written_contacts(request: Request, document: Mapping[str, Any]) -> Outcome:
    """Put the written contacts on the list; name the others by what went wrong."""
    records: dict[str, list[int]] = {}
    errors = document.get("errors") or []
    missing = unknown_properties(request, errors)
    if missing is not None:
        return lacks_properties(missing)
    for result in document["results"]:
        for number in _row_of(request, result):
            records.setdefault(str(result["id"]), []).append(number)
    written = {number for numbers in records.values() for number in numbers}
    rejected = {
        number: code_of(error, "error")
        for error in errors
        for number in named(request, error)
        if number not in written
    }
    left = (n for n in request.rows if n not in written and n not in rejected)
    settled = Settled(rejected=rejected, unknown=dict.fromkeys(left, "not_answered"))
    if not records:
        return settled
    added = change_members(request.context[0], records, is_removal=False)
    return FollowUp((added,), settled)


def _row_of(request: Request, result: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the row a result is of: by its trace, or else by its address."""
    trace = str(result.get("objectWriteTraceId") or "")
    by_trace = tuple(number for number in request.rows if str(number) == trace)
    email = str((result.get("properties") or {}).get("email") or "").lower()
    return by_trace or tuple(request.recall.get(email, ()))


def found_contacts(request: Request, document: Mapping[str, Any]) -> Outcome:
    """Take the contacts found off the list; whom HubSpot does not have is on none."""
    records: dict[str, list[int]] = {}
    for result in document["results"]:
        properties = result.get("properties") or {}
        emails = [
            properties.get("email"),
            *(properties.get("hs_additional_emails") or "").split(";"),
        ]
        for email in filter(None, emails):
            for number in request.recall.get(str(email).strip().lower(), ()):
                records.setdefault(str(result["id"]), []).append(number)
    found = {number for numbers in records.values() for number in numbers}
    left = tuple(number for number in request.rows if number not in found)
    errors = document.get("errors") or []
    is_sure = all(error.get("category") == _NOT_FOUND for error in errors)
    unknown = {} if is_sure else dict.fromkeys(left, "lookup_failed")
    settled = Settled(left if is_sure else (), unknown=unknown)
    if not records:
        return settled
    return FollowUp((change_members(request.context[0], records, is_removal=True),), settled)


def lacks_properties(names: list[str]) -> Stop:
    """Return the end of a run that sends what the account has no place for."""
    which = ", ".join(names) or "that a column is sent to"
    msg = (
        f"hubspot has no contact property {which}. Create it in HubSpot, or take the column out of "
        "the sync model."
    )
    return Stop(PlatformRefused(msg))
