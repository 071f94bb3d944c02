"""Fill a world with persons, and write a figure down."""

import time
from collections.abc import Callable
from typing import Any

from tests.activation.world import World


def fill(world: World, rows: int) -> None:
    """Desire persons, all allowed."""
    names = ", ".join(field.name for field in world.spec.fields)
    values = {
        "email": "'person' || i || '@example.com'",
        "external_id": "md5(cast(i as varchar))",
        "first_name": "'Ada'",
        "phone": "'+4670' || cast(1000000 + i as varchar)",
        "property_spend": "i % 1000 / 8",
        "token": "'token-' || i",
    }
    chosen = ", ".join(values[field.name] for field in world.spec.fields)
    world.connection.execute("set threads = 2")
    world.connection.execute(
        f"insert into {world.spec.relation} (customer_id, contact_point_id, {names})"
        f" select md5(cast(i as varchar)), 'p' || i, {chosen} from range({rows}) as r (i)"
    )
    kind, address = ("push_token", "token") if "token" in names else ("email", "email")
    channel = "push" if kind == "push_token" else "email"
    world.connection.execute(
        f"insert into contact.contact_points select contact_point_id, customer_id, '{kind}',"
        f" '{channel}', {address}, true from {world.spec.relation}"
    )
    for purpose in world.spec.purposes:
        world.connection.execute(
            "insert into privacy.consents (contact_point_id, purpose, channel, is_allowed, reason)"
            f" select contact_point_id, '{purpose}', '{world.spec.channel}', true, 'allowed'"
            f" from {world.spec.relation}"
        )


def seconds_of(work: Callable[[], object]) -> float:
    """Return the wall seconds of some work."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def figure(
    name: str, value: float, unit: str, size: int, ratio: float, reference: str
) -> dict[str, Any]:
    """Return a figure as the benchmarks print it."""
    return {
        "name": name,
        "value": round(value, 2),
        "unit": unit,
        "size": f"{size:,} rows",
        "ratio": round(ratio, 2),
        "ratio_to": reference,
    }
