"""Nothing that a run writes or keeps tells who somebody is, but one schema and what is sent."""

import json
from collections import Counter

import pytest

from orchestration.erasure.persons import DIALLING, ways_to_dial
from orchestration.erasure.scan import count_in_bytes, scan_tables
from orchestration.erasure.sought import Sought
from orchestration.warehouse import Warehouse

pytestmark = pytest.mark.slow

# Every identifier in clear that landed: the list is the sources', no model's.
LANDED = """
with records as (
    select email, phone, first_name, last_name, street, house_number from raw.shop__customers
    union all
    select email, phone, first_name, last_name, street, house_number from raw.shop__orders
    union all
    select email, phone, first_name, last_name, street, house_number from raw.crm__contacts
    union all
    select email, phone, first_name, last_name, street, house_number from raw.store__loyalty_cards
    union all
    select requester_email, requester_phone, null, null, null, null from raw.helpdesk__cases
    union all
    select email, null, null, null, null, null from raw.mail__subscribers
)
select 'email', email from records
union
select 'phone', phone from records
union
select 'name', first_name || ' ' || last_name from records
union
select 'name', last_name || ', ' || first_name from records
union
select 'street', street || ' ' || house_number from records
union
select 'push_token', push_token from raw.push__tokens
union
select identifier_type, identifier from raw.consent__events
where identifier_type in ('email', 'phone', 'push_token')
"""
PHONES = "select address from contact.contact_points where identifier_type = 'phone'"
# Private to dbt (sources as they are, and what is made of them), the one schema in clear, and rows
# on their way to a platform.
IN_CLEAR = ("raw", "staging", "intermediate", "contact", "activation")
# What a platform needs to be told to take somebody back (docs/decisions/0046).
AT_PLATFORMS = {"ledger.sync_rows.identifiers", "ledger.former_rows.identifiers"}
# What landed and what leaves; the sandbox's own platforms and truth; and the two databases, whose
# tables are looked into.
OUTSIDE = ("landing", "outbox", "truth", "exports")
DATABASES = ("warehouse.duckdb", "serving.duckdb", "platforms.sqlite")


def landed_identifiers(home):
    """Return every identifier in clear that landed, in the spellings there are, in lower case."""
    with Warehouse(home / "warehouse.duckdb").connect(read_only=True) as connection:
        rows = connection.execute(LANDED)
        dialling = [(str(code), str(trunk or "")) for code, trunk in connection.execute(DIALLING)]
        numbers = [str(number) for (number,) in connection.execute(PHONES)]
    found = {(kind, " ".join(str(text).lower().split())) for kind, text in rows if text}
    found |= {("phone", text.replace(" ", "")) for kind, text in found if kind == "phone"}
    found |= {("phone", way) for number in numbers for way in ways_to_dial(number, dialling)}
    return {(kind, text) for kind, text in found if len(text) >= 8}


def tell_tales(home, sought):
    """Return the places, columns and files, in which an identifier stands."""
    found = []
    for name in ("warehouse.duckdb", "serving.duckdb"):
        with Warehouse(home / name).connect(read_only=True) as connection:
            _, findings = scan_tables(connection, sought, name)
        found += [
            finding.store.removeprefix("warehouse.duckdb.")
            for finding in findings
            if name == "serving.duckdb" or finding.store.split(".")[2] not in IN_CLEAR
        ]
    for path in sorted(home.rglob("*")):
        is_outside = path.relative_to(home).parts[0] in OUTSIDE or path.name.startswith(DATABASES)
        if path.is_file() and not is_outside and count_in_bytes(path, sought, {}):
            found.append(str(path.relative_to(home)))
    return found


@pytest.fixture(scope="module")
def identifiers(demo):
    """Return all identifiers of the demo's world."""
    return landed_identifiers(demo.home)


@pytest.fixture(scope="module")
def sought(identifiers):
    """Return them, made ready to be looked for."""
    return Sought(identifiers)


