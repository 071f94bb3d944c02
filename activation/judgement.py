"""Decide whether a plan may be sent as it is, in part, or not at all."""

from dataclasses import dataclass

from activation import guards
from activation.comparison import Comparison
from activation.errors import look_first
from activation.guards import Source
from activation.jumps import LastDelivery, find_jumps, last_delivery
from activation.ledger_schema import readable
from activation.plan import PlanCounts
from activation.statements import literal, literals, render

_HELD = """
select
    coalesce(sum(case when is_held then 1 else 0 end), 0),
    coalesce(sum(case when key_id not in ({keys}) then 1 else 0 end), 0)
from {sync_rows}
where sync = {sync} and account = {account}
"""


@dataclass(frozen=True)
class Judgement:
    """What the guards of a sync compare a plan with."""

    comparison: Comparison
    source: Source
    count_held: int
    count_of_other_keys: int
    last: LastDelivery | None

    def refuse_before_planning(self) -> None:
        """Raise GuardRefused when the model or the ledger cannot be what it should be.

        A sync that is switched off depends on neither.
        """
        spec = self.comparison.spec
        if not spec.is_enabled:
            return
        guards.refuse_unknown_key(spec, self.count_of_other_keys)
        guards.refuse_empty_source(spec, self.source, self.count_held)

    def find_pause(self, counts: PlanCounts) -> str | None:
        """Return why only what the gate demands may be sent of a whole plan, if anything.

        Raise ConsentFell when the gate itself is what changed, MassRemoval when a sync that is
        switched off would take too many back.
        """
        spec, source = self.comparison.spec, self.source
        if not spec.is_enabled:
            guards.refuse_mass_removal(spec, counts, self.count_held)
            return None
        causes: list[str] = []
        if self.last is not None:
            allowed = guards.count_allowed(source, counts)
            guards.refuse_fallen_consent(spec, source.count_rows, allowed, self.last)
            causes += find_jumps(self.comparison.connection, spec, source.count_rows, self.last)
        if guards.is_mass_removal(spec, counts, self.count_held):
            causes.append(guards.describe_removals(spec, counts, self.count_held))
        return f"{'; '.join(causes)}. {look_first(spec.name)}" if causes else None

    def refuse_paused(self, counts: PlanCounts) -> None:
        """Raise MassRemoval when even a paused plan removes too much."""
        guards.refuse_mass_removal(self.comparison.spec, counts, self.count_held)


def prepare(comparison: Comparison, source: Source) -> Judgement:
    """Look at the ledger and the last delivery; raise DuplicateKeys first of all."""
    connection, spec = comparison.connection, comparison.spec
    guards.refuse_duplicate_keys(spec, source)
    held, others = _count_held(comparison)
    last = last_delivery(connection, spec, comparison.account)
    return Judgement(comparison, source, held, others, last)


def _count_held(comparison: Comparison) -> tuple[int, int]:
    """Return how many rows are held, and how many were digested with a key that is not given."""
    if not comparison.connection.table_exists("ledger", "sync_rows"):
        return 0, 0
    rules = [comparison.keys.row_rule, *comparison.keys.former_row_rules]
    statement = render(
        _HELD,
        sync_rows=readable(comparison.connection, "sync_rows"),
        keys=literals(rule.identifier for rule in rules),
        sync=literal(comparison.spec.name),
        account=literal(comparison.account),
    )
    held, others = comparison.connection.execute(statement)[0]
    return int(held), int(others)
