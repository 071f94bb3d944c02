"""Who bought which product when: purchase lines as codes, as they were known at a moment."""

from __future__ import annotations

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


def known_lines(lines: pd.DataFrame, *, known_until: pd.Timestamp) -> pd.DataFrame:
    """Return the lines before a moment, one of each customer_id, sku and day, with its category.

    In one order, so that equal data gives equal results. Raises LabelError when a value is null; a
    category may be.
    """
    for name in ("customer_id", "sku", "occurred_at"):
        count = int(lines[name].isna().sum())
        if count:
            raise LabelError(f"{name} is null in {count} purchase lines. Leave those out.")
    times = naive_utc(lines["occurred_at"])
    before = (times < known_until).to_numpy()
    # Codes of sorted names: millions of rows are compared as numbers.
    known = pd.DataFrame(
        {
            "customer_id": _categories(lines["customer_id"][before]),
            "sku": _categories(lines["sku"][before]),
            "day": times[before].dt.normalize().to_numpy(),
            "category": _categories(lines["category"][before]),
        }
    )
    known = known.sort_values(list(known.columns), ignore_index=True)
    return known.drop_duplicates(["customer_id", "sku", "day"], ignore_index=True)


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
    order = np.lexsort((age, item, customer))
    return Baskets(
        as_of,
        _names(before["customer_id"])[codes],
        names,
        category,
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
    places = {"customer": ("customer_id", before.customers), "item": ("sku", before.items)}
    pairs = pd.DataFrame(
        {place: _places(names, window[name]) for place, (name, names) in places.items()}
    )
    pairs = pairs[pairs["customer"] >= 0].drop_duplicates()
    return pairs.sort_values(["customer", "item"], ignore_index=True)


def _categories(values: pd.Series) -> pd.Categorical:
    codes, names = pd.factorize(values.astype("str"), sort=True)
    return pd.Categorical.from_codes(codes, categories=names)


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
