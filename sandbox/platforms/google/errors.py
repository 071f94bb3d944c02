"""The Data Manager API's error bodies: a reason, a request id and the fields that are wrong."""

from __future__ import annotations

from typing import NoReturn
from uuid import uuid4

from sandbox.platforms.google_rpc import field_problem, rpc_problem
from sandbox.platforms.vendor import Answer, Json, Refusal
from sandbox.platforms.windows import Verdict

_TYPE = "type.googleapis.com/google.rpc."
_DOMAIN = "datamanager.googleapis.com"


def refuse(status: int, reason: str, message: str, found: list[Json] | None = None) -> NoReturn:
    """Raise an error with its reason, a request id and field violations."""
    request_id = str(uuid4())
    metadata = {"requestId": request_id}
    details: list[Json] = [
        {"@type": f"{_TYPE}ErrorInfo", "reason": reason, "domain": _DOMAIN, "metadata": metadata},
        {"@type": f"{_TYPE}RequestInfo", "requestId": request_id},
    ]
    if found:
        details.append({"@type": f"{_TYPE}BadRequest", "fieldViolations": found})
    raise Refusal(rpc_problem(status, message, details))


def refuse_fields(found: list[Json]) -> NoReturn:
    """Raise 400 INVALID_ARGUMENT: the whole request is rejected, nothing of it is stored."""
    refuse(400, "INVALID_ARGUMENT", "There was a problem with the request.", found)


def refuse_field(field: str, reason: str, description: str | None = None) -> NoReturn:
    """Raise 400 INVALID_ARGUMENT about one field."""
    refuse_fields([violation(field, reason, description)])


def violation(field: str, reason: str, description: str | None = None) -> Json:
    """Return one entry of `fieldViolations`."""
    found = {"field": field, "reason": reason}
    return {**found, "description": description} if description else found


def refuse_json(place: str, text: str) -> NoReturn:
    """Raise what the JSON transcoder answers before the API sees the request."""
    message = f"Invalid JSON payload received. {text}"
    raise Refusal(field_problem(message, [{"field": place, "description": text}]))


def refuse_unknown(place: str, names: set[str]) -> NoReturn:
    """Raise the transcoder's answer to a field that does not exist."""
    name = min(names, default="?")
    refuse_json(place, f"Unknown name \"{name}\" at '{place}': Cannot find field.")


def throttled(verdict: Verdict) -> Answer:
    """Return 429 RESOURCE_EXHAUSTED naming the bucket; Google sends no rate headers."""
    metadata = {"quota_limit": "RequestsPerMinutePerProject", "service": _DOMAIN}
    detail = {"@type": f"{_TYPE}ErrorInfo", "reason": "RATE_LIMIT_EXCEEDED",
              "domain": "googleapis.com", "metadata": metadata}  # fmt: skip
    return rpc_problem(429, "Quota exceeded for quota metric 'Requests'.", [detail])
