"""The second purchase as time to an event: who bought once, since when, and who came back when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml.btyd.histories import Numbers
from ml.purchase_days import as_dates, purchase_days

Integers = npt.NDArray[np.int64]

# A curve ends on the last day on which so many were still watched (docs/decisions/0011).
LEAST_WATCHED = 50
# Days before the end from which the rate of those still out there is taken for the time after it.
TAIL_DAYS = 90
LONGEST = 3_650


@dataclass(frozen=True)
class Curve:
    """Share of first-time buyers without a second purchase by day (Kaplan & Meier 1958).

    `without` has the share after 0, 1, … days; `tail_rate` is the daily rate after the last one.
    """

    without: tuple[float, ...]
    tail_rate: float
    count: int

    @property
    def end(self) -> int:
        """Return the last day that enough customers were watched on."""
        return len(self.without) - 1

    def at(self, days: npt.ArrayLike) -> Numbers:
        """Return the share without a second purchase so many days after the first one."""
        elapsed = np.asarray(days, dtype=np.float64)
        known = np.asarray(self.without)[np.clip(elapsed, 0, self.end).astype(np.int64)]
        shares: Numbers = known * np.exp(-self.tail_rate * np.maximum(elapsed - self.end, 0.0))
        return shares

    def odds(self, age_days: Integers, *, days: int | Integers) -> Numbers:
        """Return the probability to buy within the next days of who has not until an age."""
        before = np.maximum(self.at(age_days), 1e-12)
        probability: Numbers = np.clip(1 - self.at(age_days + days) / before, 0.0, 1.0)
        return probability

    def wait(self, age_days: Integers, *, within: int) -> Numbers:
        """Return the days in which half of those come who come within so many days at all."""
        ages, places = np.unique(age_days, return_inverse=True)
        days = np.arange(1, within + 1)
        odds = self.odds(ages[:, np.newaxis], days=days)
        # The whole horizon is the last day, so that there is always one.
        waits = days[(odds >= odds[:, -1:] / 2).argmax(axis=1)].astype(np.float64)
        found: Numbers = waits[places]
        return found

    def as_plain(self) -> dict[str, Any]:
        """Return the curve as plain JSON data."""
        return {"without": list(self.without), "tail_rate": self.tail_rate, "count": self.count}

    @classmethod
    def from_plain(cls, content: dict[str, Any]) -> Curve:
        """Return the curve that plain data describes."""
        return cls(tuple(content["without"]), content["tail_rate"], content["count"])


def first_buyers(purchases: pd.DataFrame, *, as_of: pd.Timestamp) -> pd.DataFrame:
    """Return one row per customer who bought before a moment, by customer_id.

    Takes known purchases (customer_id, occurred_at, margin_amount). Purchases of one day are one.
    Columns: first_day, second_day (null without one), first_margin, age_days until the last day
    before the moment, and wait_days until the second purchase or, without one, that day.
    """
    days = purchase_days(purchases, as_of=as_of)
    first = days.firsts
    begins, moment = days.day[first], (as_of - pd.Timedelta(microseconds=1)).normalize()
    today = moment.to_datetime64().astype("datetime64[D]").astype(np.int64)
    has_second = days.lasts > first
    follows = first + has_second
    second = np.where(has_second, days.day[follows], today)
    return pd.DataFrame(
        {
            "first_day": as_dates(begins),
            "second_day": np.where(has_second, as_dates(second), np.datetime64("NaT")),
            "first_margin": days.margin[first],
            "age_days": today - begins,
            "wait_days": second - begins,
        },
        index=pd.Index(days.customers, dtype="str", name="customer_id"),
    )


def draw_curve(buyers: pd.DataFrame) -> Curve:
    """Return the curve of first-time buyers (rows of first_buyers); who has not come is censored.

    Whoever is watched for d days counts on each of them, so that young cohorts neither hide late
    second purchases nor inflate early ones. No buyers: a curve on which nothing ever happens.
    """
    waits = np.minimum(buyers["wait_days"].to_numpy(np.int64), LONGEST)
    came = buyers["second_day"].notna().to_numpy()
    size = int(waits.max(initial=0)) + 1
    left = np.bincount(waits, minlength=size)
    events = np.bincount(waits[came], minlength=size)
    watched = len(waits) - np.concatenate([[0], np.cumsum(left)[:-1]])
    enough = np.flatnonzero(watched >= LEAST_WATCHED)
    end = int(enough[-1]) if len(enough) else 0
    shares = 1 - events[: end + 1] / np.maximum(watched[: end + 1], 1)
    tail = slice(max(end + 1 - TAIL_DAYS, 0), end + 1)
    exposure = int(watched[tail].sum())
    rate = float(events[tail].sum() / exposure) if exposure else 0.0
    return Curve(tuple(np.cumprod(shares).tolist()), rate, len(waits))
