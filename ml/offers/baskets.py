"""Who bought which product when: purchase lines as codes, as they were known at a moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml.errors import LabelError
from ml.names import coded, is_among
from ml.prediction import Input
from ml.purchase_days import as_dates
from ml.sorting import sorted_rows
from ml.times import naive_utc

Integers = npt.NDArray[np.int64]
Names = npt.NDArray[Any]

# What known_lines takes, as it lies in the warehouse; what was sent back was not wanted.
LINES = Input(
    "intermediate.int_purchase_lines_joined",
    ("customer_id", "sku", "category", "occurred_at"),
    "sku is not null and quantity > returned_quantity",
)


@dataclass(frozen=True)
class Baskets:
    """One entry per customer, product and day of purchase, as known at a moment.

    `customer` and `item` are places in `customers` and `items`; `age_days` are the days from the
    purchase day to the day before the moment. Sorted by customer. `category` has a number per item,
    -1 where the catalogue knows none.
    """

    as_of: pd.Timestamp
    customers: Names
    items: Names
    category: Integers
    customer: Integers
    item: Integers
    age_days: Integers

    def __len__(self) -> int:
        return len(self.customer)


def known_lines(
    lines: pd.DataFrame, *, known_until: pd.Timestamp, customers: pd.Series | None = None
) -> pd.DataFrame:
    """Return the lines before a moment, one of each customer_id, sku and day, with its category.

    Of all customers, or of those named. In one order, so that equal data gives equal results.
    Raises LabelError when a value is null; a category may be.
    """
    for name in ("customer_id", "sku", "occurred_at"):
        count = int(lines[name].isna().sum())
        if count:
            raise LabelError(f"{name} is null in {count} purchase lines. Leave those out.")
    times = naive_utc(lines["occurred_at"])
    before = (times < known_until).to_numpy()
    coded_names = [_coded(lines[name], before) for name in ("customer_id", "sku", "category")]
    day = times.to_numpy("datetime64[D]").astype(np.int64)[before]
    (customer, ids), (sku, skus), (category, categories) = coded_names
    if customers is not None:
        meant = is_among(pd.Index(ids, dtype="str"), customers)[customer]
        customer, sku, category, day = (one[meant] for one in (customer, sku, category, day))
    earliest = int(day.min(initial=0))
    # No category comes after all others.
    last = len(categories)
    columns = (customer, sku, day - earliest, np.where(category < 0, last, category))
    sizes = (len(ids), len(skus), int(day.max(initial=0)) - earliest + 1, last + 1)
    customer, sku, day, category = sorted_rows(columns, sizes)
    same = [column[1:] == column[:-1] for column in (customer, sku, day)]
    kept = np.append(np.ones(min(len(day), 1), dtype=bool), ~np.logical_and.reduce(same))
    return pd.DataFrame(
        {
            "customer_id": _named(customer[kept], ids),
            "sku": _named(sku[kept], skus),
            "day": as_dates(day[kept] + earliest),
            "category": _named(np.where(category == last, -1, category)[kept], categories),
        }
    )


def baskets_at(
    known: pd.DataFrame, *, as_of: pd.Timestamp, items: tuple[Names, Integers] | None = None
) -> Baskets:
    """Return known lines before a moment as codes.

    `items` are the products that count, in their order, with their categories; without them all
    that were bought, those with the most buyers first.
    """
    before = known[known["day"] < as_of]
    names, category = _by_buyers(before) if items is None else items
    item = _places(names, before["sku"])
    before, item = before[item >= 0], item[item >= 0]
    codes, customer = np.unique(_codes(before["customer_id"]), return_inverse=True)
    today = (as_of - pd.Timedelta(microseconds=1)).normalize()
    age = (today - before["day"]).dt.days.to_numpy(np.int64)
    sizes = (len(codes), len(names), int(age.max(initial=0)) + 1)
    columns = sorted_rows((customer, item, age), sizes)
    return Baskets(as_of, _names(before["customer_id"])[codes], names, category, *columns)


def bought_within(known: pd.DataFrame, before: Baskets, *, days: int) -> pd.DataFrame:
    """Return what customers of the baskets bought within the days after them.

    Distinct pairs of places `customer` and `item`; -1 for a product that nobody knew before.
    Somebody who was not a customer then is left out.
    """
    ends = before.as_of + pd.Timedelta(days=days)
    window = known[(known["day"] >= before.as_of) & (known["day"] < ends)]
    places = {"customer": ("customer_id", before.customers), "item": ("sku", before.items)}
    pairs = pd.DataFrame(
        {place: _places(names, window[name]) for place, (name, names) in places.items()}
    )
    pairs = pairs[pairs["customer"] >= 0].drop_duplicates()
    return pairs.sort_values(["customer", "item"], ignore_index=True)


def _coded(values: pd.Series, chosen: npt.NDArray[np.bool_]) -> tuple[Integers, Names]:
    return coded(values if chosen.all() else values[chosen])


def _named(codes: Integers, names: Names) -> pd.Categorical:
    return pd.Categorical.from_codes(codes, categories=pd.Index(names, dtype="str"))


def _places(names: Names, values: pd.Series) -> Integers:
    """Return where each value stands among names, -1 for nowhere."""
    found = pd.Index(names).get_indexer(pd.Index(_names(values)))
    return found.astype(np.int64)[_codes(values)]


def _codes(values: pd.Series) -> Integers:
    return np.asarray(values.cat.codes, dtype=np.int64)


def _names(values: pd.Series) -> Names:
    """Return all names that a column of categories can have."""
    return np.asarray(values.cat.categories, dtype=object)


def _by_buyers(lines: pd.DataFrame) -> tuple[Names, Integers]:
    """Return the products with the most buyers first, equal ones by name, and their categories."""
    pairs = lines.drop_duplicates(["customer_id", "sku"])
    names, sku = _names(lines["sku"]).astype("U"), _codes(pairs["sku"])
    buyers = np.bincount(sku, minlength=len(names))
    category = np.full(len(names), -1, dtype=np.int64)
    category[sku] = _codes(pairs["category"])
    order = np.argsort(-buyers, kind="stable")
    order = order[buyers[order] > 0]
    return names[order], category[order]
