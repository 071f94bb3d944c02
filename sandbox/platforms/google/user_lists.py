"""User lists of a Google Ads account: the audiences that members are ingested into."""

from __future__ import annotations

import re

import orjson

from sandbox.platforms import members as book
from sandbox.platforms.google import schema
from sandbox.platforms.google.errors import refuse, refuse_field
from sandbox.platforms.vendor import Answer, Call, Json

TABLES = """
create table if not exists google_user_lists (
    list_id integer primary key, account_id text not null, display_name text not null,
    resource text not null);
"""

FIRST_LIST_ID = 8_000_000_001
MAX_DAYS = 540
MAX_PAGE = 1_000
USUAL_PAGE = 50
_DAY_SECONDS = 86_400
_NAME_FILTER = re.compile(r'(?:display_name|displayName)\s*=\s*("(?:[^"\\]|\\.)*")')
_DURATION = re.compile(r"(\d+)(?:\.0+)?s")


def create_user_list(call: Call) -> Answer:
    """Create a user list; display names are unique within an account."""
    document = schema.read_message(call, schema.USER_LIST)
    _check(document)
    account_id, name = call.params["account_id"], document["displayName"]
    if call.store.row(
        "select 1 from google_user_lists where account_id = ? and display_name = ?",
        (account_id, name),
    ):
        refuse_field("user_list.display_name", "DISPLAY_NAME_ALREADY_USED")
    if call.query.get("validateOnly") == "true":
        return Answer(200, {})
    top = call.store.value("select coalesce(max(list_id), 0) from google_user_lists")
    list_id = max(FIRST_LIST_ID, top + 1)
    resource = {
        **document, "id": str(list_id), "membershipStatus": "OPEN", "accessReason": "OWNED",
        "accountAccessStatus": "ENABLED",
        "name": f"accountTypes/GOOGLE_ADS/accounts/{account_id}/userLists/{list_id}",
    }  # fmt: skip
    call.store.run(
        "insert into google_user_lists values (?, ?, ?, ?)",
        (list_id, account_id, name, orjson.dumps(resource).decode()),
    )
    return Answer(200, resource, rows=1, changed=True)


def _check(document: Json) -> None:
    for field, snake in (("displayName", "display_name"), ("description", "description")):
        if not str(document.get(field) or "").strip():
            refuse_field(f"user_list.{snake}", "REQUIRED_FIELD_MISSING")
    info = document.get("ingestedUserListInfo") or {}
    if info.get("uploadKeyTypes") not in (["CONTACT_ID"], [1]):
        place = "user_list.ingested_user_list_info.upload_key_types"
        refuse_field(place, "UNSUPPORTED_USER_LIST_UPLOAD_KEY_TYPES")
    place = "user_list.membership_duration"
    duration = _DURATION.fullmatch(str(document.get("membershipDuration", "0s")))
    if duration is None or int(duration[1]) % _DAY_SECONDS:
        refuse_field(place, "INVALID_ARGUMENT", "The duration must be whole days (86400s).")
    if int(duration[1]) > MAX_DAYS * _DAY_SECONDS:
        refuse_field(place, "MEMBERSHIP_DURATION_TOO_LONG")


def list_user_lists(call: Call) -> Answer:
    """Return an account's user lists in pages, optionally only those with a display name."""
    condition, values = "true", []
    if text := call.query.get("filter"):
        match = _NAME_FILTER.fullmatch(text.strip())
        if match is None:
            refuse(400, "INVALID_FILTER", 'The sandbox reads: display_name = "name".')
        condition, values = "display_name = ?", [orjson.loads(match[1])]
    size, after = _page(call)
    rows = call.store.rows(
        "select list_id, resource from google_user_lists where account_id = ?"
        f" and {condition} and list_id > ? order by list_id limit ?",
        (call.params["account_id"], *values, after, size + 1),
    )
    body: Json = {"userLists": [orjson.loads(resource) for _, resource in rows[:size]]}
    if len(rows) > size:
        body["nextPageToken"] = str(rows[size - 1][0])
    return Answer(200, body, rows=len(body["userLists"]))


def _page(call: Call) -> tuple[int, int]:
    size, token = call.query.get("pageSize") or "0", call.query.get("pageToken") or "0"
    if not size.isdigit() or not token.isdigit():
        refuse(400, "INVALID_PAGE_TOKEN", "pageSize and pageToken must be as documented.")
    return min(int(size) or USUAL_PAGE, MAX_PAGE), int(token)


def get_user_list(call: Call) -> Answer:
    """Return one user list with its size."""
    list_id = call.params["list_id"]
    row = call.store.row(
        "select resource from google_user_lists where account_id = ? and list_id = ?",
        (call.params["account_id"], list_id),
    )
    if row is None:
        refuse(404, "NOT_FOUND", "Requested entity was not found.")
    count = str(book.count_members(call.store, int(list_id)))
    size = {"displayNetworkMembersCount": count, "searchNetworkMembersCount": count}
    return Answer(200, {**orjson.loads(row[0]), "sizeInfo": size}, rows=1)
