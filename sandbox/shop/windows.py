"""Write down the planted incidents, and who loses interest in the subscription when."""

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from sandbox.shop.block import Block
from sandbox.shop.calendar import utc_micros
from sandbox.shop.draws import Floats, Integers
from sandbox.shop.incidents import Cases
from sandbox.shop.parcels import FAILED, Parcels
from sandbox.shop.subscriptions import Contracts, Invoices
from sandbox.shop.text import constant, numbered, picked, timestamps
from sandbox.shop.truth import moments, person_names
from sandbox.shop.usage import Usage, break_of_login, decline_of, first_news

if TYPE_CHECKING:
    from sandbox.shop.silos import Silos


def incident_table(silos: "Silos") -> pa.Table:
    """Return truth.incidents: troubles of all kinds in which nobody wants to be asked to buy.

    Only incidents that began before the cut; the end may lie after it.
    """
    block = silos.block
    parts = [
        case_incidents(silos.cases),
        delivery_incidents(silos.parcels),
        login_incidents(silos.usage),
        dispute_incidents(silos.invoices),
    ]
    table = pa.concat_tables(parts)
    cut = np.datetime64(block.calendar.cut, "D").astype("datetime64[us]")
    return table.filter(pa.array(table["starts_at"].to_numpy() < cut))


def windows(
    block: Block,
    kind: str,
    person: Integers,
    entry: pa.Array,
    starts: Floats,
    ends: Floats,
    known: Integers | None = None,
) -> pa.Table:
    """Return incidents of one kind; moments in local days, `known` in UTC microseconds.

    `known` is when the first news of it comes in, with the beginning unless told.
    """
    return pa.table(
        {
            "person_id": person_names(block, person),
            "kind": constant(kind, len(person)),
            "entry_key": entry,
            "starts_at": moments(starts),
            "ends_at": moments(ends),
            "known_from": timestamps(utc_micros(starts) if known is None else known),
        }
    )


def case_incidents(cases: Cases) -> pa.Table:
    """Return the complaints; they raise the risk of leaving."""
    rows = np.flatnonzero(cases.is_incident & (cases.opened < cases.block.seen))
    entry = numbered("T", cases.keys[rows], 38)
    return windows(
        cases.block,
        "service_case",
        cases.person[rows],
        entry,
        cases.opened[rows],
        cases.closed[rows],
    )


def delivery_incidents(parcels: Parcels) -> pa.Table:
    """Return the failed deliveries, until the parcel is delivered or back."""
    rows = np.flatnonzero(parcels.is_failed & (parcels.failed < parcels.orders.block.seen))
    order = parcels.order[rows]
    ends = np.minimum(parcels.delivered, parcels.returned)[rows]
    person, entry = parcels.orders.person[order], picked(parcels.orders.ids, order)
    block = parcels.orders.block
    known = parcels.received_micros[FAILED, rows]
    return windows(block, "delivery_failed", person, entry, parcels.failed[rows], ends, known)


def login_incidents(usage: Usage) -> pa.Table:
    """Return the times in which a login to the paid service does not work."""
    contracts = usage.contracts
    since, until = break_of_login(contracts)
    rows = np.flatnonzero(since < contracts.block.seen)
    person, entry = contracts.person[rows], picked(contracts.ids, rows)
    known = first_news(usage)[rows]
    starts, ends = since[rows], until[rows]
    return windows(contracts.block, "login_failed", person, entry, starts, ends, known)


def dispute_incidents(invoices: Invoices) -> pa.Table:
    """Return the disputed payments, until they are settled."""
    contracts = invoices.contracts
    rows = np.flatnonzero(invoices.disputed < contracts.block.seen)
    person, entry = contracts.person[invoices.contract[rows]], picked(invoices.ids, rows)
    starts, ends = invoices.disputed[rows], invoices.settled[rows]
    return windows(contracts.block, "payment_disputed", person, entry, starts, ends)


def subscriber_table(contracts: Contracts) -> pa.Table:
    """Return truth.subscribers: who bought the subscription when, and when they lose interest.

    The loss of interest may lie after the cut.
    """
    rows = np.flatnonzero(contracts.term == 0)
    return pa.table(
        {
            "person_id": person_names(contracts.block, contracts.person[rows]),
            "subscribed_at": moments(contracts.began[rows]),
            "lapses_at": moments(contracts.quits[rows]),
        }
    )


def decliner_table(contracts: Contracts) -> pa.Table:
    """Return truth.decliners: subscribers whose use falls months before they quit.

    Only falls that began before the cut and after the subscription did.
    """
    block = contracts.block
    declines, since = decline_of(contracts)
    began = since > contracts.began
    rows = np.flatnonzero(declines & began & (contracts.term == 0) & (since < block.calendar.cut))
    return pa.table(
        {
            "person_id": person_names(block, contracts.person[rows]),
            "subscribed_at": moments(contracts.began[rows]),
            "declines_at": moments(since[rows]),
            "lapses_at": moments(contracts.quits[rows]),
        }
    )
