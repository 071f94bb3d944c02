"""Error bodies as Brevo writes them, and the strict reading of objects and pages."""

from __future__ import annotations

from typing import NoReturn

from sandbox.platforms.vendor import Answer, Call, Json, Refusal, parse_json


def brevo_problem(status: int, code: str, message: str) -> Answer:
    """Return an error answer."""
    return Answer(status, {"code": code, "message": message})


def refuse(status: int, code: str, message: str) -> NoReturn:
    """Raise a refusal."""
    raise Refusal(brevo_problem(status, code, message))


def invalid(message: str) -> NoReturn:
    """Raise 400 about a value that is wrong."""
    refuse(400, "invalid_parameter", message)


def missing(name: str) -> NoReturn:
    """Raise 400 about a value that is not there."""
    refuse(400, "missing_parameter", f"{name} is missing")


def absent(message: str) -> NoReturn:
    """Raise 404."""
    refuse(404, "document_not_found", message)


def read_body(call: Call, required: set[str], optional: set[str] | None = None) -> Json:
    """Return the object of a body; refuse it when a key is missing or unknown."""
    document = parse_json(call.body)
    if not isinstance(document, dict):
        invalid("Input must be a valid JSON object")
    if left := sorted(required - document.keys()):
        missing(left[0])
    if unknown := sorted(document.keys() - required - (optional or set())):
        invalid(f"Invalid parameter {unknown[0]}")
    return document


def is_number(value: object) -> bool:
    """Say whether a value is an integer that a table can hold."""
    return type(value) is int and 0 <= value < 2**63


def read_numbers(value: object, name: str) -> list[int]:
    """Return a list of ids; refuse any other value."""
    if not isinstance(value, list) or not all(is_number(one) for one in value):
        invalid(f"{name} should be an array of integers")
    return value


def read_flag(document: Json, name: str) -> bool | None:
    """Return a flag, None when it is not there; refuse any other value."""
    value = document.get(name)
    if value is not None and type(value) is not bool:
        invalid(f"{name} should be a boolean")
    return value


def read_page(call: Call, usual: int, largest: int) -> tuple[int, int, str]:
    """Return limit, offset and direction of a collection, newest first unless asked."""
    limit, offset = call.query.get("limit", str(usual)), call.query.get("offset", "0")
    if not limit.isdigit() or not 0 < int(limit[:9]) <= largest:
        refuse(400, "out_of_range", f"Limit exceeds max value {largest}")
    if not offset.isdigit():
        invalid("Offset is not valid")
    sort = call.query.get("sort", "desc")
    if sort not in ("asc", "desc"):
        invalid("sort should be asc or desc")
    return int(limit), int(offset[:18]), sort


def read_id(call: Call, name: str, what: str) -> int:
    """Return an id of the path; refuse one that is no number (400)."""
    text = call.params[name]
    if not text.isdigit() or len(text) > 18:
        invalid(f"Invalid {what} id")
    return int(text)
