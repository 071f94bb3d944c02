"""Plant the moments that records show: parcels, pieces made to order, contracts, use, purchases."""

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from sandbox.shop.calendar import MICROS_PER_DAY, utc_micros
from sandbox.shop.catalogue import REBUY_DAYS
from sandbox.shop.draws import Floats, Integers, combined
from sandbox.shop.orders import MAIN, SPLIT, sent_back
from sandbox.shop.parcels import DELIVERED, FAILED
from sandbox.shop.people import NEVER
from sandbox.shop.planted import (
    PRODUCTS,
    Planted,
    bought_products,
    micros_of,
    next_after,
)
from sandbox.shop.production import CHANGE_DEADLINE, MILESTONES, PLANNED, REACHED, READY, booked
from sandbox.shop.rows import expanded
from sandbox.shop.store import CARDED
from sandbox.shop.text import digits, joined, numbered, picked
from sandbox.shop.usage import BREAK_STEP, TRAINING, Usage, break_of_login, first_news

if TYPE_CHECKING:
    from sandbox.shop.silos import Silos

LOGIN_MICROS = 15 * 60_000_000
SERVICE_DAYS, NOTICE_DAYS, DEADLINE_DAYS = 30, 30, 3
ANNIVERSARIES = 6
GROUPS = 8_192


def record_moments(silos: "Silos") -> list[Planted]:
    """Return everything that records show in one block."""
    return [
        *parcel_moments(silos),
        *production_moments(silos),
        *contract_moments(silos),
        *invoice_moments(silos),
        *usage_moments(silos),
        *first_purchases(silos),
        replenishments(silos),
        *case_moments(silos),
    ]


def parcel_moments(silos: "Silos") -> list[Planted]:
    """Deliveries that are done, that failed, and that did not come in time."""
    parcels = silos.parcels
    person = parcels.orders.person[parcels.order]
    entry = picked(parcels.orders.ids, parcels.order)
    result = []
    for kind, name in ((DELIVERED, "delivery_done"), (FAILED, "delivery_failed")):
        rows = np.flatnonzero(parcels.moments[kind] < NEVER)
        occurred = micros_of(parcels.moments[kind])[rows]
        known = parcels.received_micros[kind, rows]
        result.append(Planted(name, person[rows], entry.take(pa.array(rows)), occurred, known))
    over = utc_micros(parcels.promised + 1.0)
    comes = np.minimum(micros_of(parcels.delivered), micros_of(parcels.returned))
    rows = np.flatnonzero(comes > over)
    known = np.maximum(over, parcels.received_micros.min(axis=0))[rows]
    late = entry.take(pa.array(rows))
    return [*result, Planted("delivery_late", person[rows], late, over[rows], known)]


def production_moments(silos: "Silos") -> list[Planted]:
    """Milestones that are late, changes that are possible for some days only, finished pieces."""
    made = silos.productions
    orders, person = made.orders, made.orders.person[made.order]
    piece = joined(
        picked(orders.ids, made.order), digits(orders.lines.line[made.line]), separator="|"
    )
    milestone, late = np.nonzero(made.is_late)
    over = utc_micros(made.planned)[milestone, late] + MICROS_PER_DAY
    entry = joined(piece.take(pa.array(late)), picked(MILESTONES, milestone), separator="|")
    planned = orders.settled[made.order] + 0.02
    told = booked(made, combined(made.keys, 10 * CHANGE_DEADLINE + PLANNED), planned)
    near = utc_micros(made.planned[CHANGE_DEADLINE]) - DEADLINE_DAYS * MICROS_PER_DAY
    ready = made.reached[READY]
    known = booked(made, combined(made.keys, 10 * READY + REACHED), ready)
    return [
        Planted("milestone_late", person[late], entry, over, over),
        Planted("change_deadline_near", person, piece, near, np.maximum(near, told)),
        Planted("production_finished", person, piece, utc_micros(ready), known),
    ]


def contract_moments(silos: "Silos") -> list[Planted]:
    """Contracts that can be cancelled for some weeks only, and contracts that are over."""
    contracts = silos.contracts
    near = utc_micros(contracts.notice - NOTICE_DAYS)
    over = utc_micros(contracts.ends)
    may_leave = np.flatnonzero(micros_of(contracts.cancelled) > near)
    gone = np.flatnonzero(contracts.is_last)
    return [
        Planted(name, contracts.person[rows], picked(contracts.ids, rows), at[rows], at[rows])
        for name, rows, at in (
            ("contract_notice_near", may_leave, near),
            ("contract_ended", gone, over),
        )
    ]


def invoice_moments(silos: "Silos") -> list[Planted]:
    """Invoices that are overdue, and payments that are disputed."""
    invoices = silos.invoices
    person = invoices.contracts.person[invoices.contract]
    over, disputed = utc_micros(invoices.due + 1.0), micros_of(invoices.disputed)
    return [
        Planted(name, person[rows], picked(invoices.ids, rows), at[rows], at[rows])
        for name, rows, at in (
            ("payment_overdue", np.flatnonzero(invoices.is_late), over),
            ("payment_disputed", np.flatnonzero(invoices.is_disputed), disputed),
        )
    ]


