"""Who bought which product when: purchase lines as codes, as they were known at a moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml.errors import LabelError
from ml.prediction import Input
from ml.times import naive_utc

Integers = npt.NDArray[np.int64]
Names = npt.NDArray[Any]

# What known_lines takes, as it lies in the warehouse; what was sent back was not wanted.
LINES = Input(
    "intermediate.int_purchase_lines_joined",
    ("customer_id", "sku", "occurred_at"),
    "sku is not null and quantity > returned_quantity",
)


@dataclass(frozen=True)
class Baskets:
    """One entry per customer, product and day of purchase, as known at a moment.

    `customer` and `item` are places in `customers` and `items`; `age_days` are the days from the
    purchase day to the day before the moment. Sorted by customer.
    """

    as_of: pd.Timestamp
    customers: Names
    items: Names
    customer: Integers
    item: Integers
    age_days: Integers

    def __len__(self) -> int:
        return len(self.customer)


def known_lines(lines: pd.DataFrame, *, known_until: pd.Timestamp) -> pd.DataFrame:
    """Return customer_id, sku (text) and day of the lines before a moment, one row of each.

    Raises LabelError when a value is null.
    """
    for name in LINES.columns:
        count = int(lines[name].isna().sum())
        if count:
            raise LabelError(f"{name} is null in {count} purchase lines. Leave those out.")
    times = naive_utc(lines["occurred_at"])
    known = pd.DataFrame(
        {
            "customer_id": lines["customer_id"].astype("str"),
            "sku": lines["sku"].astype("str"),
            "day": times.dt.normalize(),
        }
    )[times < known_until]
    # In one order, so that equal data gives equal sums to the last bit.
    known = known.drop_duplicates()
    return known.sort_values(list(known.columns), ignore_index=True)


def baskets_at(
    known: pd.DataFrame, *, as_of: pd.Timestamp, items: Sequence[str] | Names | None = None
) -> Baskets:
    """Return known lines before a moment as codes.

    `items` are the products that count, in their order; without them all that were bought, those
    with the most buyers first.
    """
    before = known[known["day"] < as_of]
    names = _by_buyers(before) if items is None else np.asarray(items)
    item = pd.Index(names).get_indexer(before["sku"])
    before, item = before[item >= 0], item[item >= 0]
    customer, customers = pd.factorize(before["customer_id"], sort=True)
    today = (as_of - pd.Timedelta(microseconds=1)).normalize()
    age = (today - before["day"]).dt.days.to_numpy(np.int64)
    order = np.lexsort((age, item, customer))
    return Baskets(
        as_of,
        np.asarray(customers, dtype=object),
        names,
        customer[order].astype(np.int64),
        item[order].astype(np.int64),
        age[order],
    )


def bought_within(known: pd.DataFrame, before: Baskets, *, days: int) -> pd.DataFrame:
    """Return what customers of the baskets bought within the days after them.

    Distinct pairs of places `customer` and `item`; -1 for a product that nobody knew before.
    Somebody who was not a customer then is left out.
    """
    ends = before.as_of + pd.Timedelta(days=days)
    window = known[(known["day"] >= before.as_of) & (known["day"] < ends)]
    customer = pd.Index(before.customers).get_indexer(window["customer_id"])
    item = pd.Index(before.items).get_indexer(window["sku"])
    pairs = pd.DataFrame({"customer": customer, "item": item})[customer >= 0]
    return pairs.drop_duplicates().sort_values(["customer", "item"], ignore_index=True)


def _by_buyers(lines: pd.DataFrame) -> Names:
    """Return the products by the number of their buyers, equal ones by name."""
    buyers = lines.drop_duplicates(["customer_id", "sku"]).groupby("sku").size()
    names = buyers.index.to_numpy(object).astype("U")
    return names[np.lexsort((names, -buyers.to_numpy()))]
