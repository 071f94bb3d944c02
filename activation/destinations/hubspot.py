"""Keep HubSpot's static lists in step: contacts by batch upsert and membership, never consent.

Not established: whether an upsert answers 207 for every account (200, 207 and a 400 for the whole
batch are all read), and that a contact found by a second address of its own is put on the list.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import orjson

from activation import normalise
from activation.destinations.answers import (
    apart,
    common_outcome,
    pack,
    place,
    read_answer,
    refused_request,
    wait_seconds,
)
from activation.destinations.base import (
    Batch,
    FollowUp,
    Narrow,
    Outcome,
    Prepared,
    Request,
    Response,
    Retry,
    Settled,
    Stop,
    Target,
)
from activation.destinations.capabilities import BatchLimits, Capabilities, Rate, Surface
from activation.destinations.hubspot_answers import (
    found_contacts,
    lacks_properties,
    written_contacts,
)
from activation.destinations.hubspot_contacts import (
    IDENTITIES,
    INPUTS,
    PROPERTY,
    RESERVED,
    STANDARD,
    address,
    blamed,
    code_of,
    erasures,
    inputs,
    property_names,
    unknown_properties,
)
from activation.destinations.hubspot_lists import (
    READ,
    changed_members,
    find_list,
    found_list,
    list_members,
    listed_contacts,
    listed_records,
    make_list,
    named_anew,
)
from activation.errors import PlatformBusy, TargetMissing

_TOKEN = "REGULARS_HUBSPOT_ACCESS_TOKEN"  # noqa: S105 - the name of a variable, not a secret
_PASSING = (423, 477)


@dataclass(frozen=True)
class HubspotSettings:
    """Where and as whom to talk to HubSpot."""

    ENVIRONMENT: ClassVar[Mapping[str, str]] = {
        "access_token": "REGULARS_HUBSPOT_ACCESS_TOKEN",
        "base_url": "REGULARS_HUBSPOT_BASE_URL",
    }
    REQUIRED: ClassVar[tuple[str, ...]] = ("access_token",)

    access_token: str = field(default="", repr=False)
    base_url: str = "https://api.hubapi.com"


@dataclass(frozen=True)
class Hubspot:
    """HubSpot's contacts and static lists (v3).

    A list takes record ids only: those of an upsert come with its answer, those of a removal are
    looked up. The rate is half of the account's 100 requests in ten seconds, because two kinds of
    requests go out at a time.
    """

    settings: HubspotSettings
    capabilities: ClassVar[Capabilities] = Capabilities(
        name="hubspot",
        surfaces={"list": Surface("membership")},
        fields=frozenset({"email", *STANDARD}),
        field_prefix=PROPERTY,
        reserved=RESERVED,
        identities=IDENTITIES,
        addresses={"email": "email", "phone": "phone"},
        batch=BatchLimits(upsert_rows=INPUTS, removal_rows=INPUTS),
        rate=Rate(burst_per_second=5, steady_per_minute=300),
        follow_ups={"upsert_contacts": ("add_members",), "find_contacts": ("remove_members",)},
        normaliser="hubspot/1",
        erases=True,
    )

    @property
    def base_url(self) -> str:
        """Return the address every path is appended to."""
        return self.settings.base_url

    @property
    def account(self) -> str:
        """Return the host; a HubSpot token belongs to one account."""
        return place(self.settings.base_url)

    def headers(self) -> Mapping[str, str]:
        """Return the credentials."""
        return {"authorization": f"Bearer {self.settings.access_token}"}

    def parameters(self) -> Mapping[str, str]:
        """Return nothing: no query parameter is on every request."""
        return {}

    def target(self, name: str) -> Request:
        """Find the list by its name; `classify` makes it when there is none."""
        return find_list(name)

    members = staticmethod(list_members)

    def requests(self, batch: Batch) -> Prepared:
        """Write contacts, or look up those to take off the list."""
        return _upserts(batch) if batch.operation == "upsert" else _lookups(batch)

    def classify(self, request: Request, response: Response) -> Outcome:
        """Say what an answer of HubSpot means for the rows of its request."""
        waits = _waits(response)
        outcome = waits or common_outcome("hubspot", _TOKEN, request, response)
        if outcome is not None:
            return outcome
        return read_answer("hubspot", request, response, lambda: _read(request, response))


def _waits(response: Response) -> Outcome | None:
    """Read what HubSpot says of waiting: the window's length instead of Retry-After."""
    if response.status in _PASSING:
        return Retry(f"http_{response.status}", wait_seconds(response))
    if response.status != 429 or wait_seconds(response) is not None:
        return None
    if (response.document() or {}).get("policyName") == "DAILY":
        msg = "hubspot: the account's requests of today are used up. Run the sync again tomorrow."
        return Stop(PlatformBusy(msg))
    interval = wait_seconds(response, "x-hubspot-ratelimit-interval-milliseconds")
    return Retry("http_429", None if interval is None else interval / 1000)


