"""Plant the moments that visits show: what is left behind, wished for, asked for, forgotten."""

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from sandbox.shop.calendar import MICROS_PER_DAY, utc_micros
from sandbox.shop.draws import Flags, Floats, Integers
from sandbox.shop.events import CART, CONFIGURATION, GATE, WISH, Events
from sandbox.shop.planted import PRODUCTS, Planted, bought_products, next_after, next_purchase
from sandbox.shop.rows import expanded
from sandbox.shop.supply import Supply, booked
from sandbox.shop.text import hexadecimal, joined, picked
from sandbox.shop.visits import PURCHASE

if TYPE_CHECKING:
    from sandbox.shop.silos import Silos

CART_MICROS = 4 * 3_600_000_000
CONFIGURATION_DAYS, APP_DAYS, WATCH_DAYS = 2, 60, 180


def visit_moments(silos: "Silos") -> list[Planted]:
    """Return everything that visits show in one block."""
    return [
        abandoned_carts(silos),
        abandoned_configurations(silos),
        requested_content(silos),
        inactive_apps(silos),
        *watcher_moments(silos),
    ]


def identified(events: Events) -> Flags:
    """Tell which events name the account of a person."""
    visits = events.visits
    names = visits.is_app[events.visit] | (events.step > 0)
    return np.asarray(names & (visits.account >= 0)[events.visit])


def abandoned_carts(silos: "Silos") -> Planted:
    """A cart that no other cart and no purchase of the person follows within hours."""
    events, visits = silos.events, silos.visits
    carts = np.flatnonzero((events.kind == CART) & (visits.person >= 0)[events.visit])
    person, at = visits.person[events.visit[carts]], events.true_micros[carts]
    until = np.minimum(next_after(person, at, person, at), next_purchase(silos, person, at))
    is_left = (until - at > CART_MICROS) & (visits.kind != PURCHASE)[events.visit[carts]]
    rows = np.flatnonzero(is_left)
    return seen_events(events, carts[rows], "cart_abandoned", CART_MICROS)


def abandoned_configurations(silos: "Silos") -> Planted:
    """A saved configuration of a product that the person does not buy within days."""
    wishes, visits = silos.wishes, silos.visits
    rows = np.flatnonzero(wishes.kind == CONFIGURATION)
    rows = rows[visits.person[wishes.visit[rows]] >= 0]
    owner = visits.person[wishes.visit[rows]] * PRODUCTS + wishes.product[rows]
    at, wait = wishes.true_micros[rows], CONFIGURATION_DAYS * MICROS_PER_DAY
    bought = next_after(owner, at, *bought_products(silos))
    return seen_events(wishes, rows[bought - at > wait], "configuration_abandoned", wait)


def requested_content(silos: "Silos") -> Planted:
    """A form filled in for a guide."""
    return seen_events(silos.wishes, np.flatnonzero(silos.wishes.kind == GATE), "content_requested")


def inactive_apps(silos: "Silos") -> Planted:
    """The last use of the app before a long silence."""
    visits, parts = silos.visits, (silos.events, silos.wishes)
    visit = np.concatenate([part.visit for part in parts])
    at = np.concatenate([part.true_micros for part in parts])
    order = np.lexsort((at, visit))
    is_end = np.append(visit[order][1:] != visit[order][:-1], True)[: len(order)]
    ends = order[is_end]
    ends = ends[visits.is_app[visit[ends]] & (visits.person[visit[ends]] >= 0)]
    person, last = visits.person[visit[ends]], at[ends]
    wait = APP_DAYS * MICROS_PER_DAY
    silent = ends[next_after(person, last, person, last) - last > wait]
    keys = np.concatenate([part.keys for part in parts])[silent]
    received = np.concatenate([part.received_micros for part in parts])[silent]
    return Planted(
        "app_inactive",
        visits.person[visit[silent]],
        hexadecimal(keys),
        at[silent],
        np.maximum(at[silent] + wait, received),
        visits.account[visit[silent]] >= 0,
    )


def seen_events(events: Events, rows: Integers, moment: str, wait: int = 0) -> Planted:
    """Plant events that mean something once a while has passed."""
    at = events.true_micros[rows]
    return Planted(
        moment,
        events.visits.person[events.visit[rows]],
        hexadecimal(events.keys[rows]),
        at,
        np.maximum(at + wait, events.received_micros[rows]),
        identified(events)[rows],
    )


def watcher_moments(silos: "Silos") -> list[Planted]:
    """Wished products that are back in stock, or reduced while the person has none of them."""
    wishes, supply = silos.wishes, silos.supply
    rows = np.flatnonzero((wishes.kind == WISH) & identified(wishes))
    product = wishes.product[rows]
    owners, bought = bought_products(silos)
    result = []
    for name, entries, moment in (
        ("back_in_stock", supply.sold_out, supply.back),
        ("price_dropped", supply.reduced, supply.drop),
    ):
        wish, change = matching(product, supply.product[entries])
        person = wishes.visits.person[wishes.visit[rows[wish]]]
        at, since = utc_micros(moment[change]), wishes.true_micros[rows[wish]]
        owner = person * PRODUCTS + product[wish]
        from_when = since if name == "back_in_stock" else np.zeros_like(since)
        free = next_after(owner, from_when, owners, bought) > at
        watches = (at > since) & (at < since + WATCH_DAYS * MICROS_PER_DAY)
        chosen = np.flatnonzero(free & watches)
        told = booked(supply, product[wish[chosen]], moment[change[chosen]])
        known = np.maximum(told, wishes.received_micros[rows[wish[chosen]]])
        entry = changes_of(supply, product[wish[chosen]], moment[change[chosen]])
        result.append(first_of(Planted(name, person[chosen], entry, at[chosen], known)))
    return result


def matching(product: Integers, changed: Integers) -> tuple[Integers, Integers]:
    """Return all pairs of a wish and a change of the same product; changes are in order."""
    first = np.searchsorted(changed, product)
    count = np.searchsorted(changed, product, side="right") - first
    wish, step = expanded(np.arange(len(product)), count)
    return wish, first[wish] + step


def changes_of(supply: Supply, product: Integers, moment: Floats) -> pa.Array:
    """Name changes by product and local day."""
    days = pa.array(np.floor(moment).astype(np.int64).astype("datetime64[D]")).cast(pa.string())
    return joined(picked(supply.catalogue.sku, product), days, separator="|")


def first_of(planted: Planted) -> Planted:
    """Keep of several wishes for one product the one that was known first."""
    entry = planted.entry.dictionary_encode().indices.to_numpy(zero_copy_only=False)
    order = np.lexsort((planted.known, entry, planted.person))
    person, entry = planted.person[order], entry[order]
    is_first = np.append(True, (person[1:] != person[:-1]) | (entry[1:] != entry[:-1]))
    rows = order[is_first[: len(order)]]
    return Planted(
        planted.moment,
        planted.person[rows],
        planted.entry.take(pa.array(rows)),
        planted.occurred[rows],
        planted.known[rows],
    )
