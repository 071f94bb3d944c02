"""Move stock and prices: products sell out and come back, are reduced for days and go back."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from sandbox.shop.calendar import MICROS_PER_DAY, Calendar, utc_day, utc_micros
from sandbox.shop.catalogue import Catalogue
from sandbox.shop.draws import Draws, Floats, Integers, Keys
from sandbox.shop.parameters import ShopParameters
from sandbox.shop.rows import Rows
from sandbox.shop.text import decimals, picked, timestamps

QUARTER = 91.0
BOOKED_WITHIN_DAYS = 0.04


@dataclass(frozen=True)
class Supply:
    """What happens to every product in every quarter, up to the horizon; moments in local days.

    `product` and `opens` have one entry per product and quarter.
    """

    draws: Draws
    parameters: ShopParameters
    calendar: Calendar
    catalogue: Catalogue

    @cached_property
    def quarters(self) -> int:
        """The number of quarters up to the horizon."""
        return int((self.calendar.horizon - self.calendar.start) // QUARTER) + 1

    @cached_property
    def product(self) -> Integers:
        """The product of every entry."""
        return np.repeat(np.arange(len(self.catalogue)), self.quarters)

    @cached_property
    def keys(self) -> Keys:
        """One key per entry."""
        quarter = np.tile(np.arange(self.quarters), len(self.catalogue))
        return (self.product * 1_000 + quarter).astype(np.uint64)

    @cached_property
    def opens(self) -> Floats:
        """The first moment of every quarter, a little apart from product to product."""
        quarter = (self.keys % np.uint64(1_000)).astype(np.float64)
        apart = (self.product % 17) / 4.0
        return np.asarray(self.calendar.start + 0.3 + apart + QUARTER * quarter)

    @cached_property
    def sold_out(self) -> Integers:
        """The entries in which a product sells out."""
        share = self.parameters.stock_out_share
        return np.flatnonzero(self.draws.happens("stock out", self.keys, share))

    @cached_property
    def out(self) -> Floats:
        """When it is gone, per entry of `sold_out`."""
        keys = self.keys[self.sold_out]
        return np.asarray(
            self.opens[self.sold_out] + self.draws.between("out day", keys, 10.0, 60.0)
        )

    @cached_property
    def back(self) -> Floats:
        """When it is there again, per entry of `sold_out`."""
        keys = self.keys[self.sold_out]
        return np.asarray(self.out + self.draws.between("back days", keys, 3.0, 20.0))

    @cached_property
    def reduced(self) -> Integers:
        """The entries in which a product is reduced."""
        share = self.parameters.price_drop_share
        return np.flatnonzero(self.draws.happens("price drop", self.keys, share))

    @cached_property
    def drop(self) -> Floats:
        """When the reduction starts, per entry of `reduced`."""
        keys = self.keys[self.reduced]
        return np.asarray(
            self.opens[self.reduced] + self.draws.between("drop day", keys, 1.0, 60.0)
        )

    @cached_property
    def raised(self) -> Floats:
        """When the reduction ends, per entry of `reduced`."""
        keys = self.keys[self.reduced]
        return np.asarray(self.drop + self.draws.between("drop days", keys, 7.0, 14.0))

    @cached_property
    def price(self) -> Integers:
        """The reduced price in cents, per entry of `reduced`."""
        rate = self.draws.between("drop rate", self.keys[self.reduced], 0.7, 0.9)
        list_price = self.catalogue.price[self.product[self.reduced]]
        return (list_price * rate).astype(np.int64)


def level_rows(supply: Supply) -> Rows:
    """Write stock.levels: filled up every quarter; running low, gone and back where sold out."""
    draws, keys, rare = supply.draws, supply.keys, supply.keys[supply.sold_out]
    few = 1 + draws.whole("few", rare, 5)
    low = supply.out - draws.between("low days", rare, 0.5, 3.0)
    product = supply.product[supply.sold_out]
    moment = np.concatenate([supply.opens, low, supply.out, supply.back])
    quantity = [
        40 + draws.whole("filled up", keys, 160),
        few,
        0 * few,
        30 + draws.whole("back", rare, 90),
    ]
    return change_rows(
        supply,
        "levels",
        np.concatenate([supply.product, product, product, product]),
        moment,
        {"quantity": pa.array(np.concatenate(quantity))},
    )


def price_rows(supply: Supply) -> Rows:
    """Write stock.prices: the list price at the launch, reductions and their ends."""
    catalogue = supply.catalogue
    product = supply.product[supply.reduced]
    moment = np.concatenate([catalogue.launched.astype(np.float64), supply.drop, supply.raised])
    price = np.concatenate([catalogue.price, supply.price, catalogue.price[product]])
    return change_rows(
        supply,
        "prices",
        np.concatenate([np.arange(len(catalogue)), product, product]),
        moment,
        {
            "price": decimals(price, 2),
            "currency_code": pa.repeat(pa.scalar("EUR"), len(price)),
        },
    )


def change_rows(
    supply: Supply, table: str, product: Integers, moment: Floats, values: dict[str, pa.Array]
) -> Rows:
    """Write changes of products; they are booked within the hour, and some are told twice."""
    keys, received = change_keys(product, moment), booked(supply, product, moment)
    columns = {
        "sku": picked(supply.catalogue.sku, product),
        "changed_at": timestamps(utc_micros(moment)),
        **values,
        "received_at": timestamps(received),
    }
    rows = Rows(("stock", table), columns, utc_day(received))
    return rows.repeated(supply.draws, keys, supply.parameters.repeated_event_share)


def change_keys(product: Integers, moment: Floats) -> Keys:
    """Return one key per change of a product."""
    return (product * 1_000_000 + np.rint(moment * 16)).astype(np.uint64)


def booked(supply: Supply, product: Integers, moment: Floats) -> Integers:
    """Return when changes are booked, UTC microseconds."""
    keys = change_keys(product, moment)
    wait = supply.draws.between("change booked", keys, 0.0, BOOKED_WITHIN_DAYS)
    return np.asarray(utc_micros(moment) + (wait * MICROS_PER_DAY).astype(np.int64))
