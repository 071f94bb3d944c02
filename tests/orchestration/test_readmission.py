"""Who was erased and comes back is let in by one identifier, and by nothing of before."""

from datetime import datetime
from pathlib import Path

import pytest

from activation.tombstones import write_tombstones
from orchestration.contracts import read_contracts
from orchestration.erasure.journal import ErasureIncomplete, Journal, write_journal
from orchestration.erasure.readmission import NotErased, readmit
from orchestration.landing import discover
from orchestration.ledger_keys import read_keys
from orchestration.loading import load
from orchestration.settings import read_settings
from orchestration.tombstones import read_tombstones
from orchestration.warehouse import Warehouse

CONTRACTS = read_contracts(Path(__file__).parents[2] / "dbt_project")
NOW = datetime(2026, 11, 1)
BEFORE = (
    ("email", "anna@x.example"), ("phone", "+491511234567"), ("phone", "01511234567"),
    ("shop_customer", "C-7"),
)  # fmt: skip
ACCOUNTS = (
    "customer_id,email,phone,created_at\n"
    "C-7,anna@x.example,,2020-01-01\n"  # what the shop still delivers of before
    "C-9,Anna@X.example,,2026-11-01\n"  # who came back
    "C-8,anna@x.example,0151 1234567,2021-01-01\n"  # of before, known by the number
)


@pytest.fixture
def settings(tmp_path):
    """Return a state folder where Anna was erased and rows with her identifiers landed since."""
    settings = read_settings(
        {"REGULARS_HOME": str(tmp_path), "REGULARS_LEDGER_KEY": "a key for tests alone, and long"}
    )
    settings.create_folders()
    (settings.landing / "shop").mkdir()
    (settings.landing / "shop/customers.csv").write_text(ACCOUNTS)
    with Warehouse(settings.warehouse).connect() as connection:
        connection.execute(
            "create schema reference; create table reference.countries as"
            " select '49' as calling_code, '0' as trunk_prefix"
        )
        write_tombstones(connection, read_keys(settings), BEFORE, NOW)
    load_all(settings)
    return settings


def load_all(settings):
    """Load what landed and return the accounts that are there."""
    files, _ = discover(settings.landing, CONTRACTS)
    with Warehouse(settings.warehouse).connect() as connection:
        tombstones = read_tombstones(connection, settings)
        load(connection, CONTRACTS.values(), files, NOW, tombstones=tombstones)
        rows = connection.execute("select customer_id from raw.shop__customers order by 1")
        return [one for (one,) in rows]


def query(settings, sql):
    """Return rows of the warehouse."""
    with Warehouse(settings.warehouse).connect(read_only=True) as connection:
        return connection.execute(sql)


def test_who_came_back_is_in_and_what_was_before_is_not(settings, capsys):
    """The new account is loaded from the file that was set aside; the old ones stay out."""
    assert load_all(settings) == []

    assert readmit(settings, " ANNA@x.example", "new account", is_sure=True)

    assert load_all(settings) == ["C-9"]
    assert load_all(settings) == ["C-9"]
    said = " ".join(capsys.readouterr().out.split())
    assert "Erased on 2026-11-01, as: email" in said
    assert "anna" not in said.lower()


def test_a_number_is_let_in_however_it_is_dialled(settings):
    """All its spellings were buried, and all of them are lifted."""
    readmit(settings, "+49 151 1234567", "asked by letter", is_sure=True)

    left = query(settings, "select identifier_type from ledger.tombstones order by 1")
    assert left == [("email",), ("shop_customer",)]


def test_it_is_written_down_without_a_value(settings):
    """Which tombstone, when, and why; and what was erased can be erased again."""
    readmit(settings, "anna@x.example", "new account", is_sure=True)

    noted = query(
        settings, "select identifier_type, erased_at, reason from ledger.lifted_tombstones"
    )
    assert noted == [("email", NOW, "new account")]
    assert "anna" not in str(query(settings, "select * from ledger.lifted_tombstones"))
    with Warehouse(settings.warehouse).connect() as connection:
        write_tombstones(connection, read_keys(settings), BEFORE, NOW)
    assert load_all(settings) == []


def test_nobody_is_let_in_without_a_yes_or_while_an_erasure_is_open(settings):
    """An unknown identifier is not repeated."""
    before = query(settings, "select * from ledger.tombstones order by all")

    assert not readmit(settings, "anna@x.example", "new account", False, lambda: False)
    with pytest.raises(NotErased) as refused:
        readmit(settings, "no.body@x.example", "new account", is_sure=True)
    write_journal(settings.erasures, Journal((), (), {}, {}))
    with pytest.raises(ErasureIncomplete, match="--resume"):
        readmit(settings, "anna@x.example", "new account", is_sure=True)

    assert "no.body" not in str(refused.value)
    assert query(settings, "select * from ledger.tombstones order by all") == before
