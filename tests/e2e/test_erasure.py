"""Erased persons are nowhere any more, whatever interrupts it, and everybody else is as before."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from orchestration.contracts import read_contracts
from orchestration.erasure.process import STEPS
from orchestration.landing import discover
from orchestration.loading import load
from orchestration.settings import read_settings
from orchestration.tombstones import read_tombstones
from orchestration.warehouse import Warehouse
from sandbox.platforms.server import running
from tests.e2e.conftest import Platforms

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
KILLED_AT = [step for step in STEPS if step != "accounts"] + ["certificates"]
# One process loads the libraries; each erasure has a child of its own, which dies: when a step is
# done and not yet written down, or amid the rebuild, when half of the first models are new.
KILLED = """
import os, sys
import orchestration.erasure.process
from orchestration.erasure.command import erase_pending
from orchestration.progress import SilentReporter, reporting_to
from orchestration.project import manifest
from orchestration.settings import read_settings

class DyingAmidModels(SilentReporter):
    def advance(self, step, done, total, detail=""):
        if step == "Build models" and 2 * done > total:
            os._exit(9)

def erase(last):
    def die(step):
        if step == last:
            os._exit(1 if step == "rebuild" else 9)

    with reporting_to(DyingAmidModels() if last == "rebuild" else SilentReporter()):
        erase_pending(read_settings(), True, die)
    os._exit(0)

manifest()
for step in sys.argv[1:]:
    child = os.fork()
    if not child:
        try:
            erase(step)
        finally:
            os._exit(1)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
# The same asset is in the run by which an erasure builds everything anew, and leaves it alone.
DAILY = """
import json, sys
from orchestration.runs import run_daily
from orchestration.settings import read_settings

result = run_daily(read_settings(), ["privacy/erasures"])
print(json.dumps(dict(result.assets["privacy/erasures"])))
sys.exit(not result.is_success)
"""
# Those whom most silos know and most platforms hold, and one whose records were merged over time.
CHOSEN = """
with known as (
    select customer_id, count(distinct identifier_type) as kinds, count(*) as identifiers
    from contact.customer_identities where not is_shared group by customer_id
),
held as (
    select customer_id, count(distinct sync) as syncs
    from ledger.sync_rows where is_held group by customer_id
)
select customer_id from known inner join held using (customer_id)
order by kinds desc, syncs desc, identifiers desc, customer_id limit 3
"""
OWN = """
select distinct identifier_type, identifier_value from contact.customer_identities as mine
where customer_id in ({ids}) and identifier_type not in ('order', 'address') and not is_shared
    and not exists (
        select 1 from contact.customer_identities as others
        where others.customer_id not in ({ids})
            and lower(others.identifier_value) = lower(mine.identifier_value)
    )
"""
UNCHANGED = {
    "core.customers": "customer_id",
    "privacy.consents": "contact_point_id, purpose, channel",
    "core.orders": "order_id",
}