def _upserts(batch: Batch) -> Prepared:
    invalid: dict[int, str] = {}
    found = list(inputs(batch.rows, invalid))
    emails = {number: email for email, (number, _) in found}
    context = (batch.target.identifier, property_names(batch))
    most_bytes = Hubspot.capabilities.batch.request_bytes - 1_000
    requests = tuple(
        Request(
            "upsert_contacts",
            "POST",
            "/crm/v3/objects/contacts/batch/upsert",
            rows,
            body=orjson.dumps({"inputs": [orjson.Fragment(one) for one in encoded]}),
            context=context,
            recall={emails[number]: (number,) for number in rows},
        )
        for part in apart(found)
        for rows, encoded in pack(part, INPUTS, most_bytes)
    )
    return Prepared(requests, invalid)


def _lookups(batch: Batch) -> Prepared:
    wanted: dict[str, list[int]] = {}
    settled, invalid = [], {}
    for row in batch.rows:
        if "email" not in row.stale:
            settled.append(row.number)
            continue
        try:
            wanted.setdefault(address(row), []).append(row.number)
        except normalise.Unusable as unusable:
            invalid[row.number] = unusable.code
    if batch.is_erasure:
        return Prepared(tuple(erasures(wanted)), invalid, tuple(settled))
    emails = list(wanted)
    parts = [emails[start : start + INPUTS] for start in range(0, len(emails), INPUTS)]
    requests = tuple(_lookup(batch.target, {email: wanted[email] for email in p}) for p in parts)
    return Prepared(requests, invalid, tuple(settled))


def _lookup(target: Target, wanted: Mapping[str, list[int]]) -> Request:
    body = {
        "inputs": [{"id": email} for email in wanted],
        "idProperty": "email",
        "properties": ["email", "hs_additional_emails"],
        "propertiesWithHistory": [],
    }
    rows = tuple(number for numbers in wanted.values() for number in numbers)
    return Request(
        "find_contacts",
        "POST",
        READ,
        rows,
        body=orjson.dumps(body),
        context=(target.identifier, ()),
        recall=wanted,
    )


def _read(request: Request, response: Response) -> Outcome:
    if response.status >= 400:
        return _refusal(request, response)
    document = response.document() or {}
    match request.step:
        case "find_list":
            return found_list(request.context[0], document["list"])
        case "make_list":
            return found_list(request.context, document["list"])
        case "list_members":
            return listed_records(request, document)
        case "member_contacts":
            return listed_contacts(request, document)
        case "upsert_contacts":
            return written_contacts(request, document)
        case "find_contacts":
            return found_contacts(request, document)
        case "erase_contact":
            return Settled(delivered=request.rows)
        case _:
            return changed_members(request, document)


def _refusal(request: Request, response: Response) -> Outcome:
    document, status = response.document(), response.status
    if request.step == "find_list" and status == 404:
        name, was_refused = request.context
        if not was_refused:
            return FollowUp((make_list(name),))
    if request.step == "make_list" and status in (400, 409):
        return named_anew(request)
    if request.step == "erase_contact" and status == 404 and document:
        return Settled(delivered=request.rows)
    if request.step in ("add_members", "remove_members") and status == 404 and document:
        msg = "hubspot: the list no longer exists. The next run makes it anew and fills it."
        return Stop(TargetMissing(msg))
    if not request.rows:
        return refused_request("hubspot", request, status)
    if document is None or request.step != "upsert_contacts":
        return Narrow(f"http_{status}")
    missing = unknown_properties(request, [document])
    if missing is not None:
        return lacks_properties(missing)
    code = code_of(document, f"http_{status}")
    return Narrow(code, dict.fromkeys(blamed(request, document), code))
