"""Klaviyo's API, revision 2026-10-15: its headers, rates, routes and lists."""

from __future__ import annotations

from datetime import date, timedelta

from sandbox.platforms.klaviyo import imports, lists, profiles, subscriptions
from sandbox.platforms.klaviyo.errors import klaviyo_problem, refuse
from sandbox.platforms.state import Store
from sandbox.platforms.vendor import Answer, Call, Endpoint, Json, Vendor
from sandbox.platforms.windows import Limit, Verdict

REVISIONS = (
    "2024-02-15", "2024-05-15", "2024-06-15", "2024-07-15", "2024-10-15", "2025-01-15",
    "2025-04-15", "2025-07-15", "2025-10-15", "2026-01-15", "2026-04-15", "2026-07-15",
    "2026-10-15",
)  # fmt: skip
REVISION_LIFETIME = timedelta(days=730)
MEDIA_TYPE = "application/vnd.api+json"

USUAL = (Limit(10, 1), Limit(150, 60))
LOOKING = (Limit(75, 1), Limit(700, 60))
SUBSCRIBING = (Limit(75, 1), Limit(750, 60))
ERASING = (Limit(3, 1), Limit(60, 60))


def admit(call: Call) -> None:
    """Refuse a call without key (401), usable revision (400, 410) or JSON:API body (415)."""
    authorization = call.headers.get("authorization")
    if not authorization:
        refuse(401, "not_authenticated", "Authentication credentials were not provided.")
    if authorization != f"Klaviyo-API-Key {call.settings.token}":
        refuse(401, "authentication_failed", "Incorrect authentication credentials.")
    revision = call.headers.get("revision", "")
    if revision not in REVISIONS:
        refuse(400, "invalid", "The `revision` header is missing or names no known revision.")
    if date.fromisoformat(revision) + REVISION_LIFETIME < call.now.date():
        refuse(410, "gone", "This API revision has been retired.")
    media_type = call.headers.get("content-type", "").partition(";")[0].strip()
    if call.method != "GET" and media_type != MEDIA_TYPE:
        refuse(415, "unsupported_media_type", f"Content-Type must be {MEDIA_TYPE}.")


def throttled(verdict: Verdict) -> Answer:
    """Return 429 with Retry-After and without RateLimit headers."""
    wait = verdict.reset_seconds
    detail = f"Request was throttled. Expected available in {wait} seconds."
    answer = klaviyo_problem(429, "throttled", detail)
    return Answer(429, answer.body, {"Retry-After": str(wait)})


def quota(verdict: Verdict) -> dict[str, str]:
    """Return the RateLimit headers of a success."""
    windows = ", ".join(f"{limit.count};w={limit.seconds}" for limit in verdict.limits)
    return {
        "RateLimit-Limit": f"{verdict.limits[0].count}, {windows}",
        "RateLimit-Remaining": str(verdict.remaining),
        "RateLimit-Reset": str(verdict.reset_seconds),
    }


def audiences(store: Store) -> list[Json]:
    """Return every list and how many profiles it holds, once all accepted jobs are worked off."""
    imports.finish_jobs(store)
    return [
        {"id": list_id, "name": name, "count_members": count}
        for list_id, name, count in store.rows(
            "select l.list_id, l.name, (select count(*) from klaviyo_list_members as m"
            " where m.list_id = l.list_id) from klaviyo_lists as l order by l.name"
        )
    ]


_JOBS = "/api/profile-bulk-import-jobs"
_MEMBERS = "/api/lists/{list_id}/relationships/profiles"
_SUBSCRIPTIONS = "/api/profile-subscription-bulk"

KLAVIYO = Vendor(
    name="klaviyo",
    title="Klaviyo",
    tables=lists.TABLES + profiles.TABLES + imports.TABLES,
    endpoints=(
        Endpoint("POST", "/api/lists", lists.create_list, USUAL),
        Endpoint("GET", "/api/lists", lists.get_lists, LOOKING),
        Endpoint("GET", "/api/lists/{list_id}", lists.get_list, LOOKING),
        Endpoint("GET", _MEMBERS, lists.get_members, LOOKING),
        Endpoint("POST", _MEMBERS, lists.change_members, USUAL),
        Endpoint("DELETE", _MEMBERS, lists.change_members, USUAL),
        Endpoint("GET", "/api/lists/{list_id}/profiles", profiles.get_listed, LOOKING),
        Endpoint("GET", "/api/profiles", profiles.get_profiles, LOOKING),
        Endpoint("POST", _JOBS, imports.accept_import, USUAL),
        Endpoint("GET", _JOBS + "/{job_id}", imports.get_job, USUAL),
        Endpoint("GET", _JOBS + "/{job_id}/import-errors", imports.get_import_errors, USUAL),
        Endpoint("POST", _SUBSCRIPTIONS + "-create-jobs", subscriptions.subscribe, SUBSCRIBING),
        Endpoint("POST", _SUBSCRIPTIONS + "-delete-jobs", subscriptions.unsubscribe, SUBSCRIBING),
        Endpoint("POST", "/api/data-privacy-deletion-jobs", profiles.erase_profile, ERASING),
    ),
    admit=admit,
    problem=lambda status, detail: klaviyo_problem(status, "not_found", detail),
    throttled=throttled,
    quota=quota,
    audiences=audiences,
    members=profiles.members,
    settle=imports.finish_old_jobs,
    media_type=MEDIA_TYPE,
)
