"""A simulated shop lived through day by day, with everybody in the audiences that the gate guards.

What a day lands is shown by its day of arrival; answers to what was sent are landed among it.
"""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path

from activation.destinations import settings_for
from activation.gate import gate_for
from activation.pacing import Patience
from activation.rows import desired_rows
from activation.spec import Field, SyncSpec
from activation.syncs import run_sync
from orchestration.contracts import read_contracts
from orchestration.landing import discover
from orchestration.loading import load
from orchestration.platforms import addresses
from orchestration.warehouse import Connection, Warehouse
from sandbox.shop import DEFAULT_UNTIL, generate
from tests.activation.world import FCM, KEYS, KLAVIYO
from tests.dbt.conftest import DBT_PROJECT, Shop

DAYS = 90
# What the gate reads, and all it is made of.
GATE = ("+consents", "+suppressions", "+holds")
# What people say and what is made of it: built every day, by what dbt compiled.
DAILY = re.compile(
    r"staging/(landing|consent|mail|push|helpdesk)/|intermediate/consent/|marts/privacy/"
    r"|contact/contact_points|core/service_cases|decisions/holds"
)
# Few visits: they take most of the time and say nothing of consent.
QUIET = ("visitor_ratio=0", "visits_per_purchase=0.2", "visits_per_year=0.4", "visits_per_rate=0.2")
BY_TOOL = ("unsubscribe", "complaint")
OPEN = {"max_removal_share": 1.0, "max_size_change": 100.0}
PATIENCE = Patience(first_wait=0.01, longest_poll=0.01)


@dataclass(frozen=True)
class Audience:
    """Every contact point of a kind, desired at one platform: what is not there, the gate took out.

    `shown` is the member's field by which the platform tells who it is.
    """

    name: str
    identifier_type: str
    vendor: str
    shown: str
    spec: SyncSpec

    @property
    def desired(self) -> str:
        """Return the query of its rows."""
        values = {
            "customer_id": "customer_id",
            "contact_point_id": "contact_point_id",
            "external_id": "contact_point_id",
        }
        columns = dict.fromkeys(["customer_id", "contact_point_id", *_names(self.spec)])
        selected = ", ".join(f"{values.get(name, 'address')} as {name}" for name in columns)
        return (
            f"select {selected} from contact.contact_points"
            f" where identifier_type = '{self.identifier_type}' and customer_id is not null"
        )


def _names(spec: SyncSpec) -> list[str]:
    return [field.name for field in spec.fields]


def _everybody(spec: SyncSpec, **changes: object) -> SyncSpec:
    name = str(changes["name"])
    relation = f"activation.sync_{name}"
    return replace(spec, relation=relation, key="contact_point_id", **OPEN, **changes)


AUDIENCES = (
    Audience(
        "email", "email", "klaviyo", "email",
        _everybody(
            KLAVIYO, name="klaviyo__everybody", target="Everybody", similar_goods=True,
            fields=(Field("email", "varchar"), Field("external_id", "varchar")),
        ),
    ),
    Audience(
        "ads", "email", "meta", "EMAIL",
        _everybody(
            KLAVIYO, name="meta__everybody", destination="meta_custom_audiences",
            surface="custom_audience", target="RG 09", channel="ads",
            purposes=("ads_user_data", "ads_personalisation"),
            fields=(Field("email", "varchar"), Field("external_id", "varchar")),
        ),
    ),
    Audience("push", "push_token", "fcm", "token", _everybody(FCM, name="fcm__everybody")),
)  # fmt: skip


