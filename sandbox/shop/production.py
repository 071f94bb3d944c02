"""Write how configured furniture is made: the plan, the deadline for changes, what is done."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from sandbox.shop.calendar import MICROS_PER_DAY, utc_day, utc_micros
from sandbox.shop.catalogue import CATEGORIES, FAMILIES, Catalogue
from sandbox.shop.draws import Flags, Floats, Integers, Keys, combined
from sandbox.shop.orders import MAIN, REFUNDED, SPLIT, Orders
from sandbox.shop.rows import Rows
from sandbox.shop.text import hexadecimal, joined, picked, texts, timestamps

MILESTONES = texts(["change_deadline", "in_production", "ready"])
CHANGE_DEADLINE, IN_PRODUCTION, READY = range(3)
PLANNED, REACHED = range(2)
READY_MADE = "Chair"


@dataclass(frozen=True)
class Productions:
    """The order lines that are made to order; one entry per line, moments in local days."""

    orders: Orders
    line: Integers

    def __len__(self) -> int:
        return len(self.line)

    @property
    def order(self) -> Integers:
        """The order of every entry."""
        return self.orders.lines.basket[self.line]

    @cached_property
    def keys(self) -> Keys:
        """One key per entry."""
        return combined(self.orders.keys[self.order], self.orders.lines.line[self.line])

    @cached_property
    def planned(self) -> Floats:
        """When each milestone is due; one row per milestone. Plans name the end of a shift."""
        draws, settled = self.orders.block.draws, self.orders.settled[self.order]
        deadline = np.floor(settled + draws.between("deadline days", self.keys, 6.0, 10.0))
        begins = deadline + 1.0 + draws.whole("begin days", self.keys, 3)
        ready = begins + 12.0 + draws.whole("making days", self.keys, 9)
        return np.stack([deadline, begins, ready]) + 0.75

    @cached_property
    def is_late(self) -> Flags:
        """Which milestones are reached days after their plan; a deadline is never late."""
        draws, share = self.orders.block.draws, self.orders.block.parameters.late_milestone_share
        begins = draws.happens("late begin", self.keys, share)
        ready = draws.happens("late ready", self.keys, share)
        return np.stack([np.zeros(len(self), dtype=bool), begins, ready])

    @cached_property
    def reached(self) -> Floats:
        """When each milestone is reached; one row per milestone."""
        draws = self.orders.block.draws
        begins, ready = self.planned[IN_PRODUCTION], self.planned[READY]
        begins = begins - draws.between("begins early", self.keys, 0.1, 0.9)
        begins = begins + self.is_late[IN_PRODUCTION] * (2.0 + draws.whole("begins", self.keys, 4))
        ready = ready - draws.between("ready early", self.keys, 0.1, 2.0)
        ready = ready + self.is_late[READY] * (4.0 + draws.whole("is ready", self.keys, 12))
        return np.stack([self.planned[CHANGE_DEADLINE], begins, ready])


def made_to_order(catalogue: Catalogue) -> Flags:
    """Tell which products are configured by the customer: all furniture but chairs."""
    families = [name for group in FAMILIES for name in group]
    is_furniture = catalogue.category == CATEGORIES.index("furniture")
    return np.asarray(is_furniture & (catalogue.family != families.index(READY_MADE)))


def begun(orders: Orders) -> Productions:
    """List what is made to order in the orders that are paid."""
    lines = orders.lines
    is_made = (lines.product >= 0) & made_to_order(orders.block.catalogue)[lines.product]
    is_paid = np.isin(orders.kind, (MAIN, REFUNDED, SPLIT))[lines.basket]
    return Productions(orders, np.flatnonzero(is_made & is_paid))


def milestone_rows(productions: Productions) -> Rows:
    """Write production.milestones: one row when a step is planned and one when it is reached."""
    orders, count = productions.orders, len(productions)
    entry = np.tile(np.arange(count), 5)
    planned = [CHANGE_DEADLINE, IN_PRODUCTION, READY]
    milestone = np.repeat([*planned, IN_PRODUCTION, READY], count)
    status = np.repeat([PLANNED, PLANNED, PLANNED, REACHED, REACHED], count)
    settled = orders.settled[productions.order]
    moment = np.where(
        status == PLANNED, settled[entry] + 0.02, productions.reached[milestone, entry]
    )
    keys = combined(productions.keys[entry], 10 * milestone + status)
    occurred, received = utc_micros(moment), booked(productions, keys, moment)
    columns = {
        "milestone_event_id": joined("PM-", hexadecimal(keys)),
        "order_id": picked(orders.ids, productions.order[entry]),
        "line_number": pa.array(orders.lines.line[productions.line][entry]),
        "milestone": picked(MILESTONES, milestone),
        "status": picked(texts(["planned", "reached"]), status),
        "planned_at": timestamps(utc_micros(productions.planned[milestone, entry])),
        "occurred_at": timestamps(occurred),
        "received_at": timestamps(received),
    }
    rows = Rows(("production", "milestones"), columns, utc_day(received))
    return rows.repeated(orders.block.draws, keys, orders.block.parameters.repeated_event_share)


def booked(productions: Productions, keys: Keys, moment: Floats) -> Integers:
    """Return when the factory's news come in, UTC microseconds: after hours, some after days."""
    block = productions.orders.block
    is_late = block.draws.happens("milestone told late", keys, block.parameters.late_event_share)
    wait = block.draws.between("milestone told", keys, 0.005, 0.08)
    wait = np.where(is_late, wait * 30.0, wait)
    return np.asarray(utc_micros(moment) + (wait * MICROS_PER_DAY).astype(np.int64))
