"""What a group of customers has in common, as a rule that people and databases can read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ml.evaluation import Numbers, Outcomes
from ml.features import FEATURES

DEPTH = 3
LEAST_LEAF = 0.01
WORDS = {
    "days_since_last_order": "days since the last purchase",
    "days_since_first_order": "days since the first purchase",
    "count_orders": "purchases",
    "average_order_value": "amount of a purchase on average",
    "count_categories": "categories bought",
    "discount_share": "share of discounts",
    "return_share": "share sent back",
    "count_store_orders_365d": "purchases in a store in 365 days",
    "count_sessions_90d": "visits in 90 days",
    "count_human_opens_90d": "e-mails opened in 90 days",
}
WHOLE = frozenset(feature.name for feature in FEATURES if feature.kind == "integer")


@dataclass(frozen=True)
class Rule:
    """A condition in words and in SQL over customer_features, with how well it meets a group.

    `precision` is the share of the group among those whom the rule meets, `recall` the share of the
    group that it meets, both of customers that it was not learnt from.
    """

    words: str
    condition: str
    precision: float
    recall: float


@dataclass(frozen=True)
class Bound:
    """A column above a limit, or at most it."""

    column: str
    is_above: bool
    limit: float


def learn_rule(
    values: Numbers, columns: tuple[str, ...], is_member: Outcomes, *, seed: int
) -> Rule | None:
    """Return the rule of a decision tree of depth three; None where it meets nobody.

    Takes facts as they are, nulls filled. The tree learns from one half and is measured on the
    other.
    """
    from sklearn.tree import DecisionTreeClassifier

    order = np.random.default_rng(seed).permutation(len(values))
    learnt, held = np.array_split(order, 2)
    tree = DecisionTreeClassifier(
        max_depth=DEPTH, min_samples_leaf=LEAST_LEAF, random_state=seed
    ).fit(values[learnt], is_member[learnt])
    paths = _paths(tree, columns)
    if not paths:
        return None
    met = meets(paths, values[held], columns)
    common = float((met & is_member[held]).sum())
    return Rule(
        words=" or ".join(_sentence(path) for path in paths),
        condition=" or ".join(f"({_condition(path)})" for path in paths),
        precision=common / max(int(met.sum()), 1),
        recall=common / max(int(is_member[held].sum()), 1),
    )


def meets(paths: list[list[Bound]], values: Numbers, columns: tuple[str, ...]) -> Outcomes:
    """Return which rows meet any of the paths."""
    met = np.zeros(len(values), dtype=bool)
    for path in paths:
        inside = np.ones(len(values), dtype=bool)
        for bound in path:
            column = values[:, columns.index(bound.column)]
            inside &= (column > bound.limit) if bound.is_above else (column <= bound.limit)
        met |= inside
    return met


def _paths(tree: Any, columns: tuple[str, ...]) -> list[list[Bound]]:
    """Return the bounds on the way to each branch where the group is in the majority throughout."""
    if len(tree.classes_) < 2:
        return []
    inner, found = tree.tree_, []
    stack: list[tuple[int, list[Bound]]] = [(0, [])]
    while stack:
        node, path = stack.pop()
        if path and _is_whole(inner, node):
            found.append(_tightest(path))
        elif inner.children_left[node] >= 0:
            column = columns[inner.feature[node]]
            limit = _limit(column, float(inner.threshold[node]))
            stack.append((int(inner.children_right[node]), [*path, Bound(column, True, limit)]))
            stack.append((int(inner.children_left[node]), [*path, Bound(column, False, limit)]))
    return found


def _is_whole(inner: Any, node: int) -> bool:
    """Tell whether the group is in the majority in every leaf below a node."""
    left, right = int(inner.children_left[node]), int(inner.children_right[node])
    if left < 0:
        shares = inner.value[node][0]
        return bool(shares[1] > shares[0])
    return _is_whole(inner, left) and _is_whole(inner, right)


def _limit(column: str, threshold: float) -> float:
    """Return a limit as a person would set it: whole for counts and days, else four digits."""
    return float(np.floor(threshold)) if column in WHOLE else float(f"{threshold:.4g}")


def _tightest(path: list[Bound]) -> list[Bound]:
    """Return one lower and one upper bound per column."""
    kept: dict[tuple[str, bool], Bound] = {}
    for bound in path:
        key = (bound.column, bound.is_above)
        known = kept.get(key)
        if known is None or (bound.limit > known.limit) == bound.is_above:
            kept[key] = bound
    return list(kept.values())


def _sentence(path: list[Bound]) -> str:
    """Return a path in words."""
    return " and ".join(
        f"{WORDS.get(bound.column, bound.column)} "
        f"{'above' if bound.is_above else 'at most'} {_digits(bound.limit)}"
        for bound in path
    )


def _condition(path: list[Bound]) -> str:
    """Return a path in SQL."""
    return " and ".join(
        f"{bound.column} {'>' if bound.is_above else '<='} {_digits(bound.limit)}" for bound in path
    )


def _digits(limit: float) -> str:
    """Return a number without an exponent."""
    return np.format_float_positional(limit, trim="-")
