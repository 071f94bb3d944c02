"""The words every vendor is written in: a call, its answer, a refusal, an endpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from sandbox.platforms.state import Store
from sandbox.platforms.windows import Limit, Verdict

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Settings:
    """How the sandbox behaves; every field can be set on the command line or in the environment.

    `polls` is how many status requests a job stays in each unfinished state. `rate_factor`
    multiplies every request limit. `app_secret`, when set, makes Meta require `appsecret_proof`.
    """

    token: str = "sandbox-token"  # noqa: S105 - a documented value for a local sandbox, no secret
    rate_factor: float = 1.0
    polls: int = 1
    app_secret: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One request to a vendor, read completely."""

    method: str
    base_url: str
    params: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    store: Store
    settings: Settings
    now: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """What a vendor replies, how many records it was about, and whether the state changed.

    Bytes are a file and go out as they are; any other body is written as JSON.
    """

    status: int = 200
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    rows: int = 0
    changed: bool = False


class Refusal(Exception):
    """A request the vendor turns down; everything it wrote is rolled back."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"refused with status {answer.status}")
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One route below the vendor's base path, its limits and the parameter that is never logged."""

    method: str
    path: str
    handle: Callable[[Call], Answer]
    limits: tuple[Limit, ...] = ()
    bucket: str = ""
    hidden: str = ""


def _no_headers(verdict: Verdict) -> dict[str, str]:
    return {}


def _nothing_pending(store: Store) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Vendor:
    """One platform: its tables, routes, manners of refusing, and views on its audiences."""

    name: str
    title: str
    tables: str
    endpoints: tuple[Endpoint, ...]
    admit: Callable[[Call], None]
    problem: Callable[[int, str], Answer]
    throttled: Callable[[Verdict], Answer]
    audiences: Callable[[Store], list[Json]]
    members: Callable[[Store, str, int], list[Json]]
    quota: Callable[[Verdict], dict[str, str]] = _no_headers
    settle: Callable[[Store], None] = _nothing_pending
    media_type: str = "application/json"


def parse_json(body: bytes) -> object:
    """Return the JSON value of a body, or None when it is not JSON."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def timestamp(moment: datetime) -> str:
    """Return RFC 3339 in UTC with microseconds and a trailing Z."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
