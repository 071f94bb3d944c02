"""Find the digest of a row's content that its model carries, and trust none that is not one."""

from activation.connection import Connection
from activation.rows import payload
from activation.spec import SyncSpec
from activation.spec_rules import ROW_DIGEST
from activation.statements import literal, md5_hex, render

SAMPLE = 1_000

_COLUMN = """
select 1 from information_schema.columns
where table_schema = {schema} and table_name = {table} and column_name = {column}
"""
_UNLIKE = """
select count(*) from (
    select case when cast({digest} as varchar) = {own} then 0 else 1 end as is_unlike
    from {relation}
    limit {sample}
) as compared
where is_unlike = 1
"""


def content_digest(connection: Connection, spec: SyncSpec) -> str:
    """Return the expression over the model's columns for the md5 of all that is sent of a row.

    That is the model's own column `row_digest`, if the first rows say that it is what would be
    made here; otherwise it is made here, which takes longer and comes to the same plan.
    """
    own = md5_hex(payload(spec))
    schema, table = spec.relation.split(".", 1)
    named = {"schema": literal(schema), "table": literal(table), "column": literal(ROW_DIGEST)}
    if not connection.execute(render(_COLUMN, **named)):
        return own
    statement = render(_UNLIKE, digest=ROW_DIGEST, own=own, relation=spec.relation, sample=SAMPLE)
    return own if connection.execute(statement)[0][0] else ROW_DIGEST
