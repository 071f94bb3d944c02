"""Remember which list at the platform belongs to a sync, so that it is looked up once."""

from activation.connection import Connection
from activation.destinations.base import Target
from activation.errors import ReceiverGone
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


def remember_gone(connection: Connection, spec: SyncSpec, account: str) -> None:
    """Note that a receiver is gone for good; the caller commits."""
    forget_gone(connection, spec, account)
    connection.execute(
        "insert into ledger.gone values (?, ?, ?)", (spec.destination, account, now())
    )


def forget_gone(connection: Connection, spec: SyncSpec, account: str) -> None:
    """Let a receiver that was gone be asked again."""
    connection.execute(
        "delete from ledger.gone where destination = ? and account = ?",
        (spec.destination, account),
    )


def refuse_gone(connection: Connection, spec: SyncSpec, account: str) -> None:
    """Raise ReceiverGone when the receiver has said so; another address is another account."""
    rows = connection.execute(
        "select min(noted_at) from ledger.gone where destination = ? and account = ?",
        (spec.destination, account),
    )
    if rows[0][0] is not None:
        msg = (
            f"{spec.name}: {spec.destination} said on {rows[0][0]:%Y-%m-%d} that it is gone (HTTP "
            f"410) and was not asked again. Set its new address; if it is back at the same one, "
            f"run `regulars retry {spec.name}`."
        )
        raise ReceiverGone(msg)


def _key(spec: SyncSpec, account: str) -> tuple[str, str, str, str]:
    return spec.destination, account, spec.surface, spec.target
