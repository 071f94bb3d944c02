"""Ingesting and removing audience members, and the status of such requests."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

import orjson

from sandbox.platforms import members as book
from sandbox.platforms.google import schema
from sandbox.platforms.google.errors import refuse_field
from sandbox.platforms.google.people import Consents, Person, read_people
from sandbox.platforms.google_rpc import rpc_problem
from sandbox.platforms.vendor import Answer, Call, Json, timestamp

TABLES = """
create table if not exists google_requests (
    request_id text primary key, count_polls integer not null default 0,
    accepted_at text not null, statuses text not null);
"""

MAX_DESTINATIONS = 10
DENIED, UNKNOWN = "CONSENT_DENIED", "CONSENT_STATUS_UNSPECIFIED"
CONSENTED = ("CONSENT_GRANTED", "CONSENT_GRANTED")


@dataclass(frozen=True, slots=True)
class Destination:
    """A user list that a request is about, with the JSON that named it."""

    list_id: int
    named: Json


def ingest(call: Call) -> Answer:
    """Add members to user lists; members without both consents are counted and not stored."""
    document = schema.read_message(call, schema.INGEST)
    destinations = _destinations(call, document)
    terms = (document.get("termsOfService") or {}).get("customerMatchTermsOfServiceStatus")
    if terms not in ("ACCEPTED", 1):
        place = "terms_of_service.customer_match_terms_of_service_status"
        refuse_field(place, "TERMS_AND_CONDITIONS_NOT_SIGNED")
    people = read_people(document)
    if document.get("validateOnly"):
        return Answer(200, {}, rows=len(people))
    stored = [
        book.Member(person.content, person.finders, CONSENTED[0])
        for person in people
        if person.consents == CONSENTED
    ]
    for destination in destinations:
        book.add_members(call.store, destination.list_id, stored, _micros(call.now))
    status = {"audienceMembersIngestionStatus": {"userDataIngestionStatus": _counts(people)}}
    body = _accept(call, destinations, status, people, _problems(people))
    return Answer(200, body, rows=len(people), changed=bool(stored))


def _problems(people: list[Person]) -> Counter[str]:
    consents = Counter(person.consents for person in people)
    del consents[CONSENTED]
    problems: Counter[str] = Counter()
    for given, count in consents.items():
        problems[_problem(given)] += count
    return problems


def _problem(consents: Consents) -> str:
    kind = "DENIED" if DENIED in consents else "UNKNOWN" if UNKNOWN in consents else "NO"
    return f"PROCESSING_ERROR_REASON_{kind}_CONSENT"


def _counts(people: list[Person]) -> Json:
    identifiers = sum(len(person.texts) for person in people)
    return {"recordCount": str(len(people)), "userIdentifierCount": str(identifiers)}


def remove(call: Call) -> Answer:
    """Remove members, found by the strongest kind of identifier that each row has."""
    document = schema.read_message(call, schema.REMOVE)
    destinations = _destinations(call, document)
    people = read_people(document)
    if any(person.consents != (None, None) for person in people):
        refuse_field("audience_members", "INVALID_ARGUMENT", "A removal carries no consent.")
    if document.get("validateOnly"):
        return Answer(200, {}, rows=len(people))
    finders = [finder for person in people for finder in person.strongest]
    removed = sum(book.remove_members(call.store, d.list_id, finders) for d in destinations)
    status = {"audienceMembersRemovalStatus": {"userDataRemovalStatus": _counts(people)}}
    body = _accept(call, destinations, status, people, Counter())
    return Answer(200, body, rows=len(people), changed=removed > 0)


def remove_all(call: Call) -> Answer:
    """Remove every member last added before `removeAsOfTime`, or every member."""
    document = schema.read_message(call, schema.REMOVE_ALL)
    destinations = _destinations(call, document)
    limit = call.now
    if (given := document.get("removeAsOfTime")) is not None:
        limit = schema.read_time(given, "remove_as_of_time")
    if limit > call.now:
        refuse_field("remove_as_of_time", "INVALID_REMOVE_AS_OF_TIME")
    if document.get("validateOnly"):
        return Answer(200, {})
    swept = [book.sweep_members(call.store, d.list_id, _micros(limit)) for d in destinations]
    body = _accept(call, destinations, {"removeAllAudienceMembersStatus": {}}, [], Counter())
    return Answer(200, body, rows=sum(swept), changed=sum(swept) > 0)


def _micros(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond


def _destinations(call: Call, document: Json) -> list[Destination]:
    named = document.get("destinations") or []
    if not named:
        refuse_field("destinations", "REQUIRED_FIELD_MISSING")
    if len(named) > MAX_DESTINATIONS:
        refuse_field("destinations", "TOO_MANY_DESTINATIONS")
    return [_destination(call, index, one) for index, one in enumerate(named)]


def _destination(call: Call, index: int, named: Json) -> Destination:
    place = f"destinations[{index}]"
    account = named.get("operatingAccount") or {}
    if account.get("accountType") not in ("GOOGLE_ADS", 1) or not account.get("accountId"):
        refuse_field(f"{place}.operating_account", "INVALID_DESTINATION")
    list_id = named.get("productDestinationId") or ""
    owner = call.store.row("select account_id from google_user_lists where list_id = ?", (list_id,))
    if owner is None or owner[0] != account["accountId"]:
        refuse_field(f"{place}.product_destination_id", "INVALID_USER_LIST_ID")
    return Destination(int(list_id), named)


def _accept(
    call: Call, destinations: list[Destination], status: Json, people: list[Person],
    problems: Counter[str],
) -> Json:  # fmt: skip
    failed = problems.total()
    outcome = "PARTIAL_SUCCESS" if failed else "SUCCESS"
    outcome = "FAILED" if failed and failed == len(people) else outcome
    counts = [{"recordCount": str(n), "reason": r} for r, n in sorted(problems.items())]
    info = {"errorInfo": {"errorCounts": counts}} if counts else {}
    statuses = [
        {"destination": d.named, "requestStatus": outcome, **info, **status} for d in destinations
    ]
    request_id = str(uuid4())
    call.store.run(
        "insert into google_requests (request_id, accepted_at, statuses) values (?, ?, ?)",
        (request_id, timestamp(call.now), orjson.dumps(statuses).decode()),
    )
    return {"requestId": request_id}


def get_status(call: Call) -> Answer:
    """Return the status per destination: first unknown (404), then PROCESSING, then final."""
    request_id = call.query.get("requestId", "")
    row = call.store.row(
        "update google_requests set count_polls = count_polls + 1 where request_id = ?"
        " returning count_polls, statuses",
        (request_id,),
    )
    waiting = call.settings.polls
    if row is None or row[0] <= waiting:
        return rpc_problem(404, "Requested entity was not found.")
    statuses = orjson.loads(row[1])
    if row[0] <= 2 * waiting:
        statuses = [
            {"destination": s["destination"], "requestStatus": "PROCESSING"} for s in statuses
        ]
    return Answer(200, {"requestStatusPerDestination": statuses}, rows=len(statuses))
