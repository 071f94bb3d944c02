"""Error bodies as HubSpot writes them, and the strict reading of objects."""

from __future__ import annotations

from typing import NoReturn
from uuid import uuid4

from sandbox.platforms.vendor import Answer, Call, Json, Refusal, parse_json


def hubspot_problem(
    status: int, category: str, message: str, errors: list[Json] | None = None
) -> Answer:
    """Return an error answer."""
    body: Json = {
        "status": "error", "message": message, "correlationId": str(uuid4()), "category": category,
    }  # fmt: skip
    return Answer(status, {**body, "errors": errors} if errors else body)


def refuse(status: int, category: str, message: str, errors: list[Json] | None = None) -> NoReturn:
    """Raise a refusal."""
    raise Refusal(hubspot_problem(status, category, message, errors))


def invalid(message: str, errors: list[Json] | None = None) -> NoReturn:
    """Raise 400 about what was sent."""
    refuse(400, "VALIDATION_ERROR", message, errors)


def absent(message: str) -> NoReturn:
    """Raise 404."""
    refuse(404, "OBJECT_NOT_FOUND", message)


def check_object(value: object, place: str, required: set[str], optional: set[str]) -> Json:
    """Return the value as an object; refuse it when a key is missing or unknown."""
    if not isinstance(value, dict):
        invalid(f"Invalid input JSON: {place} must be an object")
    if missing := sorted(required - value.keys()):
        invalid(f"Some required fields were not set: [{', '.join(missing)}]")
    if unknown := sorted(value.keys() - required - optional):
        invalid(f'Invalid input JSON: Unrecognized field "{unknown[0]}" in {place}')
    return value


def read_body(call: Call, required: set[str], optional: set[str] | None = None) -> Json:
    """Return the object of a body."""
    return check_object(parse_json(call.body), "the body", required, optional or set())


def read_texts(value: object, name: str) -> list[str]:
    """Return a list of texts; refuse any other value."""
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        invalid(f"Invalid input JSON: {name} must be a list of strings")
    return value


def number_of(text: object) -> int:
    """Return the number of a record or list; -1 for what can be none."""
    return int(text) if isinstance(text, str) and text.isdigit() and len(text) < 19 else -1
