"""Write what happens to parcels, told by the carriers on local time: packed, sent, delivered."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from sandbox.shop.calendar import (
    MICROS_PER_DAY,
    STORE_HOURS,
    at_hour,
    local_micros,
    utc_day,
    utc_micros,
)
from sandbox.shop.draws import Flags, Floats, Integers, Keys
from sandbox.shop.orders import MAIN, REFUNDED, SPLIT, Orders
from sandbox.shop.people import NEVER
from sandbox.shop.production import READY, Productions
from sandbox.shop.rows import Rows
from sandbox.shop.text import numbered, picked, texts, timestamps

TYPES = texts(["packed", "shipped", "delivery_failed", "delivered", "returned_to_sender"])
PACKED, SHIPPED, FAILED, DELIVERED, RETURNED = range(5)
CARRIERS = texts(["parcel post", "courier", "haulier"])
PROMISED_DAYS = 4.0
PROMISED_AFTER_MAKING_DAYS = 5.0


@dataclass(frozen=True)
class Parcels:
    """One parcel per paid order; moments in local days, `NEVER` where something does not happen.

    `ready` is when everything made to order is made, `planned` when it should be; 0 for others.
    """

    orders: Orders
    order: Integers
    ready: Floats
    planned: Floats

    def __len__(self) -> int:
        return len(self.order)

    @property
    def keys(self) -> Keys:
        """One key per parcel."""
        return self.orders.keys[self.order]

    @cached_property
    def packed(self) -> Floats:
        """When it is packed."""
        settled = self.orders.settled[self.order]
        wait = self.orders.block.draws.between("packing", self.keys, 0.1, 1.4)
        return np.maximum(settled, self.ready) + wait

    @cached_property
    def promised(self) -> Floats:
        """The last day on which it should come."""
        settled = self.orders.settled[self.order] + PROMISED_DAYS
        return np.floor(np.maximum(settled, self.planned + PROMISED_AFTER_MAKING_DAYS))

    @cached_property
    def shipped(self) -> Floats:
        """When it leaves the warehouse."""
        return self.packed + self.orders.block.draws.between("shipping", self.keys, 0.1, 0.6)

    @cached_property
    def attempted(self) -> Floats:
        """When it is brought for the first time."""
        block = self.orders.block
        days = block.draws.between("carriage", self.keys, 0.7, 1.6)
        is_late = block.draws.happens("late parcel", self.keys, block.parameters.late_parcel_share)
        lost_days = block.draws.between("late parcel days", self.keys, 5.0, 12.0)
        return self._by_day(
            "first attempt", self.shipped + days + np.where(is_late, lost_days, 0.0)
        )

    @cached_property
    def is_failed(self) -> Flags:
        """Whether nobody takes it at the first attempt."""
        block = self.orders.block
        share = block.parameters.failed_delivery_share
        return block.draws.happens("failed delivery", self.keys, share)

    @cached_property
    def is_sent_back(self) -> Flags:
        """Whether nobody fetches it after the failed attempt either."""
        return self.is_failed & self.orders.block.draws.happens("not fetched", self.keys, 0.15)

    @cached_property
    def failed(self) -> Floats:
        """When the first attempt failed."""
        return np.where(self.is_failed, self.attempted, NEVER)

    @cached_property
    def delivered(self) -> Floats:
        """When it is in the customer's hands."""
        again = self.orders.block.draws.between("second attempt", self.keys, 0.8, 4.0)
        second = self._by_day("second attempt", self.attempted + again)
        brought = np.where(self.is_failed, second, self.attempted)
        return np.where(self.is_sent_back, NEVER, brought)

    @cached_property
    def returned(self) -> Floats:
        """When it is back at the shop."""
        stored = self.orders.block.draws.between("stored", self.keys, 7.0, 11.0)
        back = self._by_day("back", self.attempted + stored)
        return np.where(self.is_sent_back, back, NEVER)

    def _by_day(self, name: str, moment: Floats) -> Floats:
        """Keep the date and let the carrier come by day."""
        return at_hour(self.orders.block.draws, name, self.keys, moment, STORE_HOURS)

    @cached_property
    def moments(self) -> Floats:
        """All moments, one row per type of event."""
        return np.stack([self.packed, self.shipped, self.failed, self.delivered, self.returned])

    @cached_property
    def received_micros(self) -> Integers:
        """When the shop hears of each event, UTC: after hours, sometimes after days."""
        draws, share = self.orders.block.draws, self.orders.block.parameters.late_event_share
        result = []
        for kind, moment in enumerate(self.moments):
            keys = self.keys * np.uint64(8) + np.uint64(kind)
            is_late = draws.happens("parcel told late", keys, share)
            wait = draws.between("parcel told", keys, 0.01, 0.08)
            wait = np.where(is_late, wait * 30.0, wait)
            seen = utc_micros(np.minimum(moment, 40_000.0))
            result.append(seen + (wait * MICROS_PER_DAY).astype(np.int64))
        return np.stack(result)


def sent(orders: Orders, productions: Productions) -> Parcels:
    """Send one parcel per paid order, once everything in it is made."""
    order = np.flatnonzero(np.isin(orders.kind, (MAIN, REFUNDED, SPLIT)))
    ready, planned = np.zeros(len(orders)), np.zeros(len(orders))
    np.maximum.at(ready, productions.order, productions.reached[READY])
    np.maximum.at(planned, productions.order, productions.planned[READY])
    return Parcels(orders, order, ready[order], planned[order])


def parcel_rows(parcels: Parcels) -> Rows:
    """Write fulfilment.events."""
    orders, block = parcels.orders, parcels.orders.block
    kind, parcel = np.nonzero(parcels.moments < block.seen)
    keys = parcels.keys[parcel] * np.uint64(8) + kind.astype(np.uint64)
    is_made = (parcels.ready[parcel] > 0).astype(np.int64)
    carrier = np.where(is_made, 2, block.draws.choice("carrier", parcels.keys, (70, 30))[parcel])
    received = parcels.received_micros[kind, parcel]
    columns = {
        "shipment_event_id": numbered("S", keys, 40),
        "order_id": picked(orders.ids, parcels.order[parcel]),
        "event_type": picked(TYPES, kind),
        "occurred_at": timestamps(local_micros(parcels.moments[kind, parcel])),
        "received_at": timestamps(received),
        "promised_on": pa.array(parcels.promised[parcel].astype("datetime64[D]")),
        "carrier": picked(CARRIERS, carrier),
    }
    rows = Rows(("fulfilment", "events"), columns, utc_day(received))
    return rows.repeated(block.draws, keys, block.parameters.repeated_event_share)