@dataclass
class Replay:
    """The shop at one of its days, from the day it was connected on."""

    shop: Shop
    day: date
    url: str
    is_identified: bool = False
    connection: Connection | None = None
    stack: ExitStack = field(default_factory=ExitStack)
    statements: dict[str, str] = field(default_factory=dict)

    @property
    def as_of(self) -> datetime:
        """Return the moment after the day, at which is decided and sent."""
        return datetime.combine(self.day + timedelta(days=1), datetime.min.time())

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        """Yield the connection, which stays open until dbt wants the file for itself."""
        if self.connection is None:
            self.connection = self.stack.enter_context(Warehouse(self.shop.warehouse).connect())
        yield self.connection

    def close(self) -> None:
        """Let go of the file."""
        self.stack.close()
        self.connection = None

    def live(self, *, identify: bool) -> None:
        """Let the day land and build what the gate reads; with `identify` also who is who."""
        with self.connected() as connection:
            connection.execute("update landed.today set day = ?", (self.day,))
            connection.execute("update raw.clock set as_of = ?", (self.as_of,))
        self.is_identified = identify
        if identify:
            self.close()
        if not self.statements:
            self.shop.build(*GATE)
            self.statements = dict(self._statements())
        elif identify:
            self.shop.dbt("run", "--select", *GATE)
        else:
            with self.connected() as connection:
                for relation, statement in self.statements.items():
                    connection.execute(f"create or replace table {relation} as {statement}")

    def _statements(self) -> Iterator[tuple[str, str]]:
        """Yield what dbt runs for the tables that depend on the day, in its order."""
        nodes = json.loads((self.shop.parsed / "manifest.json").read_text())["nodes"]
        seen: dict[str, None] = {}

        def visit(unique_id: str) -> None:
            if unique_id in nodes and unique_id not in seen:
                for parent in nodes[unique_id]["depends_on"].get("nodes", []):
                    visit(parent)
                seen[unique_id] = None

        for name in GATE:
            visit(f"model.regulars.{name.removeprefix('+')}")
        for node in map(nodes.get, seen):
            is_table = node["config"]["materialized"] == "table"
            if is_table and DAILY.search(node["original_file_path"]):
                relation = f"{node['schema']}.{node['alias']}"
                yield relation, self.shop.compiled(node["name"])

    def judge(self, audience: Audience) -> dict[str, str | None]:
        """Return why the gate blocks each address of an audience, None for who may be there."""
        spec = audience.spec
        with self.connected() as connection:
            connection.execute(f"create or replace table {spec.relation} as {audience.desired}")
            judged = gate_for(connection, spec, self.as_of).judged(f"({desired_rows(spec)})")
            address = f"payload ->> '{_names(spec)[0]}'"
            found = f"select {address}, block_reason from ({judged}) as judged"
            return dict(connection.execute(found))

    def sync(self, audience: Audience) -> None:
        """Bring an audience in step at its platform."""
        spec = audience.spec
        settings = settings_for(spec.destination, self._variables)
        with self.connected() as connection:
            run_sync(connection, spec, settings, as_of=self.as_of, keys=KEYS, patience=PATIENCE)

    @cached_property
    def _variables(self) -> dict[str, str]:
        return addresses(self.url, "sandbox-token")

    def subscribers(self) -> set[str]:
        """Return the addresses that the e-mail tool knows."""
        with self.connected() as connection:
            return {row[0] for row in connection.execute(_SUBSCRIBERS)}

    def answer(self, kind: str, emails: list[str], moment: datetime) -> None:
        """Land what people answered to a mailing: by the e-mail tool, or to the shop itself."""
        statement = _BY_TOOL if kind in BY_TOOL else _BY_LETTER
        with self.connected() as connection:
            for email in emails:
                values = {"kind": kind, "email": email, "moment": moment, "day": moment.date()}
                connection.raw.execute(statement, values)


_SUBSCRIBERS = "select distinct lower(trim(email)) from raw.mail__subscribers"
_BY_TOOL = """
insert into landed.mail__responses by name
select
    'answer-' || subscriber_id || '-' || $day as response_id, $kind as response_type,
    $moment as occurred_at, subscriber_id, false as is_machine, $day as _arrived_on,
    'answers' as _file, row_number() over () as _row
from (
    select distinct subscriber_id from landed.mail__subscribers
    where lower(trim(email)) = $email and _arrived_on <= $day
)
"""
_BY_LETTER = """
insert into landed.consent__events by name
select
    'answer-' || $kind || '-' || md5($email) || '-' || $day as consent_event_id,
    'email' as identifier_type, $email as identifier, 'marketing' as purpose,
    'email' as channel, $kind as status, $moment as occurred_at, 'letter' as source,
    $day as _arrived_on, 'answers' as _file, 1 as _row
"""


def begin(home: Path, parsed: Path, url: str, seed: int, overrides: tuple[str, ...]) -> Replay:
    """Simulate a tiny shop and hide all of it that comes after the first of its last days."""
    start = DEFAULT_UNTIL - timedelta(days=DAYS)
    generate(
        home / "landing",
        home / "truth",
        size="tiny",
        seed=seed,
        connected_on=start,
        overrides=(*QUIET, *overrides),
    )
    contracts = read_contracts(DBT_PROJECT)
    files, _ = discover(home / "landing", contracts)
    with Warehouse(home / "warehouse.duckdb").connect() as connection:
        load(connection, contracts.values(), files, datetime(2026, 1, 1))
        connection.execute("create table raw.clock (as_of timestamp)")
        connection.execute("insert into raw.clock values (null)")
        connection.execute("create schema landed")
        connection.execute("create schema if not exists activation")
        connection.execute("create table landed.today (day date)")
        connection.execute("insert into landed.today values (null)")
        for contract in contracts.values():
            _reveal_by_day(connection, contract.relation)
    return Replay(Shop(home, parsed), start, url)


def _reveal_by_day(connection: Connection, relation: str) -> None:
    """Move a loaded table away and show of it what arrived by today."""
    name = relation.removeprefix("raw.")
    connection.execute(f"create table landed.{name} as select * from {relation}")
    connection.execute(f"drop table {relation}")
    connection.execute(
        f"create view {relation} as select * from landed.{name}"
        " where _arrived_on <= (select day from landed.today)"
    )
