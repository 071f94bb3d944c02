"""Answer "why did I get this": for every message and list, the audience and the legal ground."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from activation.recipients import remembered_syncs
from activation.spec import SyncSpec
from orchestration.warehouse import Connection

_RECEIVED = """
select
    sync, account, contact_point_id, is_held, min(first_held_at) as since,
    max(acknowledged_at) as latest
from ledger.sync_rows
where list_contains(?, customer_id) and first_held_at is not null
group by all
order by since, sync, account, contact_point_id, is_held
"""
_STATEMENTS = """
select
    purpose, identifier_type, legal_ground, status, is_allowed, reason, occurred_at, expires_at,
    collected_by, text_version, proof_reference, source
from privacy.consents
where contact_point_id = ? and channel = ? and list_contains(?, purpose)
order by purpose
"""
_FORMER = "select former_customer_id from core.customer_aliases where customer_id = ?"
_GROUNDS = {
    "consent": "your consent",
    "similar_goods": "your purchase of similar goods",
    "contract": "our contract with you",
    "legitimate_interest": "our legitimate interest",
}
_KINDS = {
    "email": "e-mail address", "phone": "phone number", "push_token": "app",
    "postal_address": "postal address", "device": "device",
}  # fmt: skip
_ABOUT_ROWS = "One row per"


@dataclass(frozen=True)
class Received:
    """Something that reached a person: which platform, which audience, since when, and why."""

    sync: str
    platform: str
    audience: str
    since: datetime
    is_held: bool
    why: str
    grounds: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """Return an answer that can be given to the person."""
        is_there = "You are" if self.is_held else "You were"
        since = f"{self.since:%Y-%m-%d}"
        parts = (
            f"{is_there} in “{self.audience}” at {self.platform} since {since}.",
            *self.grounds,
            f"Who is in it: {self.why}",
        )
        return " ".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """Return the parts as plain values."""
        return {
            "sync": self.sync, "platform": self.platform, "audience": self.audience,
            "since": self.since, "is_held": self.is_held, "answer": self.sentence,
        }  # fmt: skip


def received(
    connection: Connection, customer_id: str, audiences: Mapping[str, str]
) -> tuple[Received, ...]:
    """Return what a person got from any sync that ever ran, under former ids too.

    `audiences` says by sync whom it is for. The ground is the statement that decides now about the
    contact point that was used.
    """
    if not connection.table_exists("ledger", "sync_rows"):
        return ()
    ids = [customer_id, *(str(row[0]) for row in connection.execute(_FORMER, (customer_id,)))]
    specs = remembered_syncs(connection)
    return tuple(
        _told(connection, row, specs.get((str(row[0]), str(row[1]))), audiences)
        for row in connection.execute(_RECEIVED, (ids,))
    )


def describe_audiences(
    specs: Iterable[SyncSpec], descriptions: Mapping[str, str]
) -> dict[str, str]:
    """Return whom each sync is for, from what is said of its relation."""
    return {spec.name: descriptions.get(spec.relation, "") for spec in specs}


def describe_relations(nodes: Mapping[str, Any]) -> dict[str, str]:
    """Return what each relation of a manifest's models is, by its name in the warehouse."""
    models = (node for node in nodes.values() if node["resource_type"] == "model")
    return {
        f"{node['schema']}.{node['alias']}": " ".join(node["description"].split())
        for node in models
    }


def _told(
    connection: Connection,
    row: Sequence[Any],
    spec: SyncSpec | None,
    audiences: Mapping[str, str],
) -> Received:
    sync, _, point, is_held, since, _ = row
    audience = spec.target if spec else str(sync)
    why = audiences.get(str(sync), "")
    return Received(
        sync=str(sync),
        platform=(spec.destination if spec else str(sync).split("__")[0]).replace("_", " "),
        audience=audience,
        since=since,
        is_held=bool(is_held),
        why=why.split(_ABOUT_ROWS)[0].strip() or "an audience that is no longer in use.",
        grounds=tuple(_grounds(connection, spec, point)),
    )


def _grounds(connection: Connection, spec: SyncSpec | None, point: str | None) -> Iterator[str]:
    if spec is None:
        return
    if spec.is_internal:
        yield "It never left the company."
        return
    found = connection.execute(_STATEMENTS, (point, spec.channel, list(spec.purposes)))
    if not found:
        yield "Nothing is known any more that would permit it: nothing is sent now."
    for statement in found:
        yield _ground(*statement)


def _ground(
    purpose: str,
    kind: str,
    ground: str,
    status: str,
    is_allowed: bool,
    reason: str,
    occurred_at: datetime,
    expires_at: datetime | None,
    collected_by: str | None,
    text_version: str | None,
    proof: str | None,
    source: str,
) -> str:
    """Say in one sentence what permits a purpose, or no longer does."""
    made = f"{status} on {occurred_at:%Y-%m-%d}"
    told = [
        f"made at {collected_by.replace('_', ' ')}"
        if collected_by
        else f"kept by {_keeper(source)}"
    ]
    told += [f"text {text_version}"] if text_version else []
    told += [f"proof {proof}"] if proof else []
    told += [f"valid until {expires_at:%Y-%m-%d}"] if expires_at else []
    basis = _GROUNDS.get(ground, ground.replace("_", " "))
    sentence = (
        f"The ground for {purpose.replace('_', ' ')} is {basis} for this "
        f"{_KINDS.get(kind, kind.replace('_', ' '))}, {made} ({', '.join(told)})."
    )
    if is_allowed:
        return sentence
    return f"{sentence} It does not permit that any more ({reason.replace('_', ' ')})."


def _keeper(source: str) -> str:
    return "the e-mail tool" if source == "mail" else "the consent platform"
