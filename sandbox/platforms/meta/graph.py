"""The Graph API's manners: parameters from anywhere, access tokens, error bodies."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable
from hashlib import sha256
from typing import NoReturn
from urllib.parse import parse_qsl

from sandbox.platforms.vendor import Answer, Call, Json, Refusal, parse_json
from sandbox.platforms.windows import Verdict

_CREDENTIALS = {"access_token", "appsecret_proof"}
_OBJECTS = ("payload", "session")


def graph_problem(status: int, code: int, message: str, subcode: int | None = None) -> Answer:
    """Return a Graph API error body."""
    error: Json = {"message": message, "type": "OAuthException", "code": code}
    if subcode is not None:
        error["error_subcode"] = subcode
    return Answer(status, {"error": {**error, "fbtrace_id": secrets.token_urlsafe(8)}})


def refuse(code: int, message: str, subcode: int | None = None) -> NoReturn:
    """Raise a 400 with a Graph error code."""
    raise Refusal(graph_problem(400, code, f"(#{code}) {message}", subcode))


def throttled(verdict: Verdict) -> Answer:
    """Return code 80003: too many calls to the custom audiences of an account."""
    return graph_problem(400, 80003, "(#80003) There have been too many calls to this account.")


def read_parameters(call: Call) -> Json:
    """Return query and body parameters as one object; JSON texts of a form are decoded."""
    given: Json = dict(call.query)
    media_type = call.headers.get("content-type", "").partition(";")[0].strip()
    if call.body and media_type == "application/json":
        document = parse_json(call.body)
        if not isinstance(document, dict):
            refuse(100, "The body is not a JSON object")
        given |= document
    elif call.body:
        pairs = parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True)
        given |= dict(pairs)
    for name in _OBJECTS:
        if isinstance(given.get(name), str):
            given[name] = parse_json(given[name].encode())
    return given


def admit(call: Call, given: Json) -> None:
    """Refuse a call without the access token (401, code 190) or with a wrong secret proof."""
    bearer = call.headers.get("authorization", "").removeprefix("Bearer ")
    if (given.get("access_token") or bearer) != call.settings.token:
        message = "Invalid OAuth access token - Cannot parse access token"
        raise Refusal(graph_problem(401, 190, message))
    if call.settings.app_secret is None:
        return
    proof = given.get("appsecret_proof")
    secret, token = call.settings.app_secret.encode(), call.settings.token.encode()
    if proof is None:
        refuse(100, "API calls from the server require an appsecret_proof argument")
    if not hmac.compare_digest(str(proof), hmac.new(secret, token, sha256).hexdigest()):
        refuse(100, "Invalid appsecret_proof provided in the API argument")


def own_parameters(given: Json, names: Iterable[str]) -> Json:
    """Return the parameters without credentials; refuse any that are not among the names."""
    own = {k: v for k, v in given.items() if k not in _CREDENTIALS}
    if unknown := own.keys() - set(names):
        refuse(100, f"Unknown parameter {min(unknown)}")
    return own
