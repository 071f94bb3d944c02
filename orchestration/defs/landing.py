"""Load the landed files; every source table of dbt is an asset of this step."""

from datetime import UTC, datetime
from typing import Any

import dagster as dg

from orchestration.contracts import TableContract, read_contracts
from orchestration.landing import check_headers, choose_clock, discover, read_manifest
from orchestration.loading import TableLoad, load
from orchestration.progress import reporter
from orchestration.project import DBT_PROJECT, settings
from orchestration.settings import read_settings
from orchestration.tombstones import read_tombstones
from orchestration.warehouse import Connection, Warehouse

CONTRACTS = read_contracts(DBT_PROJECT)
NEWEST_ORDER = "select max(ordered_at) from raw.shop__orders where ordered_at <= now()::timestamp"


def _spec(contract: TableContract) -> dg.AssetSpec:
    return dg.AssetSpec(
        [contract.source, contract.name],
        group_name="landing",
        kinds={"duckdb", "file"},
        description=f"Landed files of {contract.label}, typed.",
    )


@dg.multi_asset(
    name="load_landing",
    specs=[
        *(_spec(contract) for contract in CONTRACTS.values()),
        dg.AssetSpec(["landing", "clock"], group_name="landing", kinds={"duckdb"}),
        dg.AssetSpec(["landing", "loaded_files"], group_name="landing", kinds={"duckdb"}),
        dg.AssetSpec(["landing", "quarantine"], group_name="landing", kinds={"duckdb"}),
    ],
    pool="duckdb_writer",
)
def load_landing(warehouse: dg.ResourceParam[Warehouse]) -> Any:
    """Bring schema raw in step with the landing folder and set the run's clock."""
    step = "Load landed files"
    reporter().begin(step)
    files, ignored = discover(settings.landing, CONTRACTS)
    check_headers(files)
    with warehouse.writing(), warehouse.connect() as connection:
        loads = load(
            connection,
            CONTRACTS.values(),
            files,
            datetime.now(UTC).replace(tzinfo=None),
            lambda label, done, total: reporter().advance(step, done, total, label),
            read_tombstones(connection, read_settings()),
        )
        as_of = _set_clock(connection, files)
        rows = dict(_row_counts(connection))
    reporter().end(step, _phrase(loads, rows, len(ignored)))
    for contract in CONTRACTS.values():
        yield dg.MaterializeResult(
            asset_key=[contract.source, contract.name],
            metadata={"dagster/row_count": rows[contract.label]},
        )
    yield dg.MaterializeResult(asset_key=["landing", "clock"], metadata={"as_of": str(as_of)})
    yield dg.MaterializeResult(
        asset_key=["landing", "loaded_files"], metadata={"dagster/row_count": len(files)}
    )
    yield dg.MaterializeResult(
        asset_key=["landing", "quarantine"],
        metadata={"dagster/row_count": rows["quarantine"], "ignored_files": len(ignored)},
    )


def _set_clock(connection: Connection, files: Any) -> datetime:
    newest = connection.execute(NEWEST_ORDER)[0][0]
    as_of = choose_clock(read_manifest(settings.landing), files, settings.as_of, newest)
    with connection.transaction():
        connection.execute("create table if not exists raw.clock (as_of timestamp)")
        connection.execute("delete from raw.clock")
        connection.execute("insert into raw.clock values (?)", (as_of,))
    return as_of


def _row_counts(connection: Connection) -> Any:
    for contract in CONTRACTS.values():
        yield contract.label, connection.execute(f"select count(*) from {contract.relation}")[0][0]
    yield "quarantine", connection.execute("select count(*) from raw.quarantine")[0][0]


def _phrase(loads: tuple[TableLoad, ...], rows: dict[str, int], ignored: int) -> str:
    total = sum(rows.values()) - rows["quarantine"]
    new = sum(table.files for table in loads)
    tail = f", {ignored} files ignored" if ignored else ""
    return f"{new} new files, {total:,} rows, {rows['quarantine']:,} in quarantine{tail}"
