"""Say beforehand how many requests a plan takes, for how long, and which rows cannot be sent."""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from activation.comparison import Comparison
from activation.destinations.base import Batch, Operation, Row, Target
from activation.destinations.capabilities import Capabilities
from activation.statements import render

_UPSERTS = "action in ('add', 'change', 'retry')"
_REMOVALS = f"action = 'remove' or ({_UPSERTS} and stale <> '')"

_SAMPLE = """
select {values}, stale, {key} from {table} where {condition} order by row_key limit {limit}
"""


@dataclass(frozen=True)
class Estimate:
    """What delivering a whole plan takes; exact when every row was looked at.

    `minutes` is what the platform's published rate asks for, `invalid_by_code` counts the rows
    among those looked at that its rules for values do not let through.
    """

    requests: int = 0
    minutes: float = 0.0
    invalid_by_code: dict[str, int] = field(default_factory=dict)
    is_exact: bool = True


@dataclass
class _Tally:
    """Requests by step and invalid rows by code, summed up while looking at batches."""

    steps: Counter[str] = field(default_factory=Counter)
    invalid: Counter[str] = field(default_factory=Counter)
    is_exact: bool = True


def estimate(comparison: Comparison, destination: Any, table: str) -> Estimate:
    """Have the first batch of removals and of upserts prepared; the others are like it."""
    spec, capabilities = comparison.spec, comparison.spec.capabilities
    if capabilities.surfaces[spec.surface].mirror == "replace":
        return Estimate()
    tally = _Tally()
    limits = capabilities.batch
    operations: tuple[tuple[Operation, str, str, str, int], ...] = (
        ("remove", "held_identifiers", "ledger_key", _REMOVALS, limits.removal_rows),
        ("upsert", "payload", "row_key", _UPSERTS, limits.upsert_rows),
    )
    for operation, values, key, condition, limit in operations:
        count = comparison.connection.execute(f"select count(*) from {table} where {condition}")
        parts = {"values": values, "key": key, "condition": condition}
        sample = render(_SAMPLE, table=table, limit=limit, **parts)
        rows = tuple(_read(comparison.connection.execute(sample)))
        if rows:
            batch = Batch(
                operation,
                rows,
                Target("0", spec.target),
                frozenset(spec.purposes),
                layout=spec.layout,
            )
            _look(tally, destination, batch, int(count[0][0]))
    return Estimate(
        sum(tally.steps.values()),
        _minutes(capabilities, tally.steps),
        dict(tally.invalid),
        tally.is_exact,
    )


def _look(tally: _Tally, destination: Any, batch: Batch, count: int) -> None:
    prepared = destination.requests(batch)
    factor = count / len(batch.rows)
    follow_ups = destination.capabilities.follow_ups
    for step, number in Counter(request.step for request in prepared.requests).items():
        for asked in (step, *follow_ups.get(step, ())):
            tally.steps[asked] += math.ceil(number * factor)
    if batch.operation == "upsert":
        tally.invalid.update(prepared.invalid.values())
    tally.is_exact = tally.is_exact and factor == 1


def _read(found: list[tuple[str, str | None, str]]) -> Iterator[Row]:
    for number, (values, stale, key) in enumerate(found):
        names = frozenset((stale or "").split(",")) - {""}
        yield Row(number, orjson.loads(values), names, key)


def _minutes(capabilities: Capabilities, steps: Counter[str]) -> float:
    """Return how long the slowest kind of request takes at its steady rate."""
    rates = {step: capabilities.step_rates.get(step, capabilities.rate) for step in steps}
    return max((n / rates[step].steady_per_minute for step, n in steps.items()), default=0.0)
