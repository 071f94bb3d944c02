"""Write down everything known of one person, as they may ask for it (GDPR articles 15 and 20)."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from activation.spec import SyncSpec, load_specs
from orchestration.belongings import OWNER, owned_rows
from orchestration.contracts import TableContract, read_contracts
from orchestration.explain import find_customer
from orchestration.export_margins import deliveries, quarantined_rows, reviewed_pairs
from orchestration.grounds import describe_audiences, describe_relations, received
from orchestration.progress import reporter
from orchestration.project import DBT_PROJECT, manifest
from orchestration.settings import Settings
from orchestration.state import read_clock
from orchestration.warehouse import Connection, Warehouse

STEP = "Collect what is known"
# Schemas whose tables have one row per person and matter; raw rows are found by their contracts.
SCHEMAS = (
    "core", "contact", "privacy", "insight", "decisions", "segments", "measurement", "activation",
    "ml", "ledger",
)  # fmt: skip
DERIVED = f"""
select schema_name, table_name from duckdb_columns()
inner join duckdb_tables() using (schema_name, table_name)
where column_name = 'customer_id' and schema_name in {SCHEMAS}
order by schema_name, table_name
"""
RECIPIENTS = """
select sync, account, identifiers, state, is_held, first_held_at, acknowledged_at
from ledger.sync_rows where customer_id = ? order by all
"""
# Ids of customers who turned out to be this one: what was sent under them is theirs too.
FORMER_IDS = """
select former_customer_id from core.customer_aliases where customer_id = ? order by all
"""
ORDER_ITEMS = """
select items.* from core.order_items as items
inner join core.orders as orders on items.order_id = orders.order_id
where orders.customer_id = ?
"""


class ExportRefused(RuntimeError):
    """The folder cannot take an export."""


@dataclass(frozen=True)
class Section:
    """Rows of one table about the person, under the name of their file."""

    name: str
    description: str
    rows: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Exported:
    """Where an export lies and how much is in it."""

    folder: Path
    sections: tuple[Section, ...]

    @property
    def count_rows(self) -> int:
        """Return the number of rows in all sections."""
        return sum(len(section.rows) for section in self.sections)


def export_customer(settings: Settings, text: str, folder: Path | None) -> Exported:
    """Find a person by id or identifier and write their export, to the state folder by default.

    Raises CustomerNotFound, SeveralCustomers or ExportRefused.
    """
    with Warehouse(settings.warehouse).connect(read_only=True) as connection:
        customer_id, as_of = find_customer(connection, text), read_clock(connection)
        return write_export(
            connection,
            customer_id,
            folder or settings.exports / f"{customer_id}-{as_of:%Y-%m-%d}",
            contracts=read_contracts(DBT_PROJECT),
            models=manifest()["nodes"],
            specs=load_specs(manifest()),
            as_of=as_of,
        )


def write_export(
    connection: Connection,
    customer_id: str,
    folder: Path,
    *,
    contracts: Mapping[str, TableContract],
    models: Mapping[str, Any],
    specs: Sequence[SyncSpec],
    as_of: datetime,
) -> Exported:
    """Write one JSON file and a CSV file per table, readable by their owner only.

    Sources: every landed row that belongs to the person, in every version. Derived: every table
    with a customer_id. Recipients: every platform that got them, with what it got. Raises
    ExportRefused when the folder is not empty, so that no other person's rows are mixed in.
    """
    if folder.exists() and any(folder.iterdir()):
        raise ExportRefused(f"{folder} is not empty. Name another folder, or empty it.")
    reporter().begin(STEP)
    sources = tuple(_sources(connection, customer_id, contracts))
    descriptions = describe_relations(models)
    sections = (
        *_recipients(connection, customer_id, specs, descriptions),
        *sources,
        *_margins(connection, customer_id, contracts, sources),
        *_derived(connection, customer_id, descriptions),
    )
    exported = Exported(folder, tuple(section for section in sections if section.rows))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    _write_private(folder / "export.json", _as_json(exported, customer_id, as_of))
    for section in exported.sections:
        _write_private(folder / f"{section.name}.csv", _as_csv(section))
    _write_private(folder / "README.txt", _as_text(exported, as_of))
    reporter().end(STEP, f"{exported.count_rows:,} rows of {len(exported.sections)} tables")
    return exported


def _sources(
    connection: Connection, customer_id: str, contracts: Mapping[str, TableContract]
) -> Iterator[Section]:
    for contract in contracts.values():
        if contract.ownerships:
            owned = owned_rows(contract, contracts)
            rows = _rows(connection, f"select * from ({owned}) where {OWNER} = ?", customer_id)
            told = [_without(row, OWNER) for row in rows]
            description = f"Received from {contract.label}, every version of it."
            yield Section(f"source.{contract.source}.{contract.name}", description, told)


def _margins(
    connection: Connection,
    customer_id: str,
    contracts: Mapping[str, TableContract],
    sources: Sequence[Section],
) -> Iterator[Section]:
    """Yield what stands beside the tables: set aside, under review, delivered."""
    by_name = {f"source.{one.source}.{one.name}": label for label, one in contracts.items()}
    owned = {by_name[section.name]: section.rows for section in sources}
    aside = quarantined_rows(connection, customer_id, contracts, owned)
    yield Section("quarantine", "Received, and set aside because it could not be read.", aside)
    pairs = reviewed_pairs(connection, customer_id)
    described = "Records that may be of one person with another record; somebody has to decide."
    yield Section("identity_reviews", described, pairs)
    former = [str(row[0]) for row in connection.execute(FORMER_IDS, (customer_id,))]
    sent = deliveries(connection, [customer_id, *former])
    yield Section("deliveries", "What the last two plans of each sync did, row by row.", sent)


def _derived(
    connection: Connection, customer_id: str, descriptions: Mapping[str, str]
) -> Iterator[Section]:
    for schema, table in connection.execute(DERIVED):
        relation = f"{schema}.{table}"
        rows = _rows(connection, f"select * from {relation} where customer_id = ?", customer_id)
        yield Section(relation, descriptions.get(relation, ""), rows)
    items = _rows(connection, ORDER_ITEMS, customer_id)
    yield Section("core.order_items", descriptions.get("core.order_items", ""), items)


def _recipients(
    connection: Connection,
    customer_id: str,
    specs: Sequence[SyncSpec],
    descriptions: Mapping[str, str],
) -> Iterator[Section]:
    """Yield who got the person; under which former ids too."""
    if not connection.table_exists("ledger", "sync_rows"):
        return
    by_name = {spec.name: spec for spec in specs}
    former = [str(row[0]) for row in connection.execute(FORMER_IDS, (customer_id,))]
    rows = [row for one in (customer_id, *former) for row in _rows(connection, RECIPIENTS, one)]
    described = "Who received personal data, for what purpose, and whether they still hold it."
    yield Section("recipients", described, [_named(row, by_name) for row in rows])
    audiences = describe_audiences(specs, descriptions)
    answers = [one.to_dict() for one in received(connection, customer_id, audiences)]
    yield Section("why_did_i_get_this", "Each audience you were in, and on what ground.", answers)


def _named(row: Mapping[str, Any], specs: Mapping[str, SyncSpec]) -> dict[str, Any]:
    spec = specs.get(row["sync"])
    return {
        "platform": spec.destination if spec else row["sync"].split("__")[0],
        "audience": spec.target if spec else row["sync"],
        "purposes": ", ".join(spec.purposes) if spec else "no longer in use",
        **row,
    }


def _rows(connection: Connection, sql: str, customer_id: str) -> list[dict[str, Any]]:
    cursor = connection.raw.execute(sql, [customer_id])
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _without(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}


def _as_json(exported: Exported, customer_id: str, as_of: datetime) -> str:
    content = {
        "customer_id": customer_id,
        "as_of": as_of,
        "tables": {
            section.name: {"description": section.description, "rows": section.rows}
            for section in exported.sections
        },
    }
    return json.dumps(content, indent=2, default=str, ensure_ascii=False)


def _as_csv(section: Section) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(section.rows[0]))
    writer.writeheader()
    writer.writerows(section.rows)
    return text.getvalue()


def _as_text(exported: Exported, as_of: datetime) -> str:
    lines = [
        f"Everything known about one person on {as_of:%Y-%m-%d %H:%M} UTC.",
        "export.json has all of it; every table is also a CSV file of its own.",
        "source.*: what was received, as it was received. recipients: whom it was passed on to.",
        "The others were worked out from the sources.",
        "",
    ]
    width = max((len(section.name) for section in exported.sections), default=0)
    for section in exported.sections:
        lines.append(f"{section.name:<{width}}  {len(section.rows):>6}  {section.description}")
    return "\n".join(lines) + "\n"


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
