"""One sandbox server for a module's tests, emptied before each of them, and a client per vendor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from sandbox.platforms.server import running_in_thread
from sandbox.platforms.vendor import Settings

TOKEN = Settings().token
BEARER = {"Authorization": f"Bearer {TOKEN}"}
KLAVIYO_HEADERS = {
    "Authorization": f"Klaviyo-API-Key {TOKEN}",
    "revision": "2026-10-15",
    "Content-Type": "application/vnd.api+json",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the platforms without any practical rate limit."""
    database = tmp_path_factory.mktemp("platforms") / "platforms.sqlite"
    with running_in_thread(database, Settings(rate_factor=10_000)) as url:
        yield url


@pytest.fixture
def inspection(server: str) -> Iterator[httpx.Client]:
    """Open the view behind the curtain, over a server that knows nothing yet."""
    with httpx.Client(base_url=server) as client:
        client.post("/_reset").raise_for_status()
        yield client


@pytest.fixture
def klaviyo(server: str, inspection: httpx.Client) -> Iterator[httpx.Client]:
    """Open Klaviyo's API with a key and the current revision."""
    with httpx.Client(base_url=f"{server}/klaviyo", headers=KLAVIYO_HEADERS) as client:
        yield client


@pytest.fixture
def google(server: str, inspection: httpx.Client) -> Iterator[httpx.Client]:
    """Open Google's Data Manager API."""
    with httpx.Client(base_url=f"{server}/google", headers=BEARER) as client:
        yield client


@pytest.fixture
def meta(server: str, inspection: httpx.Client) -> Iterator[httpx.Client]:
    """Open Meta's Marketing API."""
    with httpx.Client(base_url=f"{server}/meta/v26.0", headers=BEARER) as client:
        yield client


@pytest.fixture
def fcm(server: str, inspection: httpx.Client) -> Iterator[httpx.Client]:
    """Open Firebase Cloud Messaging."""
    with httpx.Client(base_url=f"{server}/fcm/v1/projects/shop", headers=BEARER) as client:
        yield client


@pytest.fixture
def brevo(server: str, inspection: httpx.Client) -> Iterator[httpx.Client]:
    """Open Brevo's API with a key."""
    with httpx.Client(base_url=f"{server}/brevo/v3", headers={"api-key": TOKEN}) as client:
        yield client


@pytest.fixture
def hubspot(server: str, inspection: httpx.Client) -> Iterator[httpx.Client]:
    """Open HubSpot's CRM API with a token."""
    with httpx.Client(base_url=f"{server}/hubspot/crm/v3", headers=BEARER) as client:
        yield client


@pytest.fixture
def members(inspection: httpx.Client) -> Callable[[str, str], list[dict[str, Any]]]:
    """Return a reader of the members of a vendor's audience."""

    def read(vendor: str, audience: str) -> list[dict[str, Any]]:
        answer = inspection.get(f"/_state/{vendor}/audiences/{audience}/members")
        found: list[dict[str, Any]] = answer.raise_for_status().json()["members"]
        return found

    return read


@pytest.fixture
def last_request(inspection: httpx.Client) -> Callable[[], dict[str, Any]]:
    """Return a reader of the request that was logged last."""

    def read() -> dict[str, Any]:
        logged: list[dict[str, Any]] = inspection.get("/_requests").json()["requests"]
        return logged[-1]

    return read
