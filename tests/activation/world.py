"""A small warehouse with customers, consents and one sync model, for the tests of activation."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from activation.digests import DigestKey, DigestKeys
from activation.spec import Field, SyncSpec
from orchestration.warehouse import Connection, Warehouse

AS_OF = datetime(2026, 11, 1)
KEYS = DigestKeys(DigestKey("a key for tests alone"))

_TABLES = """
create schema if not exists privacy; create schema if not exists core;
create schema if not exists contact;
create schema if not exists decisions; create schema if not exists activation;
create table privacy.consents (
    contact_point_id varchar, customer_id varchar, identifier_type varchar, purpose varchar,
    channel varchar, status varchar, legal_ground varchar, occurred_at timestamp,
    expires_at timestamp, is_allowed boolean, reason varchar);
create table privacy.suppressions (
    suppression_key varchar, customer_id varchar, scope varchar, reason varchar,
    suppressed_at timestamp);
create table contact.contact_points (
    contact_point_id varchar, customer_id varchar, identifier_type varchar, channel varchar,
    address varchar, is_deliverable boolean);
create table decisions.holds (
    customer_id varchar, reason varchar, starts_at timestamp, ends_at timestamp,
    is_active boolean);
"""

KLAVIYO = SyncSpec(
    name="klaviyo__win_back",
    file="models/activation/klaviyo/sync_klaviyo__win_back.yml",
    model="sync_klaviyo__win_back",
    model_unique_id="model.regulars.sync_klaviyo__win_back",
    relation="activation.sync_klaviyo__win_back",
    upstream=frozenset({"customers", "lifecycle_stages"}),
    destination="klaviyo",
    surface="list",
    target="Win back",
    key="customer_id",
    mode="mirror",
    purposes=("marketing",),
    channel="email",
    fields=(
        Field("email", "varchar"),
        Field("external_id", "varchar"),
        Field("first_name", "varchar"),
        Field("property_spend", "double"),
    ),
)


FCM = replace(
    KLAVIYO,
    name="fcm__loyal_early_access",
    relation="activation.sync_fcm__loyal_early_access",
    destination="fcm",
    surface="topic",
    target="Loyal early access",
    key="contact_point_id",
    channel="push",
    fields=(Field("token", "varchar"),),
)

EASY_FCM = replace(FCM, max_removal_share=1.0, max_size_change=100.0)
"""The push sync without guards on sizes, for tests that are about something else."""


# What the gate reads of what has landed since the models were built; there need not be any.
LANDED = """
create schema if not exists raw;
create table if not exists raw.landed_news (
    customer_id varchar, reason varchar, channel varchar, purpose varchar, source_table varchar
)
"""


@dataclass
class World:
    """The warehouse a sync reads: one model whose rows the tests set, and the gate's tables."""

    connection: Connection
    spec: SyncSpec
    columns: tuple[str, ...] = field(default=())

    def create(self) -> None:
        """Create the model and the gate's tables."""
        self.columns = ("customer_id", "contact_point_id", *(f.name for f in self.spec.fields))
        self.columns = tuple(dict.fromkeys(self.columns))
        types = {f.name: f.data_type for f in self.spec.fields}
        definition = ", ".join(f"{name} {types.get(name, 'varchar')}" for name in self.columns)
        self.connection.execute(_TABLES)
        self.connection.execute(f"create table {self.spec.relation} ({definition})")

    def desire(self, rows: list[dict[str, Any]]) -> None:
        """Make the model hold exactly these rows."""
        with self.connection.transaction():
            self.connection.execute(f"delete from {self.spec.relation}")
            for row in rows:
                names = ", ".join(row)
                marks = ", ".join("?" for _ in row)
                statement = f"insert into {self.spec.relation} ({names}) values ({marks})"
                self.connection.execute(statement, list(row.values()))

    def allow(self, rows: list[dict[str, Any]], address: str = "email") -> None:
        """Give every row a deliverable contact point and consent for the sync's purposes."""
        with self.connection.transaction():
            for row in rows:
                self.forget(row["contact_point_id"])
                self.add_contact_point(row["contact_point_id"], row["customer_id"], row[address])
                for purpose in self.spec.purposes:
                    self.add_consent(row["contact_point_id"], purpose)

    def forget(self, point: str) -> None:
        """Remove a contact point and its consents."""
        for table in ("contact.contact_points", "privacy.consents"):
            self.connection.execute(f"delete from {table} where contact_point_id = ?", (point,))

    def add_contact_point(self, point: str, customer: str, address: str) -> None:
        """Add one contact point of the sync's channel."""
        kind = {"push": "push_token"}.get(self.spec.channel, "email")
        channel = self.spec.channel if self.spec.channel != "ads" else "email"
        self.connection.execute(
            "insert into contact.contact_points values (?, ?, ?, ?, ?, true)",
            (point, customer, kind, channel, address),
        )

    def add_consent(self, point: str, purpose: str, **overrides: Any) -> None:
        """Add one consent row; allowed unless overridden."""
        values = {
            "is_allowed": True, "reason": "allowed", "expires_at": None, "legal_ground": "consent",
            **overrides,
        }  # fmt: skip
        self.connection.execute(
            "insert into privacy.consents"
            " (contact_point_id, purpose, channel, is_allowed, reason, expires_at, legal_ground)"
            " values (?, ?, ?, ?, ?, ?, ?)",
            (point, purpose, self.spec.channel, *values.values()),
        )

    def ledger(self, table: str = "sync_rows") -> list[tuple[Any, ...]]:
        """Return the key, state and held flag of the ledger's rows."""
        return self.connection.execute(
            f"select row_key, state, is_held from ledger.{table} order by row_key"
        )


def person(number: int, **overrides: Any) -> dict[str, Any]:
    """Return one row of the Klaviyo model."""
    return {
        "customer_id": f"c{number}",
        "contact_point_id": f"p{number}",
        "email": f"person{number}@example.com",
        "external_id": f"c{number}",
        "first_name": "Ada",
        "property_spend": 12.5,
        **overrides,
    }


def people(count: int) -> list[dict[str, Any]]:
    """Return the rows of several persons."""
    return [person(number) for number in range(count)]


@contextmanager
def world_at(path: Path, spec: SyncSpec = KLAVIYO, **changes: Any) -> Iterator[World]:
    """Open a fresh world in a DuckDB file."""
    with Warehouse(path).connect() as connection:
        world = World(connection, replace(spec, **changes))
        world.create()
        yield world


@contextmanager
def world_in_memory(spec: SyncSpec) -> Iterator[World]:
    """Open a fresh world that no file holds."""
    with duckdb.connect() as raw:
        world = World(Connection(raw), spec)
        world.create()
        yield world
