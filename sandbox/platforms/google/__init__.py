"""Google's Data Manager API v1 for Customer Match: its routes, limits and audiences."""

from __future__ import annotations

from datetime import UTC, datetime

from sandbox.platforms import members as book
from sandbox.platforms.google import ingestion, user_lists
from sandbox.platforms.google.errors import throttled
from sandbox.platforms.google_rpc import require_bearer, rpc_problem
from sandbox.platforms.state import Store
from sandbox.platforms.vendor import Endpoint, Json, Vendor, timestamp
from sandbox.platforms.windows import Limit

WRITES = (Limit(300, 60), Limit(100_000, 86_400))
READS = (Limit(300, 60),)
LISTS = (Limit(300, 60), Limit(50_000, 86_400))


def audiences(store: Store) -> list[Json]:
    """Return every user list and how many members it holds."""
    return [
        {"id": str(list_id), "name": name, "account_id": account,
         "count_members": book.count_members(store, list_id)}
        for list_id, name, account in store.rows(
            "select list_id, display_name, account_id from google_user_lists order by display_name"
        )
    ]  # fmt: skip


def members(store: Store, list_id: str, limit: int) -> list[Json]:
    """Return the members of a user list: sorted identifiers, both consents, when last added."""
    found = []
    for identifiers, note, micros in book.list_members(store, int(list_id), limit):
        added_at = datetime.fromtimestamp(micros // 1_000_000, UTC).replace(
            microsecond=micros % 1_000_000
        )
        found.append(
            {"identifiers": identifiers, "ad_user_data": note, "ad_personalization": note,
             "last_added_at": timestamp(added_at)}
        )  # fmt: skip
    return found


_LISTS = "/v1/accountTypes/GOOGLE_ADS/accounts/{account_id}/userLists"

GOOGLE = Vendor(
    name="google",
    title="Google Customer Match",
    tables=user_lists.TABLES + ingestion.TABLES,
    endpoints=(
        Endpoint("POST", "/v1/audienceMembers:ingest", ingestion.ingest, WRITES, "writes"),
        Endpoint("POST", "/v1/audienceMembers:remove", ingestion.remove, WRITES, "writes"),
        Endpoint("POST", "/v1/audienceMembers:removeAll", ingestion.remove_all, WRITES, "writes"),
        Endpoint("GET", "/v1/requestStatus:retrieve", ingestion.get_status, READS, "status"),
        Endpoint("POST", _LISTS, user_lists.create_user_list, LISTS, "lists"),
        Endpoint("GET", _LISTS, user_lists.list_user_lists, LISTS, "lists"),
        Endpoint("GET", _LISTS + "/{list_id}", user_lists.get_user_list, LISTS, "lists"),
    ),
    admit=lambda call: require_bearer(call.headers.get("authorization"), call.settings.token),
    problem=lambda status, message: rpc_problem(status, message),
    throttled=throttled,
    audiences=audiences,
    members=members,
)
