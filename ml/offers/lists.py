"""Two lists of products per customer: what to buy again, and what is new to them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from ml.evaluation import Numbers
from ml.offers.baskets import Baskets, Integers
from ml.offers.ease import MOST_ITEMS, Weights, bought_matrix, learn_weights
from ml.sorting import sorted_rows

POPULARITY, EASE = "popularity", "ease"
# From the simplest on: the second has to beat the first.
KINDS = (POPULARITY, EASE)
AGAIN, NEW = "again", "new"
RECENT_DAYS, LONG_DAYS = 28, 365
# Recent purchases that the share of the year stands for: few sales of a month say little.
PRIOR_PURCHASES = 2_000.0
# Days after which a purchase counts half for buying again (docs/decisions/0031).
HALF_LIFE_DAYS = 180.0
# Popularity is in the affinities, too: its root found more than all of it in the windows of Online
# Retail before the one that is judged.
POPULARITY_POWER = 0.5
# Share of a usual affinity that everything has, so that who fits nothing gets what is popular.
FLOOR = 0.05
BATCH_CUSTOMERS = 2_000
NOBODY = -1
SIDES: tuple[Literal["left", "right"], ...] = ("left", "right")


@dataclass(frozen=True)
class Taste:
    """What a shop's purchases say: how popular each product is, and what goes with what.

    `popularity` is the share of recent purchases by product, `category_share` that of all by
    category; `weights` (first products squared) are EASE's, None for the kind that offers everybody
    the same.
    """

    popularity: Numbers
    category_share: Numbers
    weights: Weights | None
    usual_affinity: float

    @property
    def count_candidates(self) -> int:
        """Return how many products, those with the most buyers, may be offered as new."""
        return min(len(self.popularity), MOST_ITEMS)


def learn_taste(kind: str, baskets: Baskets) -> Taste:
    """Learn the popularity, and for EASE the weights, of what was bought before a moment."""
    popularity = recent_popularity(baskets)
    category = baskets.category[baskets.item]
    counts = np.bincount(category[category >= 0]).astype(np.float64)
    share = counts / max(counts.sum(), 1.0)
    if kind == POPULARITY:
        return Taste(popularity, share, None, 0.0)
    weights = learn_weights(baskets)
    bought = bought_matrix(baskets, len(weights))
    # Mean affinity of a customer to a product, without the customers x products in memory.
    total = float(np.asarray(bought.sum(axis=0)).ravel() @ np.maximum(weights, 0).sum(axis=1))
    return Taste(popularity, share, weights, total / max(bought.shape[0] * len(weights), 1))


def recent_popularity(baskets: Baskets) -> Numbers:
    """Return each product's share of the purchases of 28 days, drawn to its share of a year."""
    counts = [
        np.bincount(baskets.item[baskets.age_days < days], minlength=len(baskets.items))
        for days in (RECENT_DAYS, LONG_DAYS)
    ]
    recent, long = (count.astype(np.float64) for count in counts)
    yearly = (long + 1e-3) / (long + 1e-3).sum() if len(long) else long
    popularity: Numbers = (recent + PRIOR_PURCHASES * yearly) / (recent.sum() + PRIOR_PURCHASES)
    return popularity


@dataclass(frozen=True)
class Offers:
    """One entry per customer, list and position from 1 on; of a list sorted by both.

    `customer` and `item` are places in the baskets; `strength` is the affinity (new) or the faded
    count of own purchases (again); `because` is the own product that speaks most for a new one,
    -1 where none does.
    """

    customer: Integers
    is_new: npt.NDArray[np.bool_]
    position: Integers
    item: Integers
    strength: Numbers
    because: Integers


def offer_again(baskets: Baskets, popularity: Numbers, *, count: int) -> Offers:
    """Return what customers bought most, recent purchases counting more, popular ones first."""
    pair = baskets.customer * len(baskets.items) + baskets.item
    starts = np.flatnonzero(np.append(True, pair[1:] != pair[:-1])) if len(pair) else pair
    faded = np.exp2(-baskets.age_days / HALF_LIFE_DAYS)
    sums = np.add.reduceat(faded, starts) if len(pair) else faded
    strengths, place = np.unique(-sums, return_inverse=True)
    by_popularity = np.argsort(-popularity, kind="stable")
    rank = np.argsort(by_popularity)
    # As one number, a row is sorted by customer, strength and popularity at once.
    columns = (baskets.customer[starts], place, rank[baskets.item[starts]])
    sizes = (len(baskets.customers), len(strengths), len(rank))
    customer, place, best = sorted_rows(columns, sizes)
    position = _positions(customer)
    kept = position <= count
    customer, item = customer[kept], by_popularity[best[kept]]
    none = np.full(len(item), NOBODY)
    strength = -strengths[place[kept]]
    return Offers(customer, np.zeros(len(none), bool), position[kept], item, strength, none)


