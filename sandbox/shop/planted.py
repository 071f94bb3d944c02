"""Say what is planted: moments, whose they are, when they happened, when they could be known."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from sandbox.shop.block import Block
from sandbox.shop.calendar import MICROS_PER_DAY, utc_micros
from sandbox.shop.draws import Flags, Floats, Integers
from sandbox.shop.orders import TEST
from sandbox.shop.people import NEVER
from sandbox.shop.text import constant, timestamps
from sandbox.shop.truth import person_names

if TYPE_CHECKING:
    from sandbox.shop.silos import Silos

MILLIS = 1_000
APART = 2**41
NEVER_MICROS = 2**62
PRODUCTS = 4096


@dataclass(frozen=True)
class Planted:
    """Moments of one kind: whose, about what, when it happened and when it could first be known.

    Times are UTC microseconds. Not identifiable is what the person's own records do not tell.
    """

    moment: str
    person: Integers
    entry: pa.Array
    occurred: Integers
    known: Integers
    is_identifiable: Flags | None = None

    def columns(self, block: Block) -> pa.Table:
        """Return the rows of truth.moments that could be known before the cut."""
        count = len(self.person)
        shown = np.ones(count, dtype=bool) if self.is_identifiable is None else self.is_identifiable
        table = pa.table(
            {
                "person_id": person_names(block, self.person),
                "moment": constant(self.moment, count),
                "entry_key": self.entry,
                "occurred_at": timestamps(self.occurred),
                "known_from": timestamps(self.known),
                "is_identifiable": pa.array(shown),
            }
        )
        return table.filter(pa.array(self.known < cut_micros(block)))


def cut_micros(block: Block) -> int:
    """Return the end of what is seen, UTC microseconds."""
    return int(block.calendar.cut) * MICROS_PER_DAY


def micros_of(moment: Floats) -> Integers:
    """Return UTC microseconds of local days; far away for what never happens."""
    shown = utc_micros(np.minimum(moment, 40_000.0))
    return np.where(moment < NEVER, shown, NEVER_MICROS)


def next_after(owner: Integers, micros: Integers, by: Integers, at: Integers) -> Integers:
    """Return when the same owner's next of other moments comes, for each of some moments.

    Whole milliseconds are compared; far away if none comes.
    """
    _, number = np.unique(np.concatenate([owner, by]), return_inverse=True)
    owner, by = number[: len(owner)], number[len(owner) :]
    others = np.sort(by * APART + at // MILLIS)
    wanted = owner * APART + micros // MILLIS
    place = np.searchsorted(others, wanted, side="right")
    found = np.append(others, -1)[np.minimum(place, len(others))]
    is_same = (found >= 0) & (found // APART == owner)
    return np.where(is_same, (found % APART) * MILLIS, NEVER_MICROS)


def next_purchase(silos: "Silos", person: Integers, at: Integers) -> Integers:
    """Return when persons buy next, paid or not, by whatever record of theirs."""
    orders, receipts = silos.orders, silos.receipts
    real, carded = orders.kind != TEST, receipts.card >= 0
    by = [orders.person[real], receipts.person[carded], receipts.card[carded] // 2]
    moment = [orders.moment[real], receipts.moment[carded], receipts.moment[carded]]
    who, when = np.concatenate(by), utc_micros(np.concatenate(moment))
    return next_after(person, at, who[who >= 0], when[who >= 0])


def bought_products(silos: "Silos") -> tuple[Integers, Integers]:
    """Return who bought which product when: person and product in one number, and the time."""
    orders, receipts = silos.orders, silos.receipts
    online = (orders.lines.product >= 0) & (orders.kind != TEST)[orders.lines.basket]
    basket, till = orders.lines.basket[online], receipts.lines.basket
    holder = np.where(receipts.card >= 0, receipts.card // 2, -1)[till]
    who = np.concatenate([orders.person[basket], receipts.person[till], holder])
    sold = receipts.lines.product
    product = np.concatenate([orders.lines.product[online], sold, sold])
    moment = np.concatenate([orders.moment[basket], *2 * [receipts.moment[till]]])
    known = who >= 0
    return who[known] * PRODUCTS + product[known], utc_micros(moment[known])
