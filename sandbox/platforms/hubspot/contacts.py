"""HubSpot's contacts: batch upsert and lookup by e-mail address, properties as texts."""

from __future__ import annotations

import re
from typing import Any

import orjson

from sandbox.platforms.hubspot.errors import (
    absent,
    check_object,
    invalid,
    number_of,
    read_body,
    read_texts,
)
from sandbox.platforms.state import Store
from sandbox.platforms.vendor import Answer, Call, Json, timestamp

TABLES = """
create table if not exists hubspot_contacts (
    id integer primary key autoincrement, email text unique not null, properties text not null,
    created_at text not null, updated_at text not null);
create table if not exists hubspot_properties (name text primary key, type text not null);
"""

MOST_INPUTS = 100
TYPES = ("string", "number", "bool", "date", "datetime", "enumeration")
_OWN = ("email", "firstname", "lastname", "phone", "company", "website", "hs_additional_emails")
_is_email = re.compile(r"[^@\s,;<>()\"]+@[^@\s.,;<>()\"]+(?:\.[^@\s.,;<>()\"]+)+").fullmatch
_is_number = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?").fullmatch


def create_property(call: Call) -> Answer:
    """Create a property of contacts."""
    required = {"name", "label", "type", "fieldType", "groupName"}
    document = read_body(call, required)
    name, kind = document["name"], document["type"]
    if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9_]{0,99}", name):
        invalid("The name of a property is lower-case letters, digits and underscores")
    if kind not in TYPES:
        invalid(f"type must be one of: [{', '.join(TYPES)}]")
    if name in properties(call.store):
        invalid(f'A property named "{name}" already exists')
    call.store.run("insert into hubspot_properties values (?, ?)", (name, kind))
    return Answer(201, {"name": name, "type": kind}, rows=1, changed=True)


def properties(store: Store) -> dict[str, str]:
    """Return the type of every property a contact may have."""
    made = dict(store.rows("select name, type from hubspot_properties"))
    return {**dict.fromkeys(_OWN, "string"), **made}


def _read_inputs(document: Json, required: set[str], optional: set[str]) -> list[Json]:
    """Return the inputs of a batch, each of the right shape and none named twice."""
    inputs = document["inputs"]
    if not isinstance(inputs, list) or not 0 < len(inputs) <= MOST_INPUTS:
        invalid(f"The maximum number of inputs is {MOST_INPUTS}, and there must be one")
    for one in inputs:
        check_object(one, "inputs", required, optional)
        texts = (one["id"], one.get("idProperty", ""), one.get("objectWriteTraceId", ""))
        if not all(isinstance(text, str) for text in texts):
            invalid("Invalid input JSON: ids are strings")
    ids = [one["id"].strip().lower() for one in inputs]
    if len(ids) != len(set(ids)):
        invalid("Duplicate IDs found in batch input. IDs must be unique")
    return inputs


def upsert(call: Call) -> Answer:
    """Create or update contacts by e-mail address.

    With a trace for every input the wrong ones are named and the others written (207); without,
    one wrong input refuses the batch, and the message tells of the first one only.
    """
    document = read_body(call, {"inputs"})
    optional = {"idProperty", "objectWriteTraceId"}
    inputs = _read_inputs(document, {"id", "properties"}, optional)
    for one in inputs:
        given = one["properties"]
        if not isinstance(given, dict) or not all(isinstance(v, str) for v in given.values()):
            invalid("Invalid input JSON: the values of properties are strings")
        if one.get("idProperty") != "email":
            invalid("Unable to perform update/upsert by non-unique 0-1 property")
    types = properties(call.store)
    wrong = {one["id"]: found for one in inputs if (found := _wrong(one, types))}
    traces = [one.get("objectWriteTraceId") for one in inputs]
    names_each = all(traces) and len(set(traces)) == len(traces)
    if wrong and not names_each:
        first = next(iter(wrong.values()))
        text = orjson.dumps([first]).decode()
        invalid(f"Property values were not valid: {text}", [_detail(first)])
    results = [_written(call, one) for one in inputs if one["id"] not in wrong]
    errors = [_error(one, wrong[one["id"]]) for one in inputs if one["id"] in wrong]
    return _batch(call, results, errors, len(inputs), changed=bool(results))


def _wrong(one: Json, types: dict[str, str]) -> Json | None:
    """Return what is wrong with one input, as HubSpot tells it."""
    if not _is_email(one["id"].strip()):
        text = f"Email address {one['id']} is invalid"
        return {"isValid": False, "message": text, "error": "INVALID_EMAIL", "name": "email"}
    for name, value in one["properties"].items():
        if name not in types:
            text = f'Property "{name}" does not exist'
            return {
                "isValid": False, "message": text, "error": "PROPERTY_DOESNT_EXIST", "name": name,
            }  # fmt: skip
        if value and types[name] == "number" and not _is_number(value):
            text = f"{value} was not a valid long."
            return {"isValid": False, "message": text, "error": "INVALID_LONG", "name": name}
    return None


