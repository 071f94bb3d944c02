"""Google's Data Manager API v1: user lists, ingesting and removing members, request status."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn
from uuid import uuid4

import orjson

from sandbox.platforms import google_schema as schema
from sandbox.platforms import members as book
from sandbox.platforms.google_rpc import require_bearer, rpc_problem
from sandbox.platforms.state import Store
from sandbox.platforms.vendor import (
    Answer, Call, Endpoint, Json, Refusal, Vendor, parse_json, timestamp,
)  # fmt: skip
from sandbox.platforms.windows import Limit, Verdict

TABLES = """
create table if not exists google_user_lists (
    list_id integer primary key autoincrement, account_id text not null,
    display_name text not null, resource text not null);
create table if not exists google_requests (
    request_id text primary key, count_polls integer not null default 0,
    accepted_at text not null, statuses text not null);
"""

FIRST_LIST_ID = 8_000_000_001
WRITES = (Limit(300, 60), Limit(100_000, 86_400))
READS = (Limit(300, 60),)
LISTS = (Limit(300, 60), Limit(50_000, 86_400))
MAX_PAGE = 1_000
USUAL_PAGE = 50
GRANTED, DENIED = "CONSENT_GRANTED", "CONSENT_DENIED"
_ERROR = "type.googleapis.com/google.rpc."
_NAME_FILTER = re.compile(r'(?:display_name|displayName)\s*=\s*("(?:[^"\\]|\\.)*")')
_DURATION = re.compile(r"(\d+)(?:\.0+)?s")


def refuse(status: int, reason: str, message: str, violations: list[Json] | None = None) -> NoReturn:
    """Raise the error body of the Data Manager API, with a request id and its violations."""
    request_id = str(uuid4())
    details: list[Json] = [
        {"@type": _ERROR + "ErrorInfo", "reason": reason, "domain": "datamanager.googleapis.com",
         "metadata": {"requestId": request_id}},
        {"@type": _ERROR + "RequestInfo", "requestId": request_id},
    ]  # fmt: skip
    if violations:
        details.append({"@type": _ERROR + "BadRequest", "fieldViolations": violations})
    raise Refusal(rpc_problem(status, message, details))


def refuse_fields(violations: list[Json]) -> NoReturn:
    """Raise 400 INVALID_ARGUMENT; the whole request is rejected, nothing is stored."""
    refuse(400, "INVALID_ARGUMENT", "There was a problem with the request.", violations)


def throttled(verdict: Verdict) -> Answer:
    """Return 429 RESOURCE_EXHAUSTED; Google sends no rate headers."""
    metadata = {"quota_limit": "RequestsPerMinutePerProject", "service": "datamanager.googleapis.com"}
    detail = {"@type": _ERROR + "ErrorInfo", "reason": "RATE_LIMIT_EXCEEDED",
              "domain": "googleapis.com", "metadata": metadata}  # fmt: skip
    return rpc_problem(429, "Quota exceeded for quota metric 'Requests'.", [detail])


def _document(call: Call, message: dict[str, Any]) -> Json:
    document = parse_json(call.body)
    if not isinstance(document, dict):
        raise Refusal(rpc_problem(400, "Invalid JSON payload received."))
    schema.check_message(document, message)
    return document


@dataclass(frozen=True, slots=True)
class Destination:
    """A user list that a request is about, with the JSON that named it."""

    list_id: int
    named: Json

    @property
    def audience(self) -> str:
        """Return the name of its members in the book."""
        return f"google:{self.list_id}"


def _destinations(call: Call, document: Json) -> list[Destination]:
    named = document.get("destinations") or []
    if not named:
        refuse_fields([schema.violation("destinations", "REQUIRED_FIELD_MISSING")])
    if len(named) > schema.MAX_DESTINATIONS:
        refuse_fields([schema.violation("destinations", "TOO_MANY_DESTINATIONS")])
    return [_destination(call, index, one) for index, one in enumerate(named)]


def _destination(call: Call, index: int, named: Json) -> Destination:
    place = f"destinations[{index}]"
    account = named.get("operatingAccount") or {}
    if account.get("accountType") not in ("GOOGLE_ADS", 1) or not account.get("accountId"):
        refuse_fields([schema.violation(f"{place}.operating_account", "INVALID_DESTINATION")])
    list_id = str(named.get("productDestinationId", ""))
    row = call.store.row(
        "select account_id from google_user_lists where list_id = ?", (list_id,)
    )
    if row is None or row[0] != account["accountId"]:
        place = f"{place}.product_destination_id"
        refuse_fields([schema.violation(place, "INVALID_USER_LIST_ID")])
    return Destination(int(list_id), named)


def ingest(call: Call) -> Answer:
    """Add members to user lists; one invalid member rejects the whole request."""
    document = _document(call, schema.INGEST)
    destinations = _destinations(call, document)
    terms = (document.get("termsOfService") or {}).get("customerMatchTermsOfServiceStatus")
    if terms not in ("ACCEPTED", 1):
        place = "terms_of_service.customer_match_terms_of_service_status"
        refuse_fields([schema.violation(place, "TERMS_AND_CONDITIONS_NOT_SIGNED")])
    people = schema.read_people(document, with_consent=True)
    if document.get("validateOnly"):
        return Answer(200, {}, rows=len(people))
    kept = [person for person in people if _consent_problem(person) is None]
    problems = Counter(reason for p in people if (reason := _consent_problem(p)))
    stored = [
        book.Member(
            "\n".join(person.identifiers),
            person.identifiers,
            {"identifiers": person.identifiers, "ad_user_data": person.ad_user_data,
             "ad_personalization": person.ad_personalization},
        )
        for person in kept
    ]  # fmt: skip
    for destination in destinations:
        book.add_members(call.store, destination.audience, stored, _micros(call.now))
    identifiers = sum(len(person.identifiers) for person in people)
    counts = {"recordCount": str(len(people)), "userIdentifierCount": str(identifiers)}
    status = {"audienceMembersIngestionStatus": {"userDataIngestionStatus": counts}}
    body = _accept(call, destinations, status, problems, len(people))
    return Answer(200, body, rows=len(people), changed=bool(kept))


def _consent_problem(person: schema.Person) -> str | None:
    consents = (person.ad_user_data, person.ad_personalization)
    if DENIED in consents:
        return "PROCESSING_ERROR_REASON_DENIED_CONSENT"
    if consents == (GRANTED, GRANTED):
        return None
    unknown = "CONSENT_STATUS_UNSPECIFIED" in consents
    return f"PROCESSING_ERROR_REASON_{'UNKNOWN' if unknown else 'NO'}_CONSENT"


def remove(call: Call) -> Answer:
    """Remove members, found by the strongest kind of identifier that each row has."""
    document = _document(call, schema.REMOVE)
    destinations = _destinations(call, document)
    people = schema.read_people(document, with_consent=False)
    if document.get("validateOnly"):
        return Answer(200, {}, rows=len(people))
    wanted = [identifier for person in people for identifier in person.strongest()]
    removed = sum(book.remove_members(call.store, d.audience, wanted) for d in destinations)
    identifiers = sum(len(person.identifiers) for person in people)
    counts = {"recordCount": str(len(people)), "userIdentifierCount": str(identifiers)}
    status = {"audienceMembersRemovalStatus": {"userDataRemovalStatus": counts}}
    body = _accept(call, destinations, status, Counter(), len(people))
    return Answer(200, body, rows=len(people), changed=removed > 0)


def remove_all(call: Call) -> Answer:
    """Remove every member last added before `removeAsOfTime`, or every member."""
    document = _document(call, schema.REMOVE_ALL)
    destinations = _destinations(call, document)
    limit = _micros(call.now)
    if (given := document.get("removeAsOfTime")) is not None:
        moment = schema.read_time(given, "remove_as_of_time")
        if moment > call.now:
            refuse_fields([schema.violation("remove_as_of_time", "INVALID_REMOVE_AS_OF_TIME")])
        limit = _micros(moment)
    if document.get("validateOnly"):
        return Answer(200, {})
    removed = sum(book.sweep_members(call.store, d.audience, limit) for d in destinations)
    body = _accept(call, destinations, {"removeAllAudienceMembersStatus": {}}, Counter(), 0)
    return Answer(200, body, rows=removed, changed=removed > 0)


def _micros(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond


def _accept(
    call: Call, destinations: list[Destination], status: Json, problems: Counter[str], rows: int
) -> Json:
    failed = sum(problems.values())
    outcome = "SUCCESS" if not failed else "FAILED" if failed == rows else "PARTIAL_SUCCESS"
    counts = [{"recordCount": str(n), "reason": r} for r, n in sorted(problems.items())]
    info = {"errorInfo": {"errorCounts": counts}} if counts else {}
    statuses = [{"destination": d.named, "requestStatus": outcome, **info, **status}
                for d in destinations]  # fmt: skip
    request_id = str(uuid4())
    call.store.run(
        "insert into google_requests (request_id, accepted_at, statuses) values (?, ?, ?)",
        (request_id, timestamp(call.now), orjson.dumps(statuses).decode()),
    )
    return {"requestId": request_id}


def get_status(call: Call) -> Answer:
    """Return the status per destination: first unknown (404), then PROCESSING, then final."""
    request_id = call.query.get("requestId") or call.query.get("request_id") or ""
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


def create_user_list(call: Call) -> Answer:
    """Create a user list of an account; display names are unique within it."""
    document = _document(call, schema.USER_LIST)
    account_id = call.params["account_id"]
    _check_user_list(document)
    name = document["displayName"]
    if call.store.row(
        "select 1 from google_user_lists where account_id = ? and display_name = ?",
        (account_id, name),
    ):
        refuse_fields([schema.violation("user_list.display_name", "DISPLAY_NAME_ALREADY_USED")])
    if call.query.get("validateOnly") == "true":
        return Answer(200, {})
    top = call.store.value("select coalesce(max(list_id), 0) from google_user_lists")
    list_id = max(FIRST_LIST_ID, top + 1)
    resource = {
        **document,
        "name": f"accountTypes/GOOGLE_ADS/accounts/{account_id}/userLists/{list_id}",
        "id": str(list_id), "membershipStatus": "OPEN", "accessReason": "OWNED",
        "accountAccessStatus": "ENABLED",
    }  # fmt: skip
    call.store.run(
        "insert into google_user_lists values (?, ?, ?, ?)",
        (list_id, account_id, name, orjson.dumps(resource).decode()),
    )
    return Answer(200, resource, rows=1, changed=True)


def _check_user_list(document: Json) -> None:
    for field, snake in (("displayName", "display_name"), ("description", "description")):
        if not str(document.get(field) or "").strip():
            place = f"user_list.{snake}"
            refuse_fields([schema.violation(place, "REQUIRED_FIELD_MISSING")])
    info = document.get("ingestedUserListInfo") or {}
    if info.get("uploadKeyTypes") not in (["CONTACT_ID"], [1]):
        place = "user_list.ingested_user_list_info.upload_key_types"
        refuse_fields([schema.violation(place, "UNSUPPORTED_USER_LIST_UPLOAD_KEY_TYPES")])
    match = _DURATION.fullmatch(str(document.get("membershipDuration", "0s")))
    if match is None or int(match[1]) % 86_400:
        place = "user_list.membership_duration"
        refuse_fields([schema.violation(place, "INVALID_ARGUMENT", "Must be whole days.")])
    if int(match[1]) > 540 * 86_400:
        place = "user_list.membership_duration"
        refuse_fields([schema.violation(place, "MEMBERSHIP_DURATION_TOO_LONG")])


def list_user_lists(call: Call) -> Answer:
    """Return an account's user lists, optionally the one with a display name."""
    condition, values = "true", []
    if text := call.query.get("filter"):
        match = _NAME_FILTER.fullmatch(text.strip())
        if match is None:
            refuse(400, "INVALID_FILTER", "The sandbox reads filters: display_name = \"name\".")
        condition, values = "display_name = ?", [orjson.loads(match[1])]
    size = min(int(call.query.get("pageSize") or USUAL_PAGE) or USUAL_PAGE, MAX_PAGE)
    rows = call.store.rows(
        "select list_id, resource from google_user_lists where account_id = ?"
        f" and {condition} and list_id > ? order by list_id limit ?",  # noqa: S608 - own text
        (call.params["account_id"], *values, int(call.query.get("pageToken") or 0), size + 1),
    )
    body: Json = {"userLists": [orjson.loads(resource) for _, resource in rows[:size]]}
    if len(rows) > size:
        body["nextPageToken"] = str(rows[size - 1][0])
    return Answer(200, body, rows=len(body["userLists"]))