def offer_new(
    baskets: Baskets,
    taste: Taste,
    *,
    count: int,
    customers: Integers | None = None,
    at_once: int = BATCH_CUSTOMERS,
) -> Offers:
    """Return what suits customers (all, or these places) and what they never bought.

    Ranked by affinity times the root of recent popularity. Works through `at_once` customers at a
    time, so that memory does not grow with their number.
    """
    chosen = np.arange(len(baskets.customers)) if customers is None else customers
    starts = range(0, len(chosen), at_once)
    batches = (chosen[start : start + at_once] for start in starts)
    parts = [_offer_batch(baskets, taste, batch, count) for batch in batches]
    if not parts:
        nothing = np.zeros(0, dtype=np.int64)
        return Offers(nothing, nothing.astype(bool), nothing, nothing, np.zeros(0), nothing)
    return together(parts)


def joined(parts: list[Offers]) -> Offers:
    """Return several offers as one, in the order of customer, list and position."""
    found = together(parts)
    highest = found.position.max(initial=0) + 1
    keys = (found.customer * 2 + found.is_new) * highest + found.position
    order = np.argsort(keys)
    return Offers(**{name: values[order] for name, values in vars(found).items()})


def together(parts: list[Offers]) -> Offers:
    """Return several offers as one, those of the first part first."""
    columns = {name: [getattr(part, name) for part in parts] for name in vars(parts[0])}
    return Offers(**{name: np.concatenate(values) for name, values in columns.items()})


def _offer_batch(baskets: Baskets, taste: Taste, batch: Integers, count: int) -> Offers:
    """Return the new products of some customers."""
    size = taste.count_candidates
    mine = _rows_of(baskets, batch, size)
    affinity = np.zeros((len(batch), size))
    if taste.weights is not None:
        affinity = np.maximum(bought_matrix(mine, size) @ taste.weights, 0.0)
    popularity = taste.popularity[:size] ** POPULARITY_POWER
    scores = (affinity + FLOOR * taste.usual_affinity + 1e-12) * popularity
    scores[mine.customer, mine.item] = -np.inf
    top, highest = _top(scores, count)
    row = np.repeat(np.arange(len(batch)), top.shape[1])
    item = top.ravel()
    is_new = np.isfinite(highest.ravel())
    because = _because(mine, taste, top).ravel()[is_new]
    row, item = row[is_new], item[is_new]
    strength = affinity[row, item].astype(np.float64)
    return Offers(batch[row], np.ones(len(row), bool), _positions(row), item, strength, because)


def _rows_of(baskets: Baskets, batch: Integers, count_items: int) -> Baskets:
    """Return the baskets of some customers, numbered anew, with the first products alone."""
    starts, ends = (np.searchsorted(baskets.customer, batch, side=side) for side in SIDES)
    lengths = ends - starts
    row = np.repeat(np.arange(len(batch)), lengths)
    entry = np.arange(len(row)) + np.repeat(starts - np.cumsum(lengths) + lengths, lengths)
    is_kept = baskets.item[entry] < count_items
    row, entry = row[is_kept], entry[is_kept]
    return replace(
        baskets,
        customers=baskets.customers[batch],
        customer=row,
        item=baskets.item[entry],
        age_days=baskets.age_days[entry],
    )


def _top(scores: Numbers, count: int) -> tuple[Integers, Numbers]:
    """Return the places of the highest scores of each row, equal ones by place, and the scores.

    Highest first; -inf is a score that nothing has. The scores that are given are used up.
    """
    rows, width = np.arange(len(scores)), min(count, scores.shape[1])
    places, highest = np.zeros((len(scores), width), dtype=np.int64), np.zeros((len(scores), width))
    # numpy finds a maximum with vector instructions: eight times are a fifth of one partition.
    for column in range(width):
        places[:, column] = best = scores.argmax(axis=1)
        highest[:, column] = scores[rows, best]
        scores[rows, best] = -np.inf
    return places, highest


def _because(mine: Baskets, taste: Taste, top: Integers) -> Integers:
    """Return per customer and offer the own product with the highest weight for it, or -1."""
    because = np.full(top.shape, NOBODY)
    if taste.weights is None or not len(mine):
        return because
    # A customer's entries lie together, those of the first product first.
    starts = np.flatnonzero(np.append(True, mine.customer[1:] != mine.customer[:-1]))
    lengths = np.diff(np.append(starts, len(mine)))
    weight = taste.weights[mine.item[:, np.newaxis], top[mine.customer]]
    highest = np.maximum.reduceat(weight, starts)
    entries = np.arange(len(mine))[:, np.newaxis]
    is_best = weight == np.repeat(highest, lengths, axis=0)
    first = np.minimum.reduceat(np.where(is_best, entries, len(mine)), starts)
    because[mine.customer[starts]] = np.where(highest > 0, mine.item[first], NOBODY)
    return because


def _positions(group: Integers) -> Integers:
    """Return 1, 2, … within each run of equal numbers."""
    if not len(group):
        return group
    starts = np.flatnonzero(np.append(True, group[1:] != group[:-1]))
    lengths = np.diff(np.append(starts, len(group)))
    positions: Integers = np.arange(len(group)) - np.repeat(starts, lengths) + 1
    return positions
