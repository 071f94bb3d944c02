"""Error bodies in the google.rpc.Status form that Google's APIs share."""

from __future__ import annotations

from sandbox.platforms.vendor import Answer, Json, Refusal

STATUS_NAMES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
}


def rpc_problem(status: int, message: str, details: list[Json] | None = None) -> Answer:
    """Return the error answer for an HTTP status, with optional typed details."""
    error: Json = {"code": status, "message": message, "status": STATUS_NAMES[status]}
    if details:
        error["details"] = details
    return Answer(status, {"error": error})


def field_problem(message: str, violations: list[Json]) -> Answer:
    """Return INVALID_ARGUMENT naming the fields, as the JSON transcoder does for unknown names."""
    detail = {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations}
    return rpc_problem(400, message, [detail])


def require_bearer(authorization: str | None, token: str) -> None:
    """Refuse a request without the sandbox's bearer token (401 UNAUTHENTICATED)."""
    if authorization == f"Bearer {token}":
        return
    message = (
        "Request had invalid authentication credentials."
        if authorization
        else "Request is missing required authentication credential."
    )
    raise Refusal(rpc_problem(401, message))