def test_nothing_but_the_contact_schema_tells_who_somebody_is(demo, identifiers, sought):
    """Marts, ledger, models, reports, logs, Dagster's and dbt's own files: 0 of all that landed."""
    kinds = Counter(kind for kind, _ in identifiers)

    assert set(tell_tales(demo.home, sought)) - AT_PLATFORMS == set()
    assert min(kinds[kind] for kind in ("email", "phone", "name", "street", "push_token")) > 100


def test_the_scan_finds_what_is_planted(demo, identifiers, tmp_path):
    """A log line, a table's text and Dagster's history, each with one identifier of each kind."""
    planted = dict(sorted(identifiers))
    home = tmp_path / "home"
    (home / "logs").mkdir(parents=True)
    (home / "logs/x.log").write_text(f"could not send to {planted['email'].upper()}\n")
    (home / "history.db").write_bytes(b"\x01x" + planted["push_token"].encode() + b"y\x02")
    for name in ("warehouse.duckdb", "serving.duckdb"):
        with Warehouse(home / name).connect() as connection:
            connection.execute("create schema core; create schema contact")
            for table in ("core.a", "contact.a"):
                connection.execute(f"create table {table} (phone varchar, said varchar)")
                values = (planted["phone"], f"for {planted['name']}, at {planted['street']}")
                connection.execute(f"insert into {table} values (?, ?)", values)

    assert set(tell_tales(home, Sought(identifiers))) == {
        "logs/x.log", "history.db", "core.a.phone", "core.a.said",
        "serving.duckdb.core.a.phone", "serving.duckdb.core.a.said",
        "serving.duckdb.contact.a.phone", "serving.duckdb.contact.a.said",
    }  # fmt: skip


def test_no_mart_has_a_column_for_a_name_or_an_address(demo):
    """A first name alone is too short to be looked for; its column is not."""
    named = demo.query(
        "select schema_name || '.' || table_name || '.' || column_name from duckdb_columns()"
        " where column_name in ('email', 'phone', 'first_name', 'last_name', 'street',"
        " 'house_number', 'postal_code', 'city', 'address', 'token', 'push_token')"
        f" and schema_name not in {IN_CLEAR} and schema_name not in ('reference', 'main')"
    )

    assert named == []
    regions = demo.query("select count(region), count(distinct region) from core.customers")
    assert regions[0][0] > 1000
    assert min(count for (count,) in demo.query(REGIONS)) >= 1
    assert regions[0][1] < regions[0][0] / 5


REGIONS = "select count(*) from core.customers where region is not null group by region"
COMMANDS = (
    ("plan",), ("plan", "klaviyo__win_back", "--rows", "50"), ("check",), ("report",),
    ("readiness",), ("models",), ("segments",), ("retention",),
)  # fmt: skip
REFUSED = (
    ("export", "{email}x"), ("explain", "{email}x"), ("erase", "{email}x", "--yes"),
    ("explain", "--why", "{email}x", "{phone}"), ("sync", "{email}"), ("plan", "{email}"),
)  # fmt: skip


def test_no_command_says_who_somebody_is_unless_it_is_asked_for_one(demo, identifiers, tmp_path):
    """What the terminal shows and what an error logs, for commands that are about everybody."""
    state, sought = demo.copy(tmp_path / "state"), Sought(identifiers)
    one = dict(sorted(identifiers))
    said = tmp_path / "said.txt"
    with said.open("w") as told:
        for arguments in COMMANDS:
            done = state.run(*arguments)
            told.write(done.stdout + done.stderr)
        for arguments in REFUSED:
            done = state.run(*(text.format(**one) for text in arguments), check=False)
            assert done.returncode != 0, arguments
            told.write(done.stdout + done.stderr)

    text = said.read_text()
    assert "Win back" in text
    assert json.dumps(sorted(tell_tales(state.home, sought))) == json.dumps(
        ["ledger.sync_rows.identifiers"]
    )
    assert count_in_bytes(said, sought, {}) == 0
