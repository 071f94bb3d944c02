"""Seconds and memory to plan a sync of millions of rows, beside a bare join of the same rows."""

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from activation import plan
from activation.comparison import Comparison, row_hash
from activation.gate import gate_for
from activation.ledger import Ledger
from activation.rows import desired_rows, payload
from activation.statements import md5_hex
from orchestration.warehouse import Warehouse
from tests.activation.world import AS_OF, KEYS, KLAVIYO, World, world_at
from tests.benchmarks.filling import figure, fill, seconds_of
from tests.benchmarks.memory import forget_peak, peak_gb

ROWS = 10_000_000
Figure = dict[str, Any]

# Whom the gate forbids: others than those who are desired, a hundredth of them.
_FORBIDDEN = """
insert into privacy.suppressions
select sha256('email|other' || i || '@example.com'), md5('other' || i), 'all', 'objected', null
from range({rows} // 100) as r (i)
"""
_KEYS = """
create or replace table contact.contact_points as
select *, sha256(identifier_type || '|' || address) as suppression_key from contact.contact_points
"""
_DIGESTED = """
create or replace table {relation} as
select *, {digest} as row_digest from {relation}
"""
_CHANGED = """
create or replace table {relation} as
select *, {digest} as row_digest
from (
    select
        * exclude (row_digest) replace (
            case when md5_number(email) % 20 = 0 then 999 else property_spend end as property_spend
        )
    from {relation}
) as changed
"""
_TYPED = """
create or replace temp table compared as
select coalesce(desired.customer_id, held.customer_id) as row_key
from {relation} as desired
full outer join held on held.customer_id = desired.customer_id
where {differ}
"""
# What the gate asks of a row that it lets pass, without its digests: the same tables, joined once.
_TABLES = """
create or replace temp table compared as
select coalesce(desired.customer_id, held.customer_id) as row_key
from {relation} as desired
full outer join held on held.customer_id = desired.customer_id
left join contact.contact_points as point
    on point.contact_point_id = desired.contact_point_id
left join privacy.consents as consent
    on
        consent.contact_point_id = desired.contact_point_id
        and consent.purpose = '{purpose}' and consent.channel = '{channel}'
where
    {differ}
    or consent.is_allowed is distinct from true
    or point.is_deliverable is distinct from true
    or point.address is distinct from desired.email
    or exists (
        select 1 from privacy.suppressions
        where suppressions.suppression_key = point.suppression_key
    )
"""
_DIGESTS = """
create or replace temp table compared as
select coalesce(desired.row_key, held.row_key) as row_key
from (select row_key, {row_hash} as row_hash from ({desired}) as rows_of_model) as desired
full outer join ledger.sync_rows as held on held.row_key = desired.row_key
where desired.row_hash is distinct from held.row_hash
"""


def measure_planning(rows: int = ROWS) -> Iterator[Figure]:
    """Yield what plans cost: of a first run, without changes, with a twentieth changed.

    Digests and the gate (consents, suppressions, contact points, holds) are in every figure. The
    references run over the same rows: without a gate, a bare full outer join of the typed columns,
    and one of the digests of desired rows with those in the ledger; without digests, the first join
    and those with the tables of the gate.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plan.duckdb"
        first = _deliver(path, rows)
        with Warehouse(path).connect() as connection:
            world = World(connection, KLAVIYO)
            connection.execute("set threads = 2")
            unchanged, memory = _measured(world, "unchanged")
            connection.execute(_built(_CHANGED, world))
            connection.execute("checkpoint")
            changed, memory_of_changes = _measured(world, "changed")
            typed = min(seconds_of(lambda: _join_columns(world)) for _ in range(2))
            digests = min(seconds_of(lambda: _join_digests(world)) for _ in range(2))
            tables = min(seconds_of(lambda: _join_tables(world)) for _ in range(2))
    reference = f"a bare full outer join of the typed columns, {typed:.2f} s"
    yield figure("plan_first", first, "s", rows, first / typed, reference)
    yield figure("plan_unchanged", unchanged, "s", rows, unchanged / typed, reference)
    yield figure("plan_one_in_twenty", changed, "s", rows, changed / typed, reference)
    for name, seconds in (("unchanged", unchanged), ("one_in_twenty", changed)):
        bare = f"a bare full outer join of digests made and digests held, {digests:.2f} s"
        yield figure(f"plan_{name}_to_digests", seconds, "s", rows, seconds / digests, bare)
        bare = f"bare joins of the typed columns and of the gate's tables, {tables:.2f} s"
        yield figure(f"plan_{name}_to_tables", seconds, "s", rows, seconds / tables, bare)
    for name, used in (("unchanged", memory), ("one_in_twenty", memory_of_changes)):
        table = "the process at its peak, with what the engine has read of the file"
        yield figure(f"plan_{name}_memory", used * 1000, "MB", rows, 1.0, table)


def _deliver(path: Path, rows: int) -> float:
    """Make a warehouse whose rows are all held, and return the seconds of the first plan."""
    with world_at(path) as world:
        fill(world, rows)
        for statement in (_KEYS, _FORBIDDEN.format(rows=rows), _built(_DIGESTED, world)):
            world.connection.execute(statement)
        ledger = Ledger(world.connection, world.spec, "here", KEYS)
        ledger.prepare()
        first = seconds_of(lambda: _seal(world, "first"))
        ledger.start("first", "1 = 1", "sending", {})
        ledger.acknowledge_upserts("first", "1 = 1", {})
        world.connection.execute("delete from ledger.plan_rows")
        world.connection.execute(f"create table held as select * from {world.spec.relation}")
        world.connection.execute("checkpoint")
    return first


def _built(statement: str, world: World) -> str:
    """Return the statement that makes the sync model with its digest, as dbt would."""
    digest = md5_hex(payload(world.spec))
    return statement.format(relation=world.spec.relation, digest=digest)


def _measured(world: World, name: str) -> tuple[float, float]:
    """Return the seconds of the better of two plans, and the most memory the process held in GB.

    The first also brings the file into memory, where the references find it.
    """
    forget_peak()
    seconds = [seconds_of(lambda run=run: _seal(world, f"{name} {run}")) for run in range(2)]
    return min(seconds), peak_gb()


def _seal(world: World, run_id: str) -> None:
    gate = gate_for(world.connection, world.spec, AS_OF)
    with world.connection.transaction():
        plan.seal(Comparison(world.connection, world.spec, gate, "here", KEYS), run_id)


def _join_columns(world: World) -> None:
    world.connection.execute(_TYPED.format(relation=world.spec.relation, differ=_differ(world)))


def _join_tables(world: World) -> None:
    (purpose,) = world.spec.purposes
    names = {"relation": world.spec.relation, "purpose": purpose, "channel": world.spec.channel}
    world.connection.execute(_TABLES.format(**names, differ=_differ(world)))


def _differ(world: World) -> str:
    return " or ".join(
        f"desired.{field.name} is distinct from held.{field.name}" for field in world.spec.fields
    )


def _join_digests(world: World) -> None:
    digest = row_hash(world.spec, KEYS.row_rule)
    world.connection.execute(_DIGESTS.format(row_hash=digest, desired=desired_rows(world.spec)))


if __name__ == "__main__":
    for one in measure_planning(*map(int, sys.argv[1:])):
        sys.stdout.write(json.dumps(one) + "\n")
        sys.stdout.flush()
