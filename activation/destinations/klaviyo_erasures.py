"""Have Klaviyo delete profiles for good, one job per profile."""

from collections.abc import Mapping
from typing import Any

import orjson

from activation.destinations.base import FollowUp, Outcome, Request, Settled
from activation.destinations.klaviyo_profiles import MEDIA_TYPE, plain


def erasures(request: Request, document: Mapping[str, Any]) -> Outcome:
    """Return a deletion job per profile found; a row without profile has nothing to delete."""
    _, kind, values = request.context
    found = {
        profile["id"]: tuple(rows)
        for profile in document["data"]
        if (rows := values.get(plain(kind, profile["attributes"][kind])))
    }
    jobs = tuple(_job(profile, rows) for profile, rows in found.items())
    waiting = {number for rows in found.values() for number in rows}
    settled = Settled(delivered=tuple(row for row in request.rows if row not in waiting))
    return FollowUp(jobs, settled) if jobs else settled


def _job(profile: str, rows: tuple[int, ...]) -> Request:
    named = {"data": {"type": "profile", "id": profile}}
    job = {"type": "data-privacy-deletion-job", "attributes": {"profile": named}}
    return Request(
        "erase_profile",
        "POST",
        "/api/data-privacy-deletion-jobs",
        rows,
        body=orjson.dumps({"data": job}),
        content_type=MEDIA_TYPE,
    )
