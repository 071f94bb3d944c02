"""Say which rows of every source table belong to which customer, as the contracts state it."""

from collections.abc import Mapping

from orchestration.contracts import Ownership, TableContract

OWNER = "_customer_id"


def owned_rows(contract: TableContract, contracts: Mapping[str, TableContract]) -> str:
    """Return a query: rows of a source table that belong to somebody, and `_customer_id`.

    A row that belongs to two people is there twice; one that belongs to nobody is not there.
    Every landed version of a row counts, also the outdated ones.
    """
    if not contract.ownerships:
        return f"select *, null as {OWNER} from {contract.relation} where 1 = 0"
    return " union ".join(_owned(contract, way, contracts) for way in contract.ownerships)


def _owned(contract: TableContract, way: Ownership, contracts: Mapping[str, TableContract]) -> str:
    if way.record:
        return _of_a_record(contract, way, way.record)
    if way.parent:
        return _of_a_parent(contract, way, contracts[way.parent], contracts)
    return _of_a_mart(contract, way)


def _of_a_record(contract: TableContract, way: Ownership, record: str) -> str:
    source, table = record.split("/")
    (column,) = way.columns
    return f"""
        select rows.*, records.customer_id as {OWNER}
        from {contract.relation} as rows
        inner join intermediate.int_customers_resolved as records
            on records.source = '{source}'
            and records.source_record_key = concat('{table}:', trim(rows.{column}))
    """


def _of_a_parent(
    contract: TableContract,
    way: Ownership,
    parent: TableContract,
    contracts: Mapping[str, TableContract],
) -> str:
    ((column, there),) = way.columns.items()
    return f"""
        select rows.*, parents.{OWNER}
        from {contract.relation} as rows
        inner join (
            select distinct {there} as parent_key, {OWNER}
            from ({owned_rows(parent, contracts)}) as owned
        ) as parents
            on rows.{column} = parents.parent_key
    """


def _of_a_mart(contract: TableContract, way: Ownership) -> str:
    spelled, joined = "rows", ""
    if way.staged:
        spelled = "staged"
        equal = " and ".join(f"staged.{column} = rows.{column}" for column in contract.key)
        joined = f"inner join {way.staged} as staged on {equal}"
    equal = " and ".join(
        f"{spelled}.{column} = owners.{there}" for column, there in way.columns.items()
    )
    return f"""
        select rows.*, owners.customer_id as {OWNER}
        from {contract.relation} as rows
        {joined}
        inner join {way.mart} as owners
            on {equal}
        where owners.customer_id is not null
    """
