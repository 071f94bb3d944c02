"""JSON:API error bodies as Klaviyo writes them, and the strict reading of objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn
from uuid import uuid4

from sandbox.platforms.vendor import Answer, Json, Refusal

TITLES = {
    "not_authenticated": "Authentication credentials were not provided.",
    "authentication_failed": "Incorrect authentication credentials.",
    "gone": "Gone.",
    "unsupported_media_type": "Unsupported media type.",
    "throttled": "Request was throttled.",
    "not_found": "Not found.",
    "request_too_large": "Request too large.",
}


def problem_item(status: int, code: str, detail: str, source: Json) -> Json:
    """Return one entry of `errors`."""
    title = TITLES.get(code, "Invalid input.")
    return {
        "id": str(uuid4()), "status": status, "code": code, "title": title, "detail": detail,
        "source": source, "links": {}, "meta": {},
    }  # fmt: skip


def klaviyo_problem(
    status: int, code: str, detail: str, parameter: str | None = None
) -> Answer:
    """Return an error answer with one entry."""
    source: Json = {"parameter": parameter} if parameter else {"pointer": "/data"}
    return Answer(status, {"errors": [problem_item(status, code, detail, source)]})


def refuse(
    status: int, code: str, detail: str, headers: Mapping[str, str] | None = None,
    parameter: str | None = None,
) -> NoReturn:  # fmt: skip
    """Raise a refusal with one entry."""
    answer = klaviyo_problem(status, code, detail, parameter)
    raise Refusal(Answer(status, answer.body, headers or {}))


def refuse_fields(found: list[tuple[str, str]], rows: int = 0) -> NoReturn:
    """Raise 400 with one entry per (pointer, detail)."""
    items = [problem_item(400, "invalid", detail, {"pointer": place}) for place, detail in found]
    raise Refusal(Answer(400, {"errors": items}, rows=rows))


def invalid(pointer: str, detail: str) -> NoReturn:
    """Raise 400 about one field."""
    refuse_fields([(pointer, detail)])


def check_object(value: object, pointer: str, required: set[str], optional: set[str]) -> None:
    """Refuse a value that is no object, lacks a required key or has an unknown one."""
    if not isinstance(value, dict):
        invalid(pointer, "This must be an object.")
    found = [
        (f"{pointer}/{name}", f"'{name}' is a required field.")
        for name in sorted(required - set(value))
    ]
    found += [
        (f"{pointer}/{name}", f"'{name}' is not a valid field.")
        for name in sorted(set(value) - required - optional)
    ]
    if found:
        refuse_fields(found)
