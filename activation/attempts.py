"""Say which rows wait: refused ones longer from time to time, and some for a person."""

from activation.connection import Connection
from activation.spec import SyncSpec
from activation.statements import literal, render

MOST_ATTEMPTS = 5
RETRY_LATER = "retry_later"
PARKED = "parked"
INVALID = "invalid"
OUTCOME_UNKNOWN = "outcome_unknown"
WAITING = frozenset({RETRY_LATER, PARKED, INVALID, OUTCOME_UNKNOWN})

# A refused row is tried again in the next run, then after two more, four, eight, and then no more
# until its values change. What cannot be expressed at all is the same the next time.
_WAITS_FOR = """case
            when held_state = 'unknown' and not {resends} then {outcome_unknown}
            when not is_same or is_renamed then null
            when held_state = 'invalid' then {invalid}
            when held_state <> 'rejected' then null
            when held_attempts >= {most} then {parked}
            when retry_from > {number} then {retry_later}
        end"""

RUNS_UNTIL_RETRY = "cast(power(2, attempts) as bigint)"
"""Runs to let pass after the refusal that follows `attempts` others."""


def waits_for(connection: Connection, spec: SyncSpec) -> str:
    """Return the expression for what a row waits for before it is sent again; null: for nothing."""
    surface = spec.capabilities.surfaces[spec.surface]
    return render(
        _WAITS_FOR,
        resends="1 = 1" if surface.resends_unknown else "1 = 0",
        most=MOST_ATTEMPTS,
        number=_next_number(connection, spec),
        outcome_unknown=literal(OUTCOME_UNKNOWN),
        invalid=literal(INVALID),
        parked=literal(PARKED),
        retry_later=literal(RETRY_LATER),
    )


def _next_number(connection: Connection, spec: SyncSpec) -> int:
    """Return the number of the run that a plan made now belongs to."""
    if not connection.table_exists("ledger", "runs"):
        return 1
    rows = connection.execute(
        "select coalesce(max(plan_number), 0) + 1 from ledger.runs"
        " where sync = ? and status <> 'delivering'",
        (spec.name,),
    )
    return int(rows[0][0])
