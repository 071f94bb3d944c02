"""Custom audiences of an ad account."""

from __future__ import annotations

from typing import Any

from sandbox.platforms import members as book
from sandbox.platforms.meta.graph import admit, own_parameters, read_parameters, refuse
from sandbox.platforms.state import Store
from sandbox.platforms.vendor import Answer, Call, Json

TABLES = """
create table if not exists meta_audiences (
    audience_id integer primary key, account_id text not null, name text not null,
    subtype text not null, customer_file_source text not null, description text,
    created_epoch integer not null);
"""

FIRST_AUDIENCE_ID = 120_210_000_000_000_001
USUAL_PAGE = 25
SUBTYPES = ("CUSTOM",)
FILE_SOURCES = (
    "USER_PROVIDED_ONLY", "PARTNER_PROVIDED_ONLY", "BOTH_USER_AND_PARTNER_PROVIDED",
)  # fmt: skip
CREATE_FIELDS = {"name", "subtype", "customer_file_source", "description"}
READ_FIELDS = {
    "id", "account_id", "name", "subtype", "customer_file_source", "description",
    "approximate_count_lower_bound", "approximate_count_upper_bound", "operation_status",
    "delivery_status", "time_created",
}  # fmt: skip


def create_audience(call: Call) -> Answer:
    """Create a custom audience of an ad account."""
    given = read_parameters(call)
    admit(call, given)
    given = own_parameters(given, CREATE_FIELDS)
    name = given.get("name")
    if not isinstance(name, str) or not name.strip():
        refuse(100, "The parameter name is required")
    for field, allowed in (("subtype", SUBTYPES), ("customer_file_source", FILE_SOURCES)):
        if given.get(field) not in allowed:
            refuse(100, f"Param {field} must be one of {{{', '.join(allowed)}}}")
    top = call.store.value("select coalesce(max(audience_id), 0) from meta_audiences")
    audience_id = max(FIRST_AUDIENCE_ID, top + 1)
    call.store.run(
        "insert into meta_audiences values (?, ?, ?, ?, ?, ?, ?)",
        (audience_id, call.params["account_id"], name, given["subtype"],
         given["customer_file_source"], given.get("description"), int(call.now.timestamp())),
    )  # fmt: skip
    return Answer(200, {"id": str(audience_id)}, rows=1, changed=True)


def list_audiences(call: Call) -> Answer:
    """Return an account's audiences with the wanted fields, in pages."""
    given = _read(call, {"fields", "limit", "after", "summary"})
    fields, size = _fields(given), _number(given, "limit", USUAL_PAGE)
    rows = call.store.rows(
        "select * from meta_audiences where account_id = ? and audience_id > ?"
        " order by audience_id limit ?",
        (call.params["account_id"], _number(given, "after", 0), size + 1),
    )
    found = [_view(call.store, row, fields) for row in rows[:size]]
    body: Json = {"data": found}
    if found:
        body["paging"] = {"cursors": {"before": found[0]["id"], "after": found[-1]["id"]}}
    if len(rows) > size:
        path = f"/v26.0/act_{call.params['account_id']}/customaudiences"
        query = f"fields={','.join(fields)}&limit={size}&after={found[-1]['id']}"
        body["paging"]["next"] = f"{call.base_url}{path}?{query}"
    return Answer(200, body, rows=len(found))


def get_audience(call: Call) -> Answer:
    """Return one audience with the wanted fields."""
    given = _read(call, {"fields"})
    row = require_audience(call)
    return Answer(200, _view(call.store, row, _fields(given)), rows=1)


def require_audience(call: Call) -> tuple[Any, ...]:
    """Return the audience of the path; refuse one that does not exist (code 100, subcode 33)."""
    audience_id = call.params["audience_id"]
    row = call.store.row("select * from meta_audiences where audience_id = ?", (audience_id,))
    if row is None:
        refuse(100, f"Object with ID '{audience_id}' does not exist", subcode=33)
    return row


def _read(call: Call, names: set[str]) -> Json:
    given: Json = dict(call.query)
    admit(call, given)
    return own_parameters(given, names)


def _number(given: Json, name: str, usual: int) -> int:
    text = str(given.get(name) or usual)
    if not text.isdigit():
        refuse(100, f"Param {name} must be a number")
    return int(text)


def _fields(given: Json) -> list[str]:
    fields = [field for field in str(given.get("fields") or "").split(",") if field]
    if unknown := set(fields) - READ_FIELDS:
        refuse(100, f"Tried accessing nonexisting field ({min(unknown)})")
    return fields


def _view(store: Store, row: tuple[Any, ...], fields: list[str]) -> Json:
    audience_id, account_id, name, subtype, source, description, created = row
    count = book.count_members(store, audience_id)
    whole = {
        "id": str(audience_id), "account_id": account_id, "name": name, "subtype": subtype,
        "customer_file_source": source, "description": description,
        "approximate_count_lower_bound": count, "approximate_count_upper_bound": count,
        "operation_status": {"code": 200, "description": "Normal"},
        "delivery_status": {"code": 200, "description": "Ready"}, "time_created": created,
    }  # fmt: skip
    return {k: v for k, v in whole.items() if k == "id" or k in fields}
