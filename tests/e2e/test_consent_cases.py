"""The hard cases of consent, each by its name, from the landed row to the platform's list.

One small shop is landed, built by dbt, and everybody's address is desired on one e-mail list, so
that the gate alone decides. Then two records are found to be one person's, and not any more.
"""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

import httpx
import pytest

from activation.destinations import settings_for
from activation.digests import KEY_VARIABLE
from activation.syncs import SyncSummary, run_sync
from activation.tombstones import write_tombstones
from orchestration.contracts import read_contracts
from orchestration.landing import discover
from orchestration.loading import load
from orchestration.news import LandedNews
from orchestration.platforms import addresses
from orchestration.settings import Settings, read_settings
from orchestration.tombstones import Tombstones
from orchestration.warehouse import Warehouse
from sandbox.platforms.server import running
from tests.activation.world import KEYS
from tests.dbt.conftest import DBT_PROJECT, Shop, write_rows
from tests.e2e.conftest import Platforms
from tests.e2e.replay import AUDIENCES, GATE, PATIENCE, Replay

pytestmark = pytest.mark.slow

CONTRACTS = read_contracts(DBT_PROJECT)

TODAY = date(2026, 10, 31)
EMAIL = AUDIENCES[0]
PEOPLE = (
    "usual", "waiting", "leaving", "twin.yes", "twin.none", "objector", "second", "erased",
    "contradicted", "returned", "same.moment", "expired", "lasting", "unconfirmed", "unknown",
)  # fmt: skip
# Whose statements landed, in the order in which they were made.
SAID = {
    "usual": [("requested", 1), ("confirmed", 2)],
    "waiting": [("confirmed", 2)],
    "leaving": [("confirmed", 2)],
    "twin.yes": [("confirmed", 2)],
    "objector": [("objected", 9), ("withdrawn", 10)],
    "second": [("confirmed", 10)],
    "erased": [("confirmed", 2)],
    "contradicted": [("confirmed", 2)],
    "returned": [("confirmed", 12)],
    "same.moment": [("confirmed", 5)],
    "expired": [("granted", 2, {"legal_ground": "similar_goods", "expires_at": "2026-10-30"})],
    "lasting": [("granted", 2, {"legal_ground": "similar_goods", "expires_at": "2026-11-30"})],
    "unconfirmed": [("requested", 2), ("granted", 3)],
}
# Who left the list of the mail tool, which is another silo than the consent platform.
LEFT = ("contradicted", "returned", "same.moment")


def email(name: str) -> str:
    """Return somebody's address."""
    return f"{name}@shop.example"


def october(day: int) -> str:
    """Return noon of a day."""
    return f"2026-10-{day:02d} 12:00:00"


def statement(name: str, status: str, day: int, more: Mapping[str, str] | None = None) -> dict:
    """Return a landed row of the consent platform."""
    return {
        "consent_event_id": f"{name}-{status}-{day}", "identifier_type": "email",
        "identifier": email(name), "purpose": "marketing", "channel": "email", "status": status,
        "occurred_at": october(day), "jurisdiction": "DE", **(more or {}),
    }  # fmt: skip


def landed() -> dict[str, list[dict]]:
    """Return the rows of a small shop: an order each, and what people said."""
    return {
        "shop/orders": [
            {"order_id": name, "ordered_at": october(1), "net_amount": "10", "email": email(name)}
            for name in PEOPLE
        ],
        "consent/events": [statement(name, *one) for name in SAID for one in SAID[name]],
        "mail/subscribers": [
            {"subscriber_id": name, "email": email(name), "status": "unsubscribed",
             "unsubscribed_at": october(5), "updated_at": october(5)}
            for name in LEFT
        ],
    }  # fmt: skip


@dataclass
class Cases:
    """The shop, and who was on the list after each of its syncs."""

    replay: Replay
    platforms: Platforms
    members: dict[str, set[str]] = field(default_factory=dict)
    first: SyncSummary | None = None
    apart: tuple[str, ...] = ()
    merged: tuple[str, ...] = ()

    def sync(self, name: str, client: httpx.Client | None = None) -> SyncSummary:
        """Bring the list in step, and look who is on it."""
        spec, replay = EMAIL.spec, self.replay
        replay.judge(EMAIL)
        settings = settings_for(spec.destination, addresses(replay.url, "sandbox-token"))
        with replay.connected() as connection:
            summary = run_sync(
                connection, spec, settings, as_of=replay.as_of, keys=KEYS, client=client,
                patience=PATIENCE, news=LandedNews(connection, self.settings, CONTRACTS),
            )  # fmt: skip
        found = self.platforms.members("klaviyo", spec.target)
        self.members[name] = {member["email"].removesuffix("@shop.example") for member in found}
        return summary

    @property
    def settings(self) -> Settings:
        """Return those of the shop's folder."""
        home = str(self.replay.shop.home)
        return read_settings({"REGULARS_HOME": home, KEY_VARIABLE: KEYS.current.secret})

    def withdraw(self) -> None:
        """Drop one withdrawal into the landing folder, and land and build another one."""
        path = self.replay.shop.home / "landing/consent/events/news.csv"
        write_rows(path, [statement("leaving", "withdrawn", 31)])
        os.utime(path, (time.time() - 5, time.time() - 5))
        self.build_withdrawal()

    def build_withdrawal(self) -> None:
        """Land a withdrawal, and build anew what the gate reads: by what dbt compiled."""
        row = statement("waiting", "withdrawn", 31, {"_arrived_on": str(TODAY)})
        columns = ", ".join(row)
        marks = ", ".join("?" for _ in row)
        with self.replay.connected() as connection:
            connection.execute(
                f"insert into raw.consent__events ({columns}) values ({marks})", list(row.values())
            )
            for relation, select in self.replay.statements.items():
                connection.execute(f"create or replace table {relation} as {select}")

    def declare(self, *pairs: tuple[str, str]) -> None:
        """Let somebody declare that these pairs of records are one person's, and build all."""
        with self.replay.connected() as connection:
            connection.execute("delete from reference.identity_overrides")
            for one, other in pairs:
                connection.execute(
                    "insert into reference.identity_overrides values (?, 'join', ?, ?, 'Kim',"
                    " 'told on the phone', date '2026-10-30')",
                    (one, f"shop/orders:{one}", f"shop/orders:{other}"),
                )
        self.replay.close()
        self.replay.shop.dbt("run", "--select", *GATE)

    def customer(self, name: str) -> str:
        """Return whose an address is."""
        with self.replay.connected() as connection:
            statement = "select customer_id from contact.contact_points where address = ?"
            return connection.execute(statement, (email(name),))[0][0]