class Erased:
    """A state before and after three persons were erased from it."""

    def __init__(self, demo, home):
        shutil.copytree(demo.home, home)
        self.state = type(demo)(home)
        self.move_in(str(demo.home / "outbox"), str(home / "outbox"))
        self.customers = [row[0] for row in self.state.query(CHOSEN)]
        self.ids = ", ".join(f"'{one}'" for one in self.customers)
        self.identifiers = self.state.query(OWN.format(ids=self.ids))
        self.others = {table: self.rows(table) for table in UNCHANGED}
        self.revenue = self.state.query(REVENUE)
        self.orders = self.state.query(
            f"select count(*) from core.orders where customer_id in ({self.ids})"
        )[0][0]
        self.stale = home.parent / "stale"
        shutil.copytree(home / "landing", self.stale)

    def move_in(self, former, present):
        """Have the ledger say that files were dropped into this state's own folder."""
        with duckdb.connect(str(self.state.home / "warehouse.duckdb")) as connection:
            for table in ("runs", "sync_rows", "syncs", "former_rows", "targets"):
                connection.execute(
                    f"update ledger.{table} set account = replace(account, ?, ?)",
                    [former, present],
                )

    def rows(self, table):
        """Return the rows of a table that are not about the erased."""
        return self.state.query(
            f"select * from {table} where coalesce(customer_id, '') not in ({self.ids})"
            f" and customer_id is not null order by {UNCHANGED[table]}"
        )

    def ask(self):
        """Land a request for each, by whatever they are known by."""
        folder = self.state.home / "landing/rights"
        folder.mkdir()
        texts = [self.customers[0], self.known_as(1, "email"), self.known_as(2, "phone")]
        lines = [f"r{n},any,{text},2026-10-31 10:00:00" for n, text in enumerate(texts)]
        header = "request_id,identifier_type,identifier,requested_at"
        (folder / "erasure_requests.csv").write_text("\n".join([header, *lines]) + "\n")

    def known_as(self, number, kind):
        """Return one identifier of a customer that nobody else has, or the id."""
        customer = self.customers[number]
        mine = self.state.query(
            "select identifier_value from contact.customer_identities"
            f" where customer_id = '{customer}' and identifier_type = '{kind}' and not is_shared"
        )
        own = {value for _, value in self.identifiers}
        return next((value for (value,) in mine if value in own), customer)

    def killed_at(self, steps):
        """Erase in processes that die at a step each; return how they ended."""
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", KILLED, *steps], cwd=ROOT,
            env=self.state.environment(), stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
        return [int(line) for line in done.stdout.split("\n") if line.isdigit()]

    def go_on(self):
        """Have the daily run's asset finish it, as the environment allows."""
        environment = {**self.state.environment(), "REGULARS_ERASE_PENDING": "daily"}
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", DAILY], cwd=ROOT, env=environment,
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done

    @property
    def words(self):
        """Return everything that must be nowhere, in lower case."""
        return sorted({value.lower() for _, value in self.identifiers} | set(self.customers))


REVENUE = "select currency_code, count(*), sum(net_amount) from core.orders group by 1 order by 1"


@pytest.fixture(scope="module")
def erased(demo, tmp_path_factory):
    """Erase three persons, killed at every step and gone on with each time."""
    one = Erased(demo, tmp_path_factory.mktemp("erased") / "home")
    one.ask()
    one.codes = one.killed_at(KILLED_AT)
    one.last = one.go_on()
    return one


def test_it_was_killed_at_every_step(erased):
    """Each time the journal was there to go on with, and at the end it is gone."""
    assert erased.codes == [9] * len(KILLED_AT)
    assert "Going on with the erasure" in erased.last.stdout
    told = json.loads(erased.last.stdout.splitlines()[-1])
    assert (told["status"], told["erased"]) == ("erased", 3)
    assert {"r0.json", "r1.json", "r2.json"} <= told.keys()
    assert not (erased.state.home / "erasures/open.journal").exists()
    assert len(erased.words) > 20


def test_no_table_holds_an_identifier(erased):
    """Every text of every table, asked without the scan's own code; orders keep their amounts."""
    words = ", ".join(f"('{word}')" for word in erased.words)
    looked = 0
    for name in ("warehouse.duckdb", "serving.duckdb"):
        with duckdb.connect(str(erased.state.home / name), read_only=True) as connection:
            columns = connection.execute(
                "select schema_name, table_name, column_name from duckdb_columns() "
                "inner join duckdb_tables() using (schema_name, table_name) "
                "where data_type = 'VARCHAR'"
            ).fetchall()
            for schema, table, column in columns:
                text = f'lower("{schema}"."{table}"."{column}")'
                found = connection.execute(
                    f'select count(*) from "{schema}"."{table}" where {text} in '
                    f"(select word from (values {words}) as words (word))"
                ).fetchall()[0][0]
                looked += 1
                assert found == 0, f"{name} {schema}.{table}.{column}"
    assert looked > 500


def test_no_byte_of_the_state_holds_an_address(erased):
    """No log, no database's free block, no file of the landing folder."""
    emails = [v.lower().encode() for kind, v in erased.identifiers if kind == "email"]
    looked = 0
    for path in sorted(erased.state.home.rglob("*")):
        outside = path.relative_to(erased.state.home).parts[0]
        if path.is_file() and outside not in ("truth",) and "platforms.sqlite" not in path.name:
            content = path.read_bytes().lower()
            looked += 1
            assert [email for email in emails if email in content] == [], path
    assert emails
    assert looked > 50


