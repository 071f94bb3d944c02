"""Take e-mail addresses off a list at Brevo."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import orjson

from activation import normalise
from activation.destinations.base import Batch, Prepared, Request, Settled, Target

EMAILS = 150
"""The most one removal may name."""


def removals(batch: Batch) -> Prepared:
    """Return the requests that take a batch off the list, each address once."""
    wanted: dict[str, list[int]] = {}
    settled, invalid = [], {}
    for row in batch.rows:
        if "email" not in row.stale:
            settled.append(row.number)
            continue
        try:
            email = normalise.email(str(row.values.get("email") or ""))
        except normalise.Unusable as unusable:
            invalid[row.number] = unusable.code
            continue
        wanted.setdefault(email, []).append(row.number)
    if batch.is_erasure:
        return Prepared(tuple(_erasures(wanted)), invalid, tuple(settled))
    emails = list(wanted)
    requests = tuple(
        _removal(batch.target, {email: wanted[email] for email in emails[start : start + EMAILS]})
        for start in range(0, len(emails), EMAILS)
    )
    return Prepared(requests, invalid, tuple(settled))


def _removal(target: Target, wanted: Mapping[str, list[int]]) -> Request:
    return Request(
        "remove_contacts",
        "POST",
        f"/v3/contacts/lists/{target.identifier}/contacts/remove",
        tuple(number for numbers in wanted.values() for number in numbers),
        body=orjson.dumps({"emails": list(wanted)}),
        context=target.identifier,
        recall=wanted,
    )


def _erasures(wanted: Mapping[str, list[int]]) -> Iterator[Request]:
    """Yield what deletes each contact for good, known by its address."""
    for email, rows in wanted.items():
        path = f"/v3/contacts/{quote(email, safe='')}"
        yield Request("erase_contact", "DELETE", path, tuple(rows))


def removed(request: Request, answered: Mapping[str, Any]) -> Settled:
    """Count who was taken off, and who was not on the list; the rest got no answer."""
    told = {str(email).lower() for email in answered.get("success") or []}
    told |= {str(email).lower() for email in answered.get("failure") or []}
    unknown: dict[int, str] = {}
    for email, numbers in request.recall.items():
        if email not in told:
            unknown |= dict.fromkeys(numbers, "not_answered")
    done = tuple(number for number in request.rows if number not in unknown)
    return Settled(done, unknown=unknown)