def _detail(found: Json) -> Json:
    return {
        "message": found["message"], "code": found["error"],
        "context": {"propertyName": [found["name"]]},
    }  # fmt: skip


def _error(one: Json, found: Json) -> Json:
    text = f"Property values were not valid: {orjson.dumps([found]).decode()}"
    context = {"objectWriteTraceId": [one["objectWriteTraceId"]]}
    return {
        "status": "error", "category": "VALIDATION_ERROR", "message": text, "context": context,
        "errors": [_detail(found)],
    }  # fmt: skip


def _batch(
    call: Call, results: list[Json], errors: list[Json], rows: int, *, changed: bool
) -> Answer:
    moment = timestamp(call.now)
    body: Json = {
        "status": "COMPLETE", "results": results, "startedAt": moment, "completedAt": moment,
    }  # fmt: skip
    if errors:
        body |= {"numErrors": len(errors), "errors": errors}
    return Answer(207 if errors else 200, body, rows=rows, changed=changed)


def _written(call: Call, one: Json) -> Json:
    email, moment = one["id"].strip().lower(), timestamp(call.now)
    row = call.store.row(
        "select id, properties, created_at from hubspot_contacts where email = ?", (email,)
    )
    merged = {**(orjson.loads(row[1]) if row else {}), **one["properties"]}
    merged = {name: value for name, value in merged.items() if value and name != "email"}
    text = orjson.dumps(merged).decode()
    if row:
        number, created = row[0], row[2]
        call.store.run(
            "update hubspot_contacts set properties = ?, updated_at = ? where id = ?",
            (text, moment, number),
        )
    else:
        created = moment
        number = call.store.insert(
            "insert into hubspot_contacts (email, properties, created_at, updated_at)"
            " values (?, ?, ?, ?)",
            (email, text, moment, moment),
        )
    result = _view(number, email, merged, created, moment)
    trace = one.get("objectWriteTraceId")
    return {**result, "new": row is None, **({"objectWriteTraceId": trace} if trace else {})}


def _view(number: int, email: str, values: Json, created: str, updated: str) -> Json:
    return {
        "id": str(number), "properties": {"email": email, **values, "hs_object_id": str(number)},
        "createdAt": created, "updatedAt": updated, "archived": False,
    }  # fmt: skip


def read(call: Call) -> Answer:
    """Return contacts by id or e-mail address; those not found are one error (207)."""
    optional = {"idProperty", "properties", "propertiesWithHistory"}
    document = read_body(call, {"inputs"}, optional)
    inputs = _read_inputs(document, {"id"}, set())
    shown = set(read_texts(document.get("properties", []), "properties")) | {"hs_object_id"}
    column = {"email": "email", "hs_object_id": "id"}.get(
        str(document.get("idProperty", "hs_object_id"))
    )
    if column is None:
        invalid("idProperty must name a unique property")
    results, lost = [], []
    for one in inputs:
        key: Any = one["id"].strip().lower() if column == "email" else number_of(one["id"])
        row = call.store.row(f"select * from hubspot_contacts where {column} = ?", (key,))
        if row is None:
            lost.append(one["id"])
            continue
        found = _view(row[0], row[1], orjson.loads(row[2]), row[3], row[4])
        kept = {name: value for name, value in found["properties"].items() if name in shown}
        results.append({**found, "properties": kept})
    text = "Could not get some CONTACT objects, they may be deleted or not exist."
    error = {
        "status": "error", "category": "OBJECT_NOT_FOUND", "message": text,
        "context": {"ids": lost},
    }  # fmt: skip
    return _batch(call, results, [error] if lost else [], len(inputs), changed=False)


def erase(call: Call) -> Answer:
    """Delete one contact for good, named by id or e-mail address."""
    document = read_body(call, {"objectId"}, {"idProperty"})
    column = "email" if document.get("idProperty") == "email" else "id"
    named = document["objectId"]
    if not isinstance(named, str):
        invalid("Invalid input JSON: objectId is a string")
    key: Any = named.strip().lower() if column == "email" else number_of(named)
    row = call.store.row(f"select id from hubspot_contacts where {column} = ?", (key,))
    if row is None:
        absent("No contact has this id")
    call.store.run("delete from hubspot_members where record = ?", (row[0],))
    call.store.run("delete from hubspot_contacts where id = ?", (row[0],))
    return Answer(204, rows=1, changed=True)
