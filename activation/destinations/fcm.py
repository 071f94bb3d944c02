"""Keep Firebase Cloud Messaging topics in step: one registration token per request."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import quote

from activation.destinations.answers import common_outcome, place, read_answer
from activation.destinations.base import (
    Batch,
    Outcome,
    Prepared,
    Request,
    Response,
    Retry,
    Settled,
    Stop,
    Target,
)
from activation.destinations.capabilities import BatchLimits, Capabilities, Rate, Surface
from activation.errors import PlatformRefused

_ROW_CODES = {"UNREGISTERED", "SENDER_ID_MISMATCH", "INVALID_ARGUMENT"}


@dataclass(frozen=True)
class FcmSettings:
    """Where and as whom to talk to Firebase, and for which project."""

    ENVIRONMENT: ClassVar[Mapping[str, str]] = {
        "access_token": "REGULARS_FCM_ACCESS_TOKEN",
        "project_id": "REGULARS_FCM_PROJECT_ID",
        "base_url": "REGULARS_FCM_BASE_URL",
    }
    REQUIRED: ClassVar[tuple[str, ...]] = ("access_token", "project_id")

    access_token: str = field(default="", repr=False)
    project_id: str = ""
    base_url: str = "https://fcm.googleapis.com"


@dataclass(frozen=True)
class Fcm:
    """FCM's topic subscriptions (v1)."""

    settings: FcmSettings
    capabilities: ClassVar[Capabilities] = Capabilities(
        name="fcm",
        surfaces={"topic": Surface("membership")},
        fields=frozenset({"token"}),
        identities=(("token",),),
        addresses={"push_token": "token"},
        batch=BatchLimits(upsert_rows=25, removal_rows=25),
        rate=Rate(burst_per_second=1_000, steady_per_minute=150_000),
        in_flight=32,
        normaliser="fcm/1",
    )

    @property
    def base_url(self) -> str:
        """Return the address every path is appended to."""
        return self.settings.base_url

    @property
    def account(self) -> str:
        """Return the host and the Firebase project."""
        return f"{place(self.settings.base_url)}|{self.settings.project_id}"

    def headers(self) -> Mapping[str, str]:
        """Return the credentials."""
        return {"authorization": f"Bearer {self.settings.access_token}"}

    def parameters(self) -> Mapping[str, str]:
        """Return nothing: FCM needs no query parameter on every request."""
        return {}

    def target(self, name: str) -> Target:
        """Return the topic: an opaque name, because anybody with the app can read topic names."""
        digest = hashlib.sha256(f"{self.settings.project_id}|{name}".encode()).hexdigest()
        return Target(f"r-{digest[:32]}", name)

    def requests(self, batch: Batch) -> Prepared:
        """Subscribe or unsubscribe each token by a request of its own."""
        if batch.operation == "remove":
            kept = tuple(row.number for row in batch.rows if "token" not in row.stale)
            rows = [row for row in batch.rows if "token" in row.stale]
        else:
            kept, rows = (), list(batch.rows)
        tokens = [(row.number, str(row.values.get("token") or "").strip()) for row in rows]
        invalid = {number: "no_token" for number, token in tokens if not token}
        usable = [(number, token) for number, token in tokens if token]
        return Prepared(tuple(self._topic_requests(batch, usable)), invalid, kept)

    def _topic_requests(self, batch: Batch, tokens: list[tuple[int, str]]) -> Iterator[Request]:
        project = quote(self.settings.project_id, safe="")
        topic = batch.target.identifier
        for number, token in tokens:
            registration = quote(token, safe="")
            path = f"/v1/projects/{project}/registrations/{registration}/topicSubscriptions"
            if batch.operation == "upsert":
                named = {"topic_name": topic}
                yield Request("subscribe", "POST", path, (number,), parameters=named, body=b"{}")
            else:
                missing = {"allow_missing": "true"}
                yield Request(
                    "unsubscribe", "DELETE", f"{path}/{topic}", (number,), parameters=missing
                )

    def classify(self, request: Request, response: Response) -> Outcome:
        """Say what an answer of FCM means for its token."""
        return read_answer("fcm", request, response, lambda: _read(request, response))


def _read(request: Request, response: Response) -> Outcome:
    if response.status < 300:
        return _garbled() if response.document() is None else Settled(request.rows)
    if response.status == 409 and request.step == "subscribe":
        return Settled(request.rows)
    code = _error_code(response)
    if response.status in (400, 403, 404) and code in _ROW_CODES:
        gone = code == "UNREGISTERED" and request.step == "unsubscribe"
        rejected = {} if gone else dict.fromkeys(request.rows, code.lower())
        return Settled(request.rows if gone else (), rejected)
    outcome = common_outcome("fcm", "REGULARS_FCM_ACCESS_TOKEN", request, response)
    return outcome or _refusal(request, response)


def _garbled() -> Retry:
    return Retry("garbled_answer")


def _error_code(response: Response) -> str:
    """Return FCM's own error code, or the general one of the answer."""
    error: Any = (response.document() or {}).get("error")
    if not isinstance(error, Mapping):
        return ""
    for detail in error.get("details") or []:
        if isinstance(detail, Mapping) and detail.get("errorCode"):
            return str(detail["errorCode"])
    return str(error.get("status") or "")


def _refusal(request: Request, response: Response) -> Outcome:
    """Tell a project without the topic API (404 on everything) from a wrong token."""
    if response.status == 404:
        msg = (
            "fcm answers 404 to topic management. Check REGULARS_FCM_PROJECT_ID, and that the "
            "project has the topic subscription API."
        )
        return Stop(PlatformRefused(msg))
    return Settled(rejected=dict.fromkeys(request.rows, f"http_{response.status}"))
