"""The vendors' own Python clients, replayed: what they really send gets the answer they expect.

`vendor_requests.jsonl` holds the requests that klaviyo-api 25.0.0, google-ads-datamanager 0.9.4,
facebook-business 26.0.3, firebase-admin 7.7.0, brevo-python 5.1.0 and hubspot-api-client 12.0.0
sent to this sandbox, in their order, and the
statuses with which each client was content or, for the wrong ones, raised its own error.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

REQUESTS = [
    json.loads(line)
    for line in Path(__file__).with_name("vendor_requests.jsonl").read_text().splitlines()
]
KNOWN = {
    "list_id": ("/klaviyo/api/lists", "data"),
    "job_id": ("/klaviyo/api/profile-bulk-import-jobs", "data"),
}
HEADERS = {
    "klaviyo": {"Authorization": "Klaviyo-API-Key sandbox-token", "revision": "2026-10-15"},
    "google": {"Authorization": "Bearer sandbox-token"},
    "fcm": {"Authorization": "Bearer sandbox-token"},
    "brevo": {"api-key": "sandbox-token"},
    "hubspot": {"Authorization": "Bearer sandbox-token"},
    "meta": {},
}


def filled(text: str, ids: dict[str, str]) -> str:
    """Put the ids of this run where the recording has their names."""
    for name, value in ids.items():
        text = text.replace("{" + name + "}", value)
    return text


def learn(recorded: dict[str, Any], answer: httpx.Response, ids: dict[str, str]) -> None:
    """Remember the ids that the sandbox gave, as a client would."""
    for name, (path, key) in KNOWN.items():
        if (recorded["method"], recorded["path"]) == ("POST", path):
            ids[name] = answer.json()[key]["id"]
    if recorded["path"].endswith(":ingest") and answer.status_code == 200:
        ids["request_id"] = answer.json()["requestId"]


@pytest.mark.parametrize("vendor", ["klaviyo", "google", "meta", "fcm", "brevo", "hubspot"])
def test_a_vendor_client_gets_what_it_expects(
    server: str, inspection: httpx.Client, vendor: str
) -> None:
    """Replaying a client's requests gives the recorded statuses, one by one."""
    ids: dict[str, str] = {}
    recordings = [r for r in REQUESTS if r["path"].startswith(f"/{vendor}/")]

    statuses = []
    for recorded in recordings:
        headers = dict(HEADERS[vendor])
        if "content_type" in recorded:
            headers["Content-Type"] = recorded["content_type"]
        answer = httpx.request(
            recorded["method"],
            f"{server}{filled(recorded['path'], ids)}?{filled(recorded.get('query', ''), ids)}",
            content=filled(recorded.get("body", ""), ids),
            headers=headers,
        )
        learn(recorded, answer, ids)
        statuses.append(answer.status_code)

    assert len(recordings) >= 8
    assert statuses == [recorded["status"] for recorded in recordings]