def test_the_platforms_hold_nobody_of_them(erased):
    """Asked over HTTP, also for contacts that are on no list; the audiences are still there."""
    words = set(erased.words)
    with running(erased.state.home / "platforms.sqlite") as url:
        platforms = Platforms(url)
        members = {
            (vendor, one["name"]): platforms.members(vendor, one["id"])
            for vendor in ("klaviyo", "google", "meta", "fcm")
            for one in platforms.audiences(vendor)
        }
        members["klaviyo", "profiles"] = platforms.members("klaviyo", "profiles")

    assert sum(map(len, members.values())) > 100
    for audience, found in members.items():
        told = json.dumps(found).lower()
        assert [word for word in words if f'"{word}"' in told] == [], audience


def test_everybody_else_is_as_before(erased):
    """Row by row; and the orders of the erased are there, of nobody."""
    for table, before in erased.others.items():
        assert erased.rows(table) == before, table
    assert erased.state.query(REVENUE) == erased.revenue
    assert erased.orders > 0


def test_the_certificates_tell_all_and_nobody(erased):
    """One per request, with stores, receipts and proof, and without a personal value."""
    folder = erased.state.home / "erasures"
    for number in range(3):
        told = json.loads((folder / f"r{number}.json").read_text())
        assert told["scan"]["findings"] == []
        assert told["scan"]["identifiers"] >= len(erased.words) - 10
        assert told["found"]["raw.shop__orders"] > 0
        assert told["platforms"]
        assert {one["outcome"] for one in told["platforms"]} == {"removed"}
        text = (folder / f"r{number}.json").read_text() + (folder / f"r{number}.md").read_text()
        assert [word for word in erased.words if word in text.lower()] == []


def test_a_stale_file_brings_nobody_back(erased, tmp_path):
    """The landing folder of before is loaded into a copy: the erased stay out, and are counted."""
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(erased.state.home / "warehouse.duckdb", home)
    shutil.copy(erased.state.home / "ledger.key", home)
    shutil.copy(erased.state.home / "world.json", home)
    settings = read_settings({"REGULARS_HOME": str(home)})
    contracts = read_contracts(ROOT / "dbt_project")
    files, _ = discover(erased.stale, contracts)
    with Warehouse(settings.warehouse).connect() as connection:
        tombstones = read_tombstones(connection, settings)
        now = connection.execute("select max(as_of) from raw.clock")[0][0]
        load(connection, contracts.values(), files, now, tombstones=tombstones)
        reasons = dict(
            connection.execute(
                "select table_name, count(*) from raw.quarantine where reason = 'erased' group by 1"
            )
        )
        emails = ", ".join(f"'{v}'" for kind, v in erased.identifiers if kind == "email")
        for table in ("shop__customers", "shop__orders", "mail__subscribers", "crm__contacts"):
            back = f"select count(*) from raw.{table} where lower(trim(email)) in ({emails})"
            assert connection.execute(back)[0][0] == 0, table
        orders = "select count(distinct order_id), sum(net_amount) from raw.shop__orders"
        fresh = connection.execute(orders)
    assert reasons["customers"] >= 3
    assert reasons["events"] > 0
    assert fresh == erased.state.query(orders)


def test_a_second_erasure_says_that_it_is_done(erased):
    """And who was never known is told apart, without repeating what was typed."""
    email = next(value for kind, value in erased.identifiers if kind == "email")
    again = erased.state.run("erase", email, "--yes", check=False)
    unknown = erased.state.run("erase", "no.body@example.org", "--yes", check=False)
    nothing = erased.state.run("erase", "--resume", check=False)
    pending = erased.state.run("erase", "--pending", "--yes")

    assert (again.returncode, unknown.returncode, nothing.returncode) == (1, 1, 1)
    assert "was erased on" in again.stderr
    assert "Nobody has this identifier" in unknown.stderr
    assert "nothing to resume" in nothing.stderr
    assert "No request is pending" in pending.stdout
    assert email not in again.stdout + again.stderr
    assert "no.body" not in unknown.stdout + unknown.stderr


def test_without_a_yes_nothing_is_erased(erased):
    """Stores and counts are shown, values are not, and no is taken for an answer."""
    customer = erased.state.query("select min(customer_id) from core.customers")[0][0]
    done = subprocess.run(
        [Path(sys.executable).with_name("regulars"), "erase", customer],
        env=erased.state.environment(), capture_output=True, text=True, input="n\n",
    )  # fmt: skip

    assert "core.customers" in done.stdout
    assert "Nothing was erased" in done.stdout
    assert customer not in done.stdout
    assert erased.state.query("select min(customer_id) from core.customers")[0][0] == customer