def once(act) -> httpx.Client:
    """Return a client that does something before its first request: when the plan is sealed."""
    waiting = [act]
    client = httpx.Client(timeout=60)
    client.event_hooks = {"request": [lambda _: waiting and waiting.pop()()]}
    return client


@pytest.fixture(scope="module")
def cases(tmp_path_factory, parsed):
    """Land, build and sync the shop; merge two pairs of records and take that back."""
    home = tmp_path_factory.mktemp("cases")
    for label, rows in landed().items():
        write_rows(home / "landing" / f"{label}.csv", rows)
    files, _ = discover(home / "landing", CONTRACTS)
    moment = datetime(2026, 10, 20)
    with Warehouse(home / "warehouse.duckdb").connect() as connection:
        write_tombstones(connection, KEYS, [("email", email("erased"))], moment)
        load(connection, CONTRACTS.values(), files, moment, tombstones=Tombstones(KEYS))
        connection.execute("create schema activation; create schema landed")
        connection.execute("create table raw.clock (as_of timestamp)")
        connection.execute("insert into raw.clock values (null)")
        connection.execute("create table landed.today (day date)")
    with running(home / "platforms.sqlite", rate_factor=1000) as url:
        cases = Cases(Replay(Shop(home, parsed), TODAY, url), Platforms(url))
        cases.replay.shop.build(*GATE, "+landed_files")
        cases.replay.live(identify=True)
        with once(cases.withdraw) as client:
            cases.first = cases.sync("apart", client)
        cases.apart = cases.customer("twin.yes"), cases.customer("twin.none")
        cases.declare(("twin.yes", "twin.none"), ("objector", "second"))
        cases.merged = cases.customer("twin.yes"), cases.customer("twin.none")
        cases.sync("merged")
        cases.declare()
        cases.sync("unmerged")
        yield cases
        cases.replay.close()


def test_withdrawal_during_a_wait(cases):
    """Landed after the plan was made and before its batch goes out: the row stays at home."""
    assert cases.first.added == cases.first.delivered + 2
    assert cases.first.blocked_at_dispatch == 2
    assert "waiting" not in cases.members["apart"]
    assert "usual" in cases.members["apart"]


def test_withdrawal_that_only_lies_in_the_folder(cases):
    """Nobody loaded or built it: it counts all the same, from the next batch on."""
    assert all("leaving" not in members for members in cases.members.values())


def test_consent_of_a_merged_twin(cases):
    """A consent is an address's: being one person neither gives nor takes one."""
    assert cases.apart[0] != cases.apart[1]
    assert cases.merged[0] == cases.merged[1]
    for members in cases.members.values():
        assert "twin.yes" in members
        assert "twin.none" not in members


def test_unmerge_restores(cases):
    """After the merge is taken back the list is the one before it."""
    assert cases.members["merged"] != cases.members["apart"]
    assert cases.members["unmerged"] == cases.members["apart"]


def test_objection_on_another_address(cases):
    """It is the person's: it counts at every address they turn out to have, for that long."""
    assert "second" in cases.members["apart"]
    assert "second" not in cases.members["merged"]
    assert all("objector" not in members for members in cases.members.values())


def test_reimport_of_an_erased_person_from_a_stale_file(cases):
    """Their consent is in the file and stays out; their order is there, and is nobody's."""
    with cases.replay.connected() as connection:
        landed = "select count(*) from raw.consent__events where identifier = ?"
        orders = "select email from raw.shop__orders where order_id = 'erased'"
        assert connection.execute(landed, (email("erased"),)) == [(0,)]
        assert connection.execute(orders) == [(None,)]
    assert all("erased" not in members for members in cases.members.values())


def test_contradiction_across_silos(cases):
    """The later of two silos counts, at the same moment the no."""
    assert "contradicted" not in cases.members["apart"]
    assert "same.moment" not in cases.members["apart"]
    assert "returned" in cases.members["apart"]


def test_expired_grant(cases):
    """A yes that was given for a time is none after it."""
    assert "expired" not in cases.members["apart"]
    assert "lasting" in cases.members["apart"]


def test_unconfirmed_double_opt_in(cases):
    """Asking is no yes, and neither is a yes that nobody confirmed, nor silence."""
    assert {"unconfirmed", "unknown"} & cases.members["apart"] == set()
