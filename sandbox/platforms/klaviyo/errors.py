"""JSON:API error bodies as Klaviyo writes them, and the strict reading of objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn
from uuid import uuid4

from sandbox.platforms.vendor import Answer, Call, Json, Refusal, parse_json

TITLES = {
    "not_authenticated": "Authentication credentials were not provided.",
    "authentication_failed": "Incorrect authentication credentials.",
    "gone": "Gone.",
    "unsupported_media_type": "Unsupported media type.",
    "throttled": "Request was throttled.",
    "not_found": "Not found.",
    "request_too_large": "Request too large.",
}


def _item(status: int, code: str, detail: str, source: Json) -> Json:
    title = TITLES.get(code, "Invalid input.")
    return {
        "id": str(uuid4()), "status": status, "code": code, "title": title, "detail": detail,
        "source": source, "links": {}, "meta": {},
    }  # fmt: skip


def klaviyo_problem(status: int, code: str, detail: str, parameter: str | None = None) -> Answer:
    """Return an error answer with one entry."""
    source: Json = {"parameter": parameter} if parameter else {"pointer": "/data"}
    return Answer(status, {"errors": [_item(status, code, detail, source)]})


def refuse(
    status: int, code: str, detail: str, headers: Mapping[str, str] | None = None
) -> NoReturn:
    """Raise a refusal with one entry."""
    answer = klaviyo_problem(status, code, detail)
    raise Refusal(Answer(status, answer.body, headers or {}))


def refuse_parameter(parameter: str, detail: str) -> NoReturn:
    """Raise 400 about one query parameter."""
    raise Refusal(klaviyo_problem(400, "invalid", detail, parameter))


def refuse_fields(found: list[tuple[str, str]], rows: int = 0) -> NoReturn:
    """Raise 400 with one entry per (pointer, detail)."""
    items = [_item(400, "invalid", detail, {"pointer": place}) for place, detail in found]
    raise Refusal(Answer(400, {"errors": items}, rows=rows))


def refuse_field(pointer: str, detail: str) -> NoReturn:
    """Raise 400 about one field."""
    refuse_fields([(pointer, detail)])


def check_object(
    value: object, pointer: str, required: set[str], optional: set[str] | None = None
) -> Json:
    """Return the value as an object; refuse it when a key is missing or unknown."""
    if not isinstance(value, dict):
        refuse_field(pointer, "This must be an object.")
    missing = sorted(required - value.keys())
    unknown = sorted(value.keys() - required - (optional or set()))
    found = [(f"{pointer}/{name}", f"'{name}' is a required field.") for name in missing]
    found += [(f"{pointer}/{name}", f"'{name}' is not a valid field.") for name in unknown]
    if found:
        refuse_fields(found)
    return value


def check_reference(value: object, pointer: str, kind: str) -> str:
    """Return the id of a reference to a resource of a kind; refuse any other value."""
    reference = check_object(value, pointer, {"type", "id"})
    if reference["type"] != kind or not isinstance(reference["id"], str):
        refuse_field(pointer, f"A reference has the type '{kind}' and an id.")
    return str(reference["id"])


def read_resource(call: Call, kind: str, optional: set[str] | None = None) -> Json:
    """Return the `data` of a body that creates a resource of a kind."""
    document = check_object(parse_json(call.body), "", {"data"})
    data = check_object(document["data"], "/data", {"type", "attributes"}, optional)
    if data["type"] != kind:
        refuse_field("/data/type", f"The resource type must be '{kind}'.")
    return data
