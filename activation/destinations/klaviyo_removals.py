"""Take profiles out of a Klaviyo list: find their ids first."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from activation.destinations.base import (
    Batch,
    FollowUp,
    Outcome,
    Prepared,
    Request,
    Settled,
    Target,
)
from activation.destinations.klaviyo_profiles import MEDIA_TYPE, known_as, plain

_LOOKUP_ROWS = 100


def lookups(batch: Batch) -> Prepared:
    """Ask for the profiles of rows; who was never known by anything has nothing to take out."""
    wanted: dict[str, dict[str, list[int]]] = {}
    settled = []
    for row in batch.rows:
        key = known_as(row)
        if key is None:
            settled.append(row.number)
            continue
        wanted.setdefault(key[0], {}).setdefault(key[1], []).append(row.number)
    requests = tuple(
        _lookup("find_erased" if batch.is_erasure else "find_profiles", batch.target, kind, part)
        for kind, values in wanted.items()
        for part in map(dict, _parts(list(values.items())))
    )
    return Prepared(requests, settled=tuple(settled))


def _parts(
    values: list[tuple[str, list[int]]],
) -> Iterable[list[tuple[str, list[int]]]]:
    return (values[start : start + _LOOKUP_ROWS] for start in range(0, len(values), _LOOKUP_ROWS))


def _lookup(step: str, target: Target, kind: str, values: dict[str, list[int]]) -> Request:
    parameters = {
        "filter": f"any({kind},{orjson.dumps(list(values)).decode()})",
        "fields[profile]": kind,
        "page[size]": "100",
    }
    rows = tuple(number for numbers in values.values() for number in numbers)
    context = (target, kind, values)
    return Request(step, "GET", "/api/profiles", rows, parameters, context=context)


def found_profiles(request: Request, document: Mapping[str, Any]) -> Outcome:
    """Take the profiles found out of the list; a row without profile has nothing to take out."""
    target, kind, values = request.context
    members = [
        {"type": "profile", "id": profile["id"]}
        for profile in document["data"]
        if plain(kind, profile["attributes"][kind]) in values
    ]
    if not members:
        return Settled(delivered=request.rows)
    removal = Request(
        "remove_members",
        "DELETE",
        f"/api/lists/{target.identifier}/relationships/profiles",
        rows=request.rows,
        body=orjson.dumps({"data": members}),
        content_type=MEDIA_TYPE,
    )
    return FollowUp((removal,))