def usage_moments(silos: "Silos") -> list[Planted]:
    """Trainings that are done, a service nobody uses any more, logins that stay broken."""
    usage = silos.usage
    person, at = usage.contracts.person[usage.contract], utc_micros(usage.moment)
    learnt = np.flatnonzero(usage.kind == TRAINING)
    wait = SERVICE_DAYS * MICROS_PER_DAY
    covered = np.zeros(len(silos.block.people), dtype=np.int64)
    np.maximum.at(covered, usage.contracts.person, utc_micros(usage.contracts.ends))
    is_unused = (next_after(person, at, person, at) - at > wait) & (at + wait < covered[person])
    unused = np.flatnonzero(is_unused)
    return [
        of_usage(usage, "training_completed", learnt, usage.received_micros[learnt]),
        of_usage(usage, "service_unused", unused, at[unused] + wait),
        broken_logins(usage),
    ]


def of_usage(usage: Usage, moment: str, rows: Integers, known: Integers) -> Planted:
    """Plant moments that events of the subscription show."""
    person, at = usage.contracts.person[usage.contract], utc_micros(usage.moment)
    return Planted(moment, person[rows], picked(usage.names, rows), at[rows], known)


def broken_logins(usage: Usage) -> Planted:
    """Return the first failure of each break of the login, known once it lasts some minutes."""
    contracts = usage.contracts
    since, _ = break_of_login(contracts)
    heard = first_news(usage)
    first = np.flatnonzero(np.isin(usage.keys, combined(contracts.keys, BREAK_STEP)))
    contract = usage.contract[first]
    known = np.maximum(utc_micros(since[contract]) + LOGIN_MICROS, heard[contract])
    return of_usage(usage, "login_failed", first, known)


def first_purchases(silos: "Silos") -> list[Planted]:
    """Return the first purchase of every person, and its anniversaries."""
    orders, receipts, bought = silos.orders, silos.receipts, silos.block.purchases
    online = np.flatnonzero((orders.kind == MAIN) & (bought.number[orders.purchase] == 1))
    at_till = (receipts.kind == CARDED) & (bought.number[receipts.purchase] == 1)
    at_till = np.flatnonzero(at_till)
    ids = pa.concat_arrays([picked(orders.ids, online), picked(receipts.ids, at_till)])
    person = np.concatenate([orders.person[online], receipts.person[at_till]])
    moment = np.concatenate([orders.moment[online], receipts.moment[at_till]])
    row, year = expanded(np.arange(len(person)), np.full(len(person), ANNIVERSARIES))
    day = utc_micros(years_later(moment[row], year + 1).astype(np.float64))
    entry = joined(picked(ids, row), digits(year + 1), separator="|")
    first = utc_micros(moment)
    return [
        Planted("first_purchase", person, ids, first, first),
        Planted("purchase_anniversary", person[row], entry, day, day),
    ]


def years_later(moment: Floats, years: Integers) -> Integers:
    """Return the same day of a later year; the 28th of February for the 29th."""
    day = np.floor(moment).astype(np.int64).astype("datetime64[D]")
    month = day.astype("datetime64[M]")
    later = month + 12 * years
    last = (later + 1).astype("datetime64[D]") - later.astype("datetime64[D]") - 1
    same = later.astype("datetime64[D]") + np.minimum(day - month, last)
    return np.asarray(same.astype(np.int64))


def replenishments(silos: "Silos") -> Planted:
    """Goods that are used up by now, of which the person bought no more of any kind like it."""
    catalogue = silos.block.catalogue
    person, at, product, ids = kept_goods(silos)
    groups = catalogue.family * 100 + catalogue.price // 4000
    owners, bought = bought_products(silos)
    alike = owners // PRODUCTS * GROUPS + groups[owners % PRODUCTS]
    due = at + np.array(REBUY_DAYS)[catalogue.category[product]] * MICROS_PER_DAY
    is_due = next_after(person * GROUPS + groups[product], at, alike, bought) > due
    rows = np.flatnonzero(is_due)
    entry = joined(picked(ids, rows), picked(catalogue.sku, product[rows]), separator="|")
    return Planted("replenishment_due", person[rows], entry, due[rows], due[rows])


def kept_goods(silos: "Silos") -> tuple[Integers, Integers, Integers, pa.Array]:
    """Return who kept which goods that are used up: person, when, product, order or receipt."""
    orders, receipts, catalogue = silos.orders, silos.receipts, silos.block.catalogue
    is_used_up = np.append(np.array(REBUY_DAYS)[catalogue.category] > 0, False)
    is_paid = np.isin(orders.kind, (MAIN, SPLIT))[orders.lines.basket]
    sent = np.flatnonzero(is_used_up[orders.lines.product] & is_paid & ~sent_back(orders))
    is_carded = (receipts.kind == CARDED)[receipts.lines.basket]
    taken = np.flatnonzero(is_used_up[receipts.lines.product] & is_carded)
    order, receipt = orders.lines.basket[sent], receipts.lines.basket[taken]
    return (
        np.concatenate([orders.person[order], receipts.person[receipt]]),
        utc_micros(np.concatenate([orders.moment[order], receipts.moment[receipt]])),
        np.concatenate([orders.lines.product[sent], receipts.lines.product[taken]]),
        pa.concat_arrays([picked(orders.ids, order), picked(receipts.ids, receipt)]),
    )


def case_moments(silos: "Silos") -> list[Planted]:
    """Service cases that are opened, and that are closed."""
    cases = silos.cases
    ids = numbered("T", cases.keys, 38)
    opened, closed = utc_micros(cases.opened), utc_micros(cases.closed)
    return [
        Planted("case_opened", cases.person, ids, opened, opened),
        Planted("case_closed", cases.person, ids, closed, closed),
    ]
