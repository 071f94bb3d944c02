"""Write the care subscription's contracts, one per year of it, and the invoices about them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from sandbox.shop.block import Block, account_names
from sandbox.shop.calendar import utc_day, utc_micros
from sandbox.shop.draws import Flags, Floats, Integers, Keys
from sandbox.shop.people import NEVER
from sandbox.shop.pools import CURRENCIES
from sandbox.shop.rows import Rows, expanded, superseding
from sandbox.shop.text import decimals, numbered, picked, texts, timestamps

TERM_DAYS = 365.0
NOTICE_DAYS = 30.0
BOOKED_AHEAD_DAYS = 25.0
MOST_TERMS = 8
TARIFFS = texts(["basic", "plus", "premium"])
MONTHLY_CENTS = np.array([490, 990, 1690])
QUARTERS = 4
PAYMENT_DAYS = 14.0


@dataclass(frozen=True)
class Contracts:
    """One entry per contract: a year of a subscription; moments in local days.

    `quits` is when the person has lost interest, whatever the contract says.
    """

    block: Block
    person: Integers
    term: Integers
    began: Floats
    quits: Floats

    def __len__(self) -> int:
        return len(self.person)

    @cached_property
    def keys(self) -> Keys:
        """One key per contract."""
        return self.block.people.keys[self.person] * np.uint64(MOST_TERMS) + self.term.astype(
            np.uint64
        )

    @cached_property
    def ids(self) -> pa.Array:
        """The contract numbers."""
        return numbered("V", self.keys, 36)

    @cached_property
    def starts(self) -> Floats:
        """The first day."""
        return np.asarray(np.floor(self.began) + TERM_DAYS * self.term)

    @cached_property
    def ends(self) -> Floats:
        """The first day that it no longer covers."""
        return self.starts + TERM_DAYS

    @cached_property
    def notice(self) -> Floats:
        """The last day on which it can be cancelled."""
        return self.ends - NOTICE_DAYS

    @cached_property
    def created(self) -> Floats:
        """When it is booked: at once, or some weeks before the former one is over."""
        return np.where(self.term == 0, self.began, self.starts - BOOKED_AHEAD_DAYS + 0.3)

    @cached_property
    def cancelled(self) -> Floats:
        """When it is cancelled, between the loss of interest and the last day for it."""
        ends = self.quits < self.notice
        since = np.maximum(self.quits, self.created)
        part = self.block.draws.between("cancels", self.keys, 0.1, 0.9)
        return np.where(ends, since + part * (self.notice - since), NEVER)

    @property
    def is_last(self) -> Flags:
        """Whether no other contract follows."""
        return np.asarray(self.cancelled < NEVER)

    @cached_property
    def tariff(self) -> Integers:
        """The tariff, the same in all years."""
        return self.block.draws.choice("tariff", self.keys // np.uint64(MOST_TERMS), (50, 35, 15))


def signed(block: Block) -> Contracts:
    """Sell the subscription to some account holders; it goes on for as long as they are customers.

    Who buys regularly quits with the shop, everybody else after a time of their own.
    """
    people, draws = block.people, block.draws
    opened = block.memberships.first("account")
    chance = block.parameters.subscription_share
    chosen = (opened < NEVER) & draws.happens("subscribes", people.keys, chance)
    began = opened + 1.0 + draws.exponential("subscribes later", people.keys, 90.0)
    person = np.flatnonzero(chosen & (began < block.seen))
    own = began + 60.0 + draws.exponential("subscription life", people.keys, 500.0)
    leaves = np.where(block.purchases.traits.is_regular, block.purchases.alive_until, 0.0)
    quits = np.where(leaves > began + 60.0, leaves, own)[person]
    years = 1 + np.floor((quits - np.floor(began[person]) + NOTICE_DAYS) / TERM_DAYS)
    count = np.clip(years, 1, MOST_TERMS).astype(np.int64)
    entry, term = expanded(np.arange(len(person)), count)
    return Contracts(block, person[entry], term, began[person][entry], quits[entry])


def contract_rows(contracts: Contracts) -> Rows:
    """Write billing.contracts, one row per contract and once more when it is cancelled."""
    block, count = contracts.block, len(contracts)
    gone = np.flatnonzero(contracts.cancelled < block.seen)
    contract = np.concatenate([np.arange(count), gone])
    is_gone = np.arange(len(contract)) >= count
    moment = np.where(is_gone, contracts.cancelled[contract], contracts.created[contract])
    follows = contracts.term[contract] > 0
    person, micros = contracts.person[contract], utc_micros(np.minimum(moment, 40_000.0))
    country = block.contacts.country(person, moment)
    columns = {
        "contract_id": picked(contracts.ids, contract),
        "customer_id": account_names(block, 2 * person),
        "tariff": picked(TARIFFS, contracts.tariff[contract]),
        "monthly_amount": decimals(MONTHLY_CENTS[contracts.tariff[contract]], 2),
        "currency_code": picked(texts(CURRENCIES), country),
        "started_on": days(contracts.starts[contract]),
        "ends_on": days(contracts.ends[contract] - 1.0),
        "notice_by": days(contracts.notice[contract]),
        "renews_contract_id": picked(contracts.ids, np.where(follows, contract - 1, -1)),
        "created_at": timestamps(utc_micros(contracts.created)[contract]),
        "cancelled_at": timestamps(micros, is_gone),
        "updated_at": timestamps(micros),
    }
    arrived = utc_day(micros)
    superseded = superseding(contracts.keys[contract], micros, arrived)
    return Rows(("billing", "contracts"), columns, arrived, superseded)


def days(moment: Floats) -> pa.Array:
    """Return calendar days."""
    return pa.array(np.floor(moment).astype(np.int64).astype("datetime64[D]"))


@dataclass(frozen=True)
class Invoices:
    """One entry per quarter of a contract; moments in local days or NEVER."""

    contracts: Contracts
    contract: Integers
    quarter: Integers

    def __len__(self) -> int:
        return len(self.contract)

    @cached_property
    def keys(self) -> Keys:
        """One key per invoice."""
        return self.contracts.keys[self.contract] * np.uint64(QUARTERS) + self.quarter.astype(
            np.uint64
        )

    @cached_property
    def ids(self) -> pa.Array:
        """The invoice numbers."""
        return numbered("I", self.keys, 38)

    @cached_property
    def issued(self) -> Floats:
        """When it is written."""
        return self.contracts.starts[self.contract] + 91.0 * self.quarter + 0.35

    @cached_property
    def due(self) -> Floats:
        """The last day to pay."""
        return np.floor(self.issued) + PAYMENT_DAYS

    @cached_property
    def is_disputed(self) -> Flags:
        """Whether the customer disputes the payment."""
        block = self.contracts.block
        return block.draws.happens("disputes", self.keys, block.parameters.dispute_share)

    @cached_property
    def disputed(self) -> Floats:
        """When the payment is disputed."""
        wait = self.contracts.block.draws.between("dispute day", self.keys, 2.0, 12.0)
        return np.where(self.is_disputed, self.issued + wait, NEVER)

    @cached_property
    def settled(self) -> Floats:
        """When the dispute is over."""
        lasts = self.contracts.block.draws.between("dispute days", self.keys, 4.0, 40.0)
        return np.where(self.is_disputed, self.disputed + lasts, NEVER)

    @cached_property
    def is_late(self) -> Flags:
        """Whether it is paid after it was due, without a dispute."""
        block = self.contracts.block
        late = block.draws.happens("pays late", self.keys, block.parameters.late_payment_share)
        return late & ~self.is_disputed

    @cached_property
    def paid(self) -> Floats:
        """When it is paid."""
        draws = self.contracts.block.draws
        soon = self.issued + draws.between("pays", self.keys, 0.1, 12.0)
        late = self.due + draws.between("pays at last", self.keys, 3.0, 35.0)
        paid = np.where(self.is_late, late, soon)
        return np.where(self.is_disputed, self.settled + 0.1, paid)


def billed(contracts: Contracts) -> Invoices:
    """Bill every quarter of every contract."""
    count = np.full(len(contracts), QUARTERS)
    return Invoices(contracts, *expanded(np.arange(len(contracts)), count))


def invoice_rows(invoices: Invoices) -> Rows:
    """Write billing.invoices, one row per invoice and change of it."""
    contracts, block = invoices.contracts, invoices.contracts.block
    changes = [invoices.issued, invoices.disputed, invoices.settled, invoices.paid]
    state, invoice = np.nonzero(np.stack(changes) < block.seen)
    moment = np.stack(changes)[state, invoice]
    contract = invoices.contract[invoice]
    amount = 3 * MONTHLY_CENTS[contracts.tariff[contract]]
    country = block.contacts.country(contracts.person[contract], invoices.issued[invoice])
    micros = utc_micros(moment)
    columns = {
        "invoice_id": picked(invoices.ids, invoice),
        "contract_id": picked(contracts.ids, contract),
        "amount": decimals(amount, 2),
        "currency_code": picked(texts(CURRENCIES), country),
        "issued_at": timestamps(utc_micros(invoices.issued)[invoice]),
        "due_on": days(invoices.due[invoice]),
        "paid_at": known(invoices.paid, invoice, moment),
        "disputed_at": known(invoices.disputed, invoice, moment),
        "dispute_closed_at": known(invoices.settled, invoice, moment),
        "updated_at": timestamps(micros),
    }
    arrived = utc_day(micros)
    superseded = superseding(invoices.keys[invoice], micros, arrived)
    return Rows(("billing", "invoices"), columns, arrived, superseded)


def known(happened: Floats, invoice: Integers, moment: Floats) -> pa.Array:
    """Return what has happened to invoices until a moment."""
    is_known = happened[invoice] <= moment
    return timestamps(utc_micros(np.minimum(happened, 40_000.0))[invoice], is_known)
