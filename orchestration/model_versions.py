"""Which version of a prediction scores: the newest one trained, or one that somebody pinned."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ml.errors import VersionNotFound
from ml.registry import Registry
from orchestration.warehouse import Connection

PINS = """
create table if not exists ml.pins (
    model_name varchar, model_version varchar, sha256 varchar, reason varchar, pinned_at timestamp
)
"""
TRAINED = """
select model_version, as_of, status, report, sha256 from ml.trainings
where model_name = ? order by as_of desc, trained_at desc
"""


@dataclass(frozen=True)
class Training:
    """What came of a training: its version, or None where it was refused.

    `measure` is the published kind's and `naive` the baseline's; None where there is none.
    """

    version: str | None
    as_of: datetime
    status: str
    measure_name: str | None
    measure: float | None
    naive: float | None
    sha256: str | None
    is_used: bool = False
    is_pinned: bool = False


@dataclass(frozen=True)
class Pin:
    """A version that somebody chose, the digest of its file, and why and when they did."""

    version: str
    sha256: str
    reason: str
    pinned_at: datetime


def read_pin(connection: Connection, name: str) -> Pin | None:
    """Return what is pinned for a prediction."""
    if not connection.table_exists("ml", "pins"):
        return None
    query = "select model_version, sha256, reason, pinned_at from ml.pins where model_name = ?"
    found = connection.execute(query, (name,))
    return Pin(*found[0]) if found else None


def list_trainings(connection: Connection, name: str) -> list[Training]:
    """Return the trainings of a prediction, newest first, and which version scores."""
    if not connection.table_exists("ml", "trainings"):
        return []
    pin = read_pin(connection, name)
    trainings = []
    for place, (version, as_of, status, report, sha256) in enumerate(
        connection.execute(TRAINED, (name,))
    ):
        is_pinned = pin is not None and version == pin.version
        is_used = is_pinned or (pin is None and place == 0 and version is not None)
        told = _measures(json.loads(report))
        trainings.append(Training(version, as_of, status, *told, sha256, is_used, is_pinned))
    return trainings


def roll_back(
    connection: Connection, name: str, models: Path, *, version: str | None, reason: str
) -> str:
    """Pin a version, or the one trained before the version that scores; return which.

    It scores until the pin is released, whatever is trained meanwhile. Its file is checked first.
    Raises VersionNotFound when there is no such version, VersionCorrupt when its file changed.
    """
    trainings = list_trainings(connection, name)
    chosen = _named(trainings, version) if version else _former(trainings)
    if chosen is None:
        known = sorted({one.version for one in trainings if one.version})
        what = f"no version {version}" if version else "no version before the one in use"
        listed = f"Known: {', '.join(known)}." if known else "Nothing was trained yet."
        raise VersionNotFound(f"{name} has {what}. {listed}")
    Registry(models).load(name, str(chosen.version), sha256=chosen.sha256)
    connection.execute(PINS)
    now = datetime.now(UTC).replace(tzinfo=None)
    with connection.transaction():
        connection.execute("delete from ml.pins where model_name = ?", (name,))
        connection.execute(
            "insert into ml.pins values (?, ?, ?, ?, ?)",
            (name, chosen.version, chosen.sha256, reason, now),
        )
    return str(chosen.version)


def release(connection: Connection, name: str) -> bool:
    """Let the newest training score again; returns whether anything was pinned."""
    was_pinned = read_pin(connection, name) is not None
    if was_pinned:
        connection.execute("delete from ml.pins where model_name = ?", (name,))
    return was_pinned


def _named(trainings: Sequence[Training], version: str) -> Training | None:
    return next((one for one in trainings if one.version == version), None)


def _former(trainings: Sequence[Training]) -> Training | None:
    """Return the newest training that is older than the version in use and another."""
    used = next((place for place, one in enumerate(trainings) if one.is_used), -1)
    current = trainings[used].version if used >= 0 else None
    older = trainings[used + 1 :]
    return next((one for one in older if one.version and one.version != current), None)


def _measures(report: dict[str, object]) -> tuple[str | None, float | None, float | None]:
    name, metrics = report.get("measure"), report.get("metrics")
    if not isinstance(name, str) or not isinstance(metrics, dict):
        return None, None, None
    kinds = (report["champion"], report["baseline"])
    reached, naive = (metrics.get(kind, {}).get(name) for kind in kinds)
    return name, reached, naive
