"""HubSpot's CRM API v3: its token, one window for all requests, contacts and static lists."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from sandbox.platforms.hubspot import contacts, lists
from sandbox.platforms.hubspot.errors import hubspot_problem, invalid, refuse
from sandbox.platforms.vendor import Answer, Call, Endpoint, Json, Vendor
from sandbox.platforms.windows import Limit, Verdict

EVERY = (Limit(100, 10), Limit(250_000, 86_400))


def admit(call: Call) -> None:
    """Refuse a call without the token (401) or with a body that is not JSON."""
    if call.headers.get("authorization") != f"Bearer {call.settings.token}":
        refuse(401, "INVALID_AUTHENTICATION", "Authentication credentials not found.")
    media_type = call.headers.get("content-type", "").partition(";")[0].strip()
    if call.body and media_type != "application/json":
        invalid("Content-Type must be application/json")


def quota(verdict: Verdict) -> dict[str, str]:
    """Return the rate headers of a success."""
    window, day = verdict.limits
    return {
        "X-HubSpot-RateLimit-Interval-Milliseconds": str(window.seconds * 1_000),
        "X-HubSpot-RateLimit-Max": str(window.count),
        "X-HubSpot-RateLimit-Remaining": str(verdict.remaining),
        "X-HubSpot-RateLimit-Daily": str(day.count),
    }


def throttled(verdict: Verdict) -> Answer:
    """Return 429 with the length of the window and without Retry-After."""
    window, _ = verdict.limits
    is_daily = verdict.reset_seconds > window.seconds
    policy = "DAILY" if is_daily else "TEN_SECONDLY_ROLLING"
    body: Json = {
        "status": "error", "message": f"You have reached your {policy.lower()} limit.",
        "errorType": "RATE_LIMIT", "correlationId": str(uuid4()), "policyName": policy,
    }  # fmt: skip
    return Answer(429, body, quota(verdict))


def _endpoint(method: str, path: str, handle: Callable[[Call], Answer]) -> Endpoint:
    return Endpoint(method, f"/crm/v3{path}", handle, EVERY, "every")


_CONTACTS = "/objects/contacts"
_LIST = "/lists/{list_id}"
_MEMBERS = _LIST + "/memberships"

HUBSPOT = Vendor(
    name="hubspot",
    title="HubSpot",
    tables=contacts.TABLES + lists.TABLES,
    endpoints=(
        _endpoint("POST", _CONTACTS + "/batch/upsert", contacts.upsert),
        _endpoint("POST", _CONTACTS + "/batch/read", contacts.read),
        _endpoint("POST", _CONTACTS + "/gdpr-delete", contacts.erase),
        _endpoint("POST", "/properties/contacts", contacts.create_property),
        _endpoint("POST", "/lists", lists.create_list),
        _endpoint("POST", "/lists/", lists.create_list),
        _endpoint("GET", "/lists/object-type-id/{type_id}/name/{name:path}", lists.get_named),
        _endpoint("GET", _LIST, lists.get_list),
        _endpoint("DELETE", _LIST, lists.delete_list),
        _endpoint("PUT", _MEMBERS + "/add-and-remove", lists.change_both),
        _endpoint("PUT", _MEMBERS + "/add", lists.add),
        _endpoint("PUT", _MEMBERS + "/remove", lists.remove),
        _endpoint("GET", _MEMBERS, lists.get_members),
        _endpoint("DELETE", _MEMBERS, lists.clear),
    ),
    admit=admit,
    problem=lambda status, message: hubspot_problem(status, "OBJECT_NOT_FOUND", message),
    throttled=throttled,
    quota=quota,
    audiences=lists.audiences,
    members=lists.members,
)
