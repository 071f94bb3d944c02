"""Write the helpdesk's cases: questions about orders, and incidents that precede leaving."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.shop.block import Block
from sandbox.shop.calendar import utc_day, utc_micros
from sandbox.shop.draws import Flags, Floats, Integers, Keys
from sandbox.shop.orders import MAIN, Orders
from sandbox.shop.rows import Rows, superseding
from sandbox.shop.text import numbered, picked, texts, timestamps

QUESTIONS = texts(["delivery", "return", "invoice", "product", "account"])
TROUBLES = texts(["damaged", "wrong item", "lost parcel", "complaint"])
SEVERITIES = texts(["low", "normal", "high"])


@dataclass(frozen=True)
class Cases:
    """Service cases; `order` is a row of the orders or -1, moments in local days."""

    block: Block
    person: Integers
    order: Integers
    is_incident: Flags
    opened: Floats
    keys: Keys

    @cached_property
    def closed(self) -> Floats:
        """When a case is closed; incidents take longer, one in twenty stays open for long."""
        draws = self.block.draws
        days = draws.exponential("case days", self.keys, np.where(self.is_incident, 9.0, 2.5))
        lasts = draws.happens("case lasts", self.keys, 0.05)
        return self.opened + 0.02 + days + np.where(lasts, 60.0, 0.0)


def opened(orders: Orders) -> Cases:
    """Open the cases of one block."""
    block = orders.block
    asks = block.draws.happens("case", orders.keys, block.parameters.case_share)
    about = np.flatnonzero(asks & (orders.kind == MAIN))
    waiting = block.draws.between("case wait", orders.keys[about], 0.5, 14.0)
    person, moment = incidents(block)
    count = len(about)
    keys = np.concatenate(
        [orders.keys[about], block.people.keys[person] * np.uint64(2**14) + np.uint64(5)]
    )
    return Cases(
        block=block,
        person=np.concatenate([orders.person[about], person]),
        order=np.concatenate([about, np.full(len(person), -1)]),
        is_incident=np.arange(len(keys)) >= count,
        opened=np.concatenate([orders.moment[about] + waiting, moment]),
        keys=keys,
    )


def incidents(block: Block) -> tuple[Integers, Floats]:
    """Place incidents: before a share of the dropouts, and now and then with the living.

    The dropout hazard of the world already contains what incidents cause, so an incident is
    drawn backwards from the dropout; to the reader incidents raise the risk of leaving.
    """
    people, draws = block.people, block.draws
    bought = block.purchases
    is_regular = people.is_buyer & bought.traits.is_regular
    leaves = draws.happens("last incident", people.keys, block.parameters.dropout_incident_share)
    before = draws.between("incident lead", people.keys, 3.0, 50.0)
    causes = np.flatnonzero(is_regular & leaves)
    moment = bought.alive_until[causes] - before[causes]
    lives = np.flatnonzero(is_regular & ~leaves & draws.happens("incident", people.keys, 0.05))
    span = draws.between("incident day", people.keys, 20.0, 900.0)
    person = np.concatenate([causes, lives])
    moment = np.concatenate([moment, people.acquired[lives] + span[lives]])
    is_real = (moment > people.acquired[person]) & (moment < bought.alive_until[person])
    return person[is_real], moment[is_real]


def case_rows(cases: Cases, orders: Orders) -> Rows:
    """Write helpdesk.cases, one row when a case is opened and one when it is closed."""
    block, count = cases.block, len(cases.person)
    case = np.tile(np.arange(count), 2)
    is_closed = np.arange(2 * count) >= count
    micros = utc_micros(np.where(is_closed, cases.closed[case], cases.opened[case]))
    columns = case_columns(cases, orders)
    columns = {name: column.take(pa.array(case)) for name, column in columns.items()}
    columns["closed_at"] = timestamps(micros, is_closed)
    score = 1 + block.draws.choice("score", cases.keys, (10, 12, 18, 30, 30))
    score = np.where(cases.is_incident, np.minimum(score, 3), score)[case]
    answers = block.draws.happens("answers", cases.keys, 0.35)[case] & is_closed
    columns["satisfaction_score"] = pa.array(score, mask=~answers)
    columns["updated_at"] = timestamps(micros)
    arrived = utc_day(micros)
    superseded = superseding(cases.keys[case], micros, arrived)
    return Rows(("helpdesk", "cases"), columns, arrived, superseded)


def case_columns(cases: Cases, orders: Orders) -> dict[str, pa.Array]:
    """Return what does not change in a case."""
    block, draws = cases.block, cases.block.draws
    is_call = draws.happens("case by phone", cases.keys, 0.3) & block.people.has_phone[cases.person]
    slot = np.where(cases.opened >= block.people.email_changed[cases.person], 1, 0)
    question = picked(QUESTIONS, draws.whole("question", cases.keys, len(QUESTIONS)))
    trouble = picked(TROUBLES, draws.whole("trouble", cases.keys, len(TROUBLES)))
    severity = np.where(cases.is_incident, 2, draws.choice("severity", cases.keys, (50, 42, 8)))
    return {
        "case_id": numbered("T", cases.keys, 38),
        "opened_at": timestamps(utc_micros(cases.opened)),
        "requester_email": block.contacts.email(cases.person, np.where(is_call, -1, slot)),
        "requester_phone": block.contacts.phone(
            "case", cases.person, cases.opened, cases.keys, is_call
        ),
        "order_id": picked(orders.ids, cases.order),
        "topic": pc.if_else(pa.array(cases.is_incident), trouble, question),
        "severity": picked(SEVERITIES, severity),
    }
