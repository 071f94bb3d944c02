"""What a person gets when they ask what is known of them: all of it, and nobody else's."""

import csv
import json
import stat
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from activation.spec import load_specs
from orchestration.contracts import read_contracts
from orchestration.export import write_export
from orchestration.warehouse import Warehouse

DBT_PROJECT = Path(__file__).parents[2] / "dbt_project"

# Of whom identity knows every record and no other's: what must be exported is then known from the
# truth alone. First the person whom most silos know.
WELL_KNOWN = """
with links as (
    select person_id, source, concat(table_name, ':', record_key) as source_record_key
    from '{truth}/record_link/*.parquet'
),
resolved as (
    select links.*, customers.customer_id
    from links
    inner join intermediate.int_customers_resolved as customers using (source, source_record_key)
),
whole as (
    select customer_id, min(person_id) as person_id, count(*) as count_records
    from resolved group by customer_id having count(distinct person_id) = 1
)
select whole.customer_id, whole.person_id
from whole
inner join resolved using (person_id)
group by whole.customer_id, whole.person_id, whole.count_records
having count(distinct resolved.customer_id) = 1 and count(*) = whole.count_records
order by count(distinct resolved.source) desc, whole.person_id
limit 3
"""
KEYS = "select record_key from '{truth}/record_link/*.parquet' where person_id = '{person}' "
# Rows of a source table by the truth: those of the person's records in one table.
OWN = {
    "shop.customers": ("customer_id", "shop", "customers"),
    "shop.orders": ("order_id", "shop", "orders"),
    "shop.order_items": ("order_id", "shop", "orders"),
    "fulfilment.events": ("order_id", "shop", "orders"),
    "production.milestones": ("order_id", "shop", "orders"),
    "crm.contacts": ("contact_id", "crm", "contacts"),
    "mail.subscribers": ("subscriber_id", "mail", "subscribers"),
    "mail.sends": ("subscriber_id", "mail", "subscribers"),
    "store.receipts": ("loyalty_card_id", "store", "loyalty_cards"),
    "billing.contracts": ("contract_id", "billing", "contracts"),
    "billing.invoices": ("contract_id", "billing", "contracts"),
    "helpdesk.cases": ("case_id", "helpdesk", "cases"),
}

Export = Callable[[str], tuple[Path, dict[str, Any]]]


@pytest.fixture(scope="module")
def export(demo, tmp_path_factory) -> Export:
    """Return a function that exports a customer and reads the JSON again."""
    project = json.loads((demo.home / "dbt/manifest.json").read_text())

    def run(customer_id: str) -> tuple[Path, dict[str, Any]]:
        folder = tmp_path_factory.mktemp("exports") / "one"
        with Warehouse(demo.home / "warehouse.duckdb").connect(read_only=True) as connection:
            write_export(
                connection,
                customer_id,
                folder,
                contracts=read_contracts(DBT_PROJECT),
                models=project["nodes"],
                specs=load_specs(project),
                as_of=datetime(2026, 11, 1),
            )
        return folder, json.loads((folder / "export.json").read_text())

    return run


@pytest.fixture(scope="module")
def well_known(demo) -> list[tuple[str, str]]:
    """Return (customer_id, person_id) of persons whose records identity got all right."""
    return demo.query(WELL_KNOWN.format(truth=demo.home / "truth"))


def rows_of(told: dict[str, Any], table: str) -> list[tuple[str, int]]:
    """Return which landed rows of a source table an export has."""
    rows = told["tables"].get(f"source.{table}", {"rows": []})["rows"]
    return sorted((row["_file"], row["_row"]) for row in rows)


def test_all_that_was_received_of_a_person_is_exported_and_nothing_else(demo, export, well_known):
    """Row for row against the truth, in every silo that says whose a record is."""
    compared = 0
    for customer_id, person in well_known:
        _, told = export(customer_id)
        for table, (column, source, record) in OWN.items():
            keys = KEYS.format(truth=demo.home / "truth", person=person)
            keys += f"and source = '{source}' and table_name = '{record}'"
            raw = f"raw.{table.replace('.', '__')}"
            expected = demo.query(f"select _file, _row from {raw} where {column} in ({keys})")
            assert rows_of(told, table) == sorted(expected), table
            compared += len(expected)

    assert compared > 100