def get_user_list(call: Call) -> Answer:
    """Return one user list with its size."""
    row = call.store.row(
        "select resource from google_user_lists where account_id = ? and list_id = ?",
        (call.params["account_id"], call.params["list_id"]),
    )
    if row is None:
        refuse(404, "NOT_FOUND", "Requested entity was not found.")
    count = book.count_members(call.store, f"google:{call.params['list_id']}")
    size = {"displayNetworkMembersCount": str(count), "searchNetworkMembersCount": str(count)}
    return Answer(200, {**orjson.loads(row[0]), "sizeInfo": size}, rows=1)


def audiences(store: Store) -> list[Json]:
    """Return every user list and how many members it holds."""
    return [
        {"id": str(list_id), "name": name, "account_id": account,
         "count_members": book.count_members(store, f"google:{list_id}")}
        for list_id, name, account in store.rows(
            "select list_id, display_name, account_id from google_user_lists order by display_name"
        )
    ]  # fmt: skip


def members(store: Store, list_id: str) -> list[Json]:
    """Return the members of a user list with identifiers, consent and when last added."""
    return [
        {**orjson.loads(record),
         "last_added_at": timestamp(datetime.fromtimestamp(micros / 1_000_000, UTC))}
        for record, micros in book.list_members(store, f"google:{list_id}")
    ]  # fmt: skip


_LISTS = "/v1/accountTypes/GOOGLE_ADS/accounts/{account_id}/userLists"

GOOGLE = Vendor(
    name="google",
    title="Google Customer Match",
    tables=TABLES,
    endpoints=(
        Endpoint("POST", "/v1/audienceMembers:ingest", ingest, WRITES, "ingestion"),
        Endpoint("POST", "/v1/audienceMembers:remove", remove, WRITES, "ingestion"),
        Endpoint("POST", "/v1/audienceMembers:removeAll", remove_all, WRITES, "ingestion"),
        Endpoint("GET", "/v1/requestStatus:retrieve", get_status, READS, "status"),
        Endpoint("POST", _LISTS, create_user_list, LISTS, "lists"),
        Endpoint("GET", _LISTS, list_user_lists, LISTS, "lists"),
        Endpoint("GET", _LISTS + "/{list_id}", get_user_list, LISTS, "lists"),
    ),
    admit=lambda call: require_bearer(call.headers.get("authorization"), call.settings.token),
    problem=lambda status, message: rpc_problem(status, message),
    throttled=throttled,
    audiences=audiences,
    members=members,
)
