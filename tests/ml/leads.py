"""Leads whose sales follow a known card: what a points card can be asked to find."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

CLOCK = pd.Timestamp("2026-11-01")
MONTHS = pd.date_range("2025-10-01", "2026-09-01", freq="MS")
TRUE_HALF_LIFE, HAND_HALF_LIFE = 90, 14
USUAL = -3.5


@dataclass(frozen=True)
class World:
    """How companies behave: what one act of each type is truly worth, in log odds.

    `turned_from` is a month from which the signs of the acts are the other way round; `count`
    persons do `rate` acts of each type a day.
    """

    count: int = 1_000
    seed: int = 1
    search: float = 1.2
    login: float = 0.0
    buyer: float = 1.0
    hand_search: float = 1.0
    turned_from: str | None = None
    rate: float = 0.02
    rules: dict[str, object] = field(
        default_factory=lambda: {
            "horizon_days": 30,
            "sale_value": 100.0,
            "contact_cost": 15.0,
            "early_cost": 5.0,
            "monthly_capacity": None,
        }
    )


def make_leads(world: World, *, kind: str = "account") -> dict[str, pd.DataFrame]:
    """Return the frames of lead_score: moments, activities and facts."""
    generator = np.random.default_rng(world.seed)
    persons = np.array([f"{kind}-{number:05}" for number in range(world.count)])
    activities = pd.concat(
        [_acts(persons, name, points, world.rate, generator)
         for name, points in (("search", 2.0), ("login", 2.0))],
        ignore_index=True,
    )  # fmt: skip
    is_buyer = generator.random(world.count) < 0.3
    facts = pd.DataFrame(
        {
            "customer_id": persons,
            "attribute": "role",
            "trait": np.where(is_buyer, "%buyer%", "%owner%"),
            "points": np.where(is_buyer, 15.0, 5.0),
            "known_on": pd.Timestamp("2025-01-01"),
        }
    )
    days = [*MONTHS, CLOCK]
    moments = pd.concat([_snapshot(world, persons, day, kind) for day in days], ignore_index=True)
    searches, logins = (
        _worth(activities, name, moments, TRUE_HALF_LIFE) for name in ("search", "login")
    )
    sign = np.ones(len(moments))
    if world.turned_from:
        sign[(moments["snapshot_on"] >= world.turned_from).to_numpy()] = -1.0
    bearer = np.tile(is_buyer, len(days))
    worth = world.search * np.log1p(searches) + world.login * np.log1p(logins)
    odds = USUAL + sign * worth + world.buyer * bearer
    is_sale = generator.random(len(moments)) < 1 / (1 + np.exp(-odds))
    is_late = ~is_sale & (generator.random(len(moments)) < 0.03)
    past = ~moments["is_current"]
    hand = world.hand_search * _worth(activities, "search", moments, HAND_HALF_LIFE)
    moments = moments.assign(
        score=(100 * (1 - np.exp(-(hand + 0.3 * bearer)))).clip(0, 100),
        is_sale=pd.Series(is_sale, dtype="object").where(past),
        is_late_sale=pd.Series(is_late, dtype="object").where(past),
        margin_amount=np.where(is_sale & past, 80.0, np.nan),
    )
    return {"moments": moments, "activities": activities, "facts": facts}


def together(*worlds: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return the frames of several kinds of lead as one shop's."""
    return {
        name: pd.concat([frames[name] for frames in worlds], ignore_index=True)
        for name in worlds[0]
    }


def _acts(persons, name, points, rate, generator) -> pd.DataFrame:
    """Return acts of one type over two years, known on the day they happen."""
    first, days = pd.Timestamp("2024-11-01"), 730
    eager = generator.gamma(0.7, 1 / 0.7, len(persons))
    count = generator.poisson(rate * days * eager)
    who = np.repeat(persons, count)
    when = first + pd.to_timedelta(generator.integers(0, days, len(who)), unit="D")
    return pd.DataFrame(
        {
            "customer_id": who,
            "activity_type": name,
            "occurred_on": when,
            "known_on": when,
            "count_activities": 1,
            "points": points,
        }
    )


def _snapshot(world, persons, day, kind) -> pd.DataFrame:
    is_current = day == CLOCK
    ends_on = pd.NaT if is_current else day + pd.Timedelta(days=30)
    closes_on = pd.NaT if is_current else day + pd.Timedelta(days=60)
    return pd.DataFrame(
        {
            "customer_id": persons,
            "lead_kind": kind,
            "score_version": "2026-1",
            "as_of": day,
            "snapshot_on": day,
            "known_until_on": day if is_current else day - pd.Timedelta(days=1),
            "ends_on": ends_on,
            "closes_on": closes_on,
            "half_life_days": HAND_HALF_LIFE,
            "is_current": is_current,
            **world.rules,
        }
    )


def _worth(activities, name, moments, half_life) -> np.ndarray:
    """Return what the acts of one type before each moment are worth."""
    mine = activities[activities["activity_type"] == name]
    keys = moments.reset_index()[["index", "customer_id", "snapshot_on", "known_until_on"]]
    pairs = keys.merge(mine, on="customer_id")
    pairs = pairs[pairs["known_on"] <= pairs["known_until_on"]]
    age = (pairs["snapshot_on"] - pairs["occurred_on"]).dt.days
    worth = (0.5 ** (age / half_life)).groupby(pairs["index"]).sum()
    return worth.reindex(range(len(moments)), fill_value=0.0).to_numpy()
