"""Brevo's API v3: its key header, rates, routes and lists."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.platforms.brevo import contacts, imports, lists
from sandbox.platforms.brevo.errors import brevo_problem, refuse
from sandbox.platforms.state import Store
from sandbox.platforms.vendor import Answer, Call, Endpoint, Json, Vendor
from sandbox.platforms.windows import Limit, Verdict

CONTACTS = (Limit(10, 1), Limit(36_000, 3_600))
OTHERS = (Limit(100, 3_600),)


def admit(call: Call) -> None:
    """Refuse a call without the key (401) or with a body that is not JSON (415)."""
    if "report" in call.params:
        return
    if call.headers.get("api-key") != call.settings.token:
        refuse(401, "unauthorized", "Key not found")
    media_type = call.headers.get("content-type", "").partition(";")[0].strip()
    if call.body and media_type != "application/json":
        refuse(415, "invalid_parameter", "Content-Type should be application/json")


def quota(verdict: Verdict) -> dict[str, str]:
    """Return the rate headers of every answer."""
    return {
        "x-sib-ratelimit-limit": str(min(limit.count for limit in verdict.limits)),
        "x-sib-ratelimit-remaining": str(verdict.remaining),
        "x-sib-ratelimit-reset": str(verdict.reset_seconds),
    }


def throttled(verdict: Verdict) -> Answer:
    """Return 429 with the rate headers and without Retry-After."""
    answer = brevo_problem(429, "too_many_requests", "Too many requests have been sent")
    return Answer(429, answer.body, quota(verdict))


def audiences(store: Store) -> list[Json]:
    """Return every list and how many contacts it holds, once all processes are worked off."""
    imports.finish_processes(store)
    return [
        {"id": str(found["id"]), "name": found["name"], "count_members": found["uniqueSubscribers"]}
        for found in lists.lists(store)
    ]


def members(store: Store, list_id: str, limit: int) -> list[Json]:
    """Return the contacts of a list, with their place on the blocklist."""
    return [
        {
            "contact_id": found["id"],
            "email": found["email"],
            "email_blacklisted": found["emailBlacklisted"],
            "sms_blacklisted": found["smsBlacklisted"],
            "attributes": found["attributes"],
        }
        for found in contacts.listed(store, int(list_id), limit)
    ]


def _contacts(
    method: str, path: str, handle: Callable[[Call], Answer], hidden: str = ""
) -> Endpoint:
    return Endpoint(method, f"/v3/contacts{path}", handle, CONTACTS, "contacts", hidden)


_LIST = "/lists/{list_id}"

BREVO = Vendor(
    name="brevo",
    title="Brevo",
    tables=contacts.TABLES + lists.TABLES + imports.TABLES,
    endpoints=(
        _contacts("POST", "/import", imports.accept_import),
        _contacts("GET", "/attributes", lists.get_attributes),
        _contacts("POST", "/attributes/{category}/{name}", lists.create_attribute),
        _contacts("GET", "/folders", lists.get_folders),
        _contacts("POST", "/folders", lists.create_folder),
        _contacts("GET", "/lists", lists.get_lists),
        _contacts("POST", "/lists", lists.create_list),
        _contacts("GET", _LIST, lists.get_list),
        _contacts("DELETE", _LIST, lists.delete_list),
        _contacts("GET", _LIST + "/contacts", lists.get_listed),
        _contacts("POST", _LIST + "/contacts/add", lists.add_contacts),
        _contacts("POST", _LIST + "/contacts/remove", lists.remove_contacts),
        _contacts("GET", "/{identifier}", contacts.get_contact, "identifier"),
        _contacts("PUT", "/{identifier}", contacts.update_contact, "identifier"),
        _contacts("DELETE", "/{identifier}", contacts.delete_contact, "identifier"),
        Endpoint("GET", "/v3/processes/{process_id}", imports.get_process, OTHERS, "others"),
        Endpoint("GET", "/reports/{report}", imports.get_report, hidden="report"),
    ),
    admit=admit,
    problem=lambda status, message: brevo_problem(status, "document_not_found", message),
    throttled=throttled,
    quota=quota,
    audiences=audiences,
    members=members,
    settle=imports.finish_old_processes,
)
