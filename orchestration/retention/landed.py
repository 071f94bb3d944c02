"""Count and delete rows of source tables that are older than their clock: landed files and raw."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from orchestration.contracts import Retention, TableContract
from orchestration.erasure.landing import Opened, drop_rows
from orchestration.landing import LandedFile, LandingError, discover
from orchestration.warehouse import Connection

ENDS = "retained_keys"

# The first and the last login of an account on a device say for good who was seen there: without
# them people would fall apart into several customers.
_ENDS = """
create or replace temporary table {ends} as
select distinct {key} from (
    select
        {key},
        row_number() over (partition by {by} order by {time}, {key}) as rank_of_first,
        row_number() over (partition by {by} order by {time} desc, {key}) as rank_of_last
    from {relation}
    where {all_there}
) as ranked
where rank_of_first = 1 or rank_of_last = 1
"""


def count_due(
    connection: Connection, contract: TableContract, cut: datetime | None
) -> tuple[datetime | None, int, int]:
    """Return the oldest moment of a table's rows, their number, and how many of them are due."""
    if not connection.table_exists("raw", contract.relation.removeprefix("raw.")):
        return None, 0, 0
    is_due = _is_due(connection, contract, cut)
    time = _quoted(_retention(contract).column)
    found = connection.execute(
        f"select min({time}), count(*), count(*) filter (where {is_due}) from {contract.relation}"
    )
    return found[0][0], int(found[0][1]), int(found[0][2])


def delete_due(
    connection: Connection,
    landing: Path,
    contracts: Mapping[str, TableContract],
    contract: TableContract,
    cut: datetime,
) -> int:
    """Delete what is due from the landed files and then from the raw table; return its rows.

    Killed between two files, the next call goes on: a file is replaced in one step, and the raw
    table still says which rows are due. A partition that has nothing left is deleted.
    """
    is_due = _is_due(connection, contract, cut)
    touched = _names(connection, f"select _file from {contract.relation} where {is_due}")
    loaded = _names(connection, "select file from raw.loaded_files")
    for file in _files(landing, contracts, contract):
        is_old = datetime.combine(file.arrived_on, datetime.min.time()) < cut
        # Of a file that nobody loaded yet nobody knows which of its logins have to stay.
        if file.name in loaded and (is_old or file.name in touched):
            _shorten(connection, file, cut)
    with connection.transaction():
        counted = f"select count(*) from {contract.relation} where {is_due}"
        count = int(connection.execute(counted)[0][0])
        connection.execute(f"delete from {contract.relation} where {is_due}")
    return count


def _names(connection: Connection, statement: str) -> set[str]:
    return {str(name) for (name,) in connection.execute(statement)}


def _files(
    landing: Path, contracts: Mapping[str, TableContract], contract: TableContract
) -> list[LandedFile]:
    try:
        files, _ = discover(landing, contracts)
    except LandingError:
        return []
    return [file for file in files if file.contract == contract and not file.problem]


def _shorten(connection: Connection, file: LandedFile, cut: datetime) -> None:
    left = drop_rows(connection, file, lambda opened: _landed_due(opened, cut))
    if left == 0 and "arrived_on=" in file.name:
        file.path.unlink()
        for table in ("raw.quarantine", "raw.loaded_files"):
            connection.execute(f"delete from {table} where file = ?", (file.name,))


def _landed_due(opened: Opened, cut: datetime) -> str:
    """Return the condition on a landed row; one without a time is as old as its file."""
    file, reader = opened.file, opened.reader
    spelling = {column.name: reader.cast(column) for column in file.contract.columns}
    condition = _condition(file.contract, cut, spelling)
    time = spelling[_retention(file.contract).column]
    is_old = datetime.combine(file.arrived_on, datetime.min.time()) < cut
    return f"coalesce(case when {time} is null then {is_old} else {condition} end, false)"


def _is_due(connection: Connection, contract: TableContract, cut: datetime | None) -> str:
    """Return the condition on a row of the raw table, with what has to stay looked up."""
    if cut is None:
        return "false"
    retention = _retention(contract)
    key = ", ".join(_quoted(name) for name in contract.key)
    if retention.ends_of:
        connection.execute(
            _ENDS.format(
                ends=ENDS,
                key=key,
                by=", ".join(_quoted(name) for name in retention.ends_of),
                time=_quoted(retention.column),
                relation=contract.relation,
                all_there=" and ".join(
                    f"{_quoted(name)} is not null" for name in retention.ends_of
                ),
            )
        )
    spelling = {name: _quoted(name) for name in contract.column_names}
    return f"coalesce({_condition(contract, cut, spelling)}, false)"


def _condition(contract: TableContract, cut: datetime, spelling: Mapping[str, str]) -> str:
    retention = _retention(contract)
    parts = [f"{spelling[retention.column]} < timestamp '{cut:%Y-%m-%d %H:%M:%S}'"]
    for name, values in retention.only.items():
        listed = ", ".join(f"'{value}'" for value in values)
        parts.append(f"lower(cast({spelling[name]} as varchar)) in ({listed})")
    if retention.ends_of:
        key = ", ".join(spelling[name] for name in contract.key)
        columns = ", ".join(_quoted(name) for name in contract.key)
        parts.append(f"coalesce(({key}) not in (select ({columns}) from {ENDS}), true)")
    return "(" + " and ".join(parts) + ")"


def _retention(contract: TableContract) -> Retention:
    if contract.retention is None:
        msg = f"{contract.label} has no clock."
        raise ValueError(msg)
    return contract.retention


def _quoted(name: str) -> str:
    return f'"{name}"'
