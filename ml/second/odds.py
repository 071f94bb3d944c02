"""Three ways to tell who of the first-time buyers will come back, and when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ml.btyd import dropout
from ml.btyd.dropout import DAYS_PER_UNIT, Dropout
from ml.btyd.forecasts import order_probability
from ml.btyd.histories import Numbers, group, summarise
from ml.second.first_buyers import Curve, Integers, draw_curve, first_buyers

SHOP_CURVE, BG_NBD, BASKET_CURVES = "shop_curve", "bg_nbd", "basket_curves"
# From the simplest on: each has to beat the one before it.
KINDS = (SHOP_CURVE, BG_NBD, BASKET_CURVES)
BASKETS = 3


@dataclass(frozen=True)
class SecondOdds:
    """What one kind learnt: curves by step of the first margin (one is the shop's), or BG/NBD."""

    kind: str
    edges: tuple[float, ...] = ()
    curves: tuple[Curve, ...] = field(default=(), repr=False)
    dropout: Dropout | None = None

    def odds(self, buyers: pd.DataFrame, *, days: int) -> Numbers:
        """Return the probability of a second purchase within the next days.

        Takes rows of first_buyers without a second purchase.
        """
        if self.dropout:
            return order_probability(self.dropout, _histories(buyers), days=days)
        return self._by_basket(buyers, lambda curve, age: curve.odds(age, days=days))

    def wait(self, buyers: pd.DataFrame, *, within: int) -> Numbers:
        """Return the days in which half of those come who come within so many days at all.

        BG/NBD: whoever is alive, as all are before a second purchase, orders at a rate distributed
        as Gamma(r, alpha + T), so that P(none in w) = (1 + w / (alpha + T)) ** -r.
        """
        if self.dropout:
            half = self.odds(buyers, days=within) / 2
            at_age = self.dropout.alpha + buyers["age_days"].to_numpy(float) / DAYS_PER_UNIT
            growth = np.expm1(-np.log1p(-half) / self.dropout.r)
            waits: Numbers = np.clip(np.ceil(at_age * growth * DAYS_PER_UNIT), 1, within)
            return waits
        return self._by_basket(buyers, lambda curve, age: curve.wait(age, within=within))

    def _by_basket(
        self, buyers: pd.DataFrame, ask: Callable[[Curve, Integers], Numbers]
    ) -> Numbers:
        ages = buyers["age_days"].to_numpy(np.int64)
        steps = np.searchsorted(np.asarray(self.edges), buyers["first_margin"], side="right")
        answers = np.zeros(len(buyers))
        for step, curve in enumerate(self.curves):
            answers[steps == step] = ask(curve, ages[steps == step])
        return answers

    def as_plain(self) -> dict[str, Any]:
        """Return what was learnt as plain JSON data."""
        return {
            "kind": self.kind,
            "edges": list(self.edges),
            "curves": [curve.as_plain() for curve in self.curves],
            "dropout": self.dropout.as_plain() if self.dropout else None,
        }

    @classmethod
    def from_plain(cls, content: dict[str, Any]) -> SecondOdds:
        """Return what plain data describes."""
        learned = content["dropout"]
        return cls(
            content["kind"],
            tuple(content["edges"]),
            tuple(Curve.from_plain(curve) for curve in content["curves"]),
            Dropout.from_plain(learned) if learned else None,
        )


def learn_odds(kind: str, purchases: pd.DataFrame, *, as_of: pd.Timestamp) -> SecondOdds:
    """Fit one kind to the known purchases before a moment.

    shop_curve: one Kaplan-Meier curve. bg_nbd: rhythm of all customers (Fader et al. 2005).
    basket_curves: a curve per third of the first purchase's margin.
    """
    if kind == BG_NBD:
        known = summarise(purchases, as_of=as_of)
        columns = (known[name].to_numpy() for name in ("repeats", "recency_days", "age_days"))
        return SecondOdds(kind, dropout=dropout.fit(group(*columns), dropout.BG_NBD))
    buyers = first_buyers(purchases, as_of=as_of)
    if kind == SHOP_CURVE:
        return SecondOdds(kind, curves=(draw_curve(buyers),))
    shares = np.linspace(0, 1, BASKETS + 1)[1:-1]
    edges = np.unique(np.quantile(buyers["first_margin"], shares))
    steps = np.searchsorted(edges, buyers["first_margin"], side="right")
    curves = tuple(draw_curve(buyers[steps == step]) for step in range(len(edges) + 1))
    return SecondOdds(kind, tuple(edges.tolist()), curves)


def _histories(buyers: pd.DataFrame) -> Any:
    nothing = np.zeros(len(buyers), dtype=np.int64)
    return group(nothing, nothing, buyers["age_days"].to_numpy(np.int64))