def test_what_a_person_did_on_the_web_is_exported(demo, export, well_known):
    """Whatever the mart gives them, and what follows from it: the ads they clicked."""
    customer_id, _ = well_known[0]
    events = demo.query(
        f"select event_id, click_id from core.events where customer_id = '{customer_id}'"
    )
    _, told = export(customer_id)

    sources = told["tables"]
    seen = {row["event_id"] for row in sources["source.web.events"]["rows"]}
    clicked = {row["click_id"] for row in sources.get("source.ads.clicks", {"rows": []})["rows"]}
    assert len(events) > 10
    assert {event for event, _ in events} <= seen
    known = {one for (one,) in demo.query("select click_id from raw.ads__clicks")}
    assert {click for _, click in events if click in known} <= clicked


SET_ASIDE = """
select records.customer_id, count(*) from raw.quarantine
inner join intermediate.int_customers_resolved as records
    on records.source = 'shop' and records.source_record_key = concat(
        'customers:',
        json_extract_string(case when json_valid(record) then record end, '$.customer_id')
    )
where quarantine.source = 'web'
group by 1 order by 2 desc, 1 limit 2
"""


def test_what_could_not_be_loaded_is_exported_to_whom_it_names(demo, export):
    """All rows of an account in the quarantine, each once."""
    found = demo.query(SET_ASIDE)

    assert len(found) == 2
    for customer_id, count in found:
        rows = export(customer_id)[1]["tables"]["quarantine"]["rows"]
        assert len([row for row in rows if row["source"] == "web"]) >= count
        assert len({(row["file"], row["row_number"]) for row in rows}) == len(rows)
        others = demo.query("select count(*) from raw.quarantine")[0][0] - len(rows)
        assert others > 100


def test_the_last_deliveries_are_told(demo, export):
    """Each row of a plan about the person, with what became of it and when."""
    query = "select customer_id, count(*) from ledger.plan_rows group by 1 order by 2 desc, 1"
    customer_id, count = demo.query(query)[0]

    rows = export(customer_id)[1]["tables"]["deliveries"]["rows"]

    assert len(rows) == count
    assert {"delivered"} <= {row["state"] for row in rows}
    assert all(row["account"] and row["started_at"] for row in rows)


def test_every_recipient_is_named(demo, platforms, export):
    """A person who is in a list of a platform finds that list in their export."""
    customer_id = platforms.members("klaviyo", "Win back")[0]["external_id"]
    _, told = export(customer_id)

    recipients = told["tables"]["recipients"]["rows"]
    assert ("klaviyo", "Win back", True) in {
        (row["platform"], row["audience"], row["is_held"]) for row in recipients
    }
    held = demo.query(f"select count(*) from ledger.sync_rows where customer_id = '{customer_id}'")
    assert len(recipients) == held[0][0]


def test_files_are_private_and_say_the_same(export, well_known):
    """Only their owner may read them; a CSV file has the rows of its table in the JSON file."""
    folder, told = export(well_known[0][0])

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for name, table in told["tables"].items():
        with (folder / f"{name}.csv").open(newline="") as file:
            assert len(list(csv.DictReader(file))) == len(table["rows"])
        assert name in (folder / "README.txt").read_text()


def test_an_export_goes_into_no_folder_with_files(demo, tmp_path, well_known):
    """Two people's rows in one folder would be handed to the wrong one."""
    command = ("export", well_known[0][0], "--folder", str(tmp_path / "mine"))
    first = demo.run(*command)
    told = (tmp_path / "mine/export.json").read_text()

    refused = demo.run(*command, check=False)

    assert "personal data in clear text" in first.stdout
    assert refused.returncode == 1
    assert "is not empty" in refused.stderr
    assert (tmp_path / "mine/export.json").read_text() == told


def test_who_is_unknown_is_not_repeated(demo, tmp_path):
    """A typing error may be somebody's address, and the terminal keeps what it shows."""
    refused = demo.run(
        "export", "no.body@example.org", "--folder", str(tmp_path / "new"), check=False
    )

    assert refused.returncode == 1
    assert "Nobody has this identifier" in refused.stderr
    assert "no.body" not in refused.stdout + refused.stderr
    assert not (tmp_path / "new").exists()
