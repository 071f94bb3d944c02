"""Remember which list at the platform belongs to a sync, so that it is looked up once."""

from activation.connection import Connection
from activation.destinations.base import Target
from activation.ledger import now
from activation.spec import SyncSpec


def known_target(connection: Connection, spec: SyncSpec, account: str) -> Target | None:
    """Return the remembered target of a sync, if any."""
    rows = connection.execute(
        "select identifier from ledger.targets"
        " where destination = ? and account = ? and surface = ? and name = ?",
        _key(spec, account),
    )
    return Target(rows[0][0], spec.target) if rows else None


def remember_target(connection: Connection, spec: SyncSpec, account: str, target: Target) -> None:
    """Store the platform's identifier of a sync's target."""
    with connection.transaction():
        forget_target(connection, spec, account)
        connection.execute(
            "insert into ledger.targets values (?, ?, ?, ?, ?, ?)",
            (*_key(spec, account), target.identifier, now()),
        )


def forget_target(connection: Connection, spec: SyncSpec, account: str) -> None:
    """Forget a target that no longer exists at the platform."""
    connection.execute(
        "delete from ledger.targets"
        " where destination = ? and account = ? and surface = ? and name = ?",
        _key(spec, account),
    )


def _key(spec: SyncSpec, account: str) -> tuple[str, str, str, str]:
    return spec.destination, account, spec.surface, spec.target
