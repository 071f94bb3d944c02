"""Say which rows of every source table belong to which customer, as the contracts state it."""

from collections.abc import Mapping

from orchestration.contracts import Ownership, TableContract

OWNER = "_customer_id"

# The type of identifier that a source record's own key is.
RECORDS = {
    ("shop", "customers"): "shop_customer",
    ("shop", "orders"): "order",
    ("crm", "contacts"): "crm_contact",
    ("store", "loyalty_cards"): "loyalty_card",
    ("mail", "subscribers"): "mail_subscriber",
    ("push", "tokens"): "push_token",
    ("helpdesk", "cases"): "case",
    ("billing", "contracts"): "contract",
}
_RECORD_KINDS = " ".join(
    f"when source = '{source}' and source_record_key like '{table}:%' then '{kind}'"
    for (source, table), kind in RECORDS.items()
)

# Every id and identifier that one customer alone has; the same one may be there several times.
BORNE = f"""
select customer_id, identifier_type as kind, identifier_value as value
from contact.customer_identities where not is_shared and identifier_type not in ('address', 'order')
union all
select customer_id, identifier_type, address
from contact.contact_points where customer_id is not null
union all
select customer_id, 'device', device_id from core.devices where customer_id is not null
union all
select customer_id, 'customer', customer_id from core.customers
union all
select customer_id, 'customer', former_customer_id
from core.customer_aliases where customer_id is not null
union all
select customer_id, case {_RECORD_KINDS} end,
    substring(source_record_key, strpos(source_record_key, ':') + 1)
from intermediate.int_customers_resolved
"""


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
