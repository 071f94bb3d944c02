"""Hold the calendar of the world: its days, seasons, weekdays, hours and clocks."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property

import numpy as np

from sandbox.shop.draws import Draws, Floats, Integers, Keys

EPOCH = date(1970, 1, 1)
MICROS_PER_DAY = 86_400_000_000
HOUR = 1.0 / 24.0

MONTH_FACTORS = (0.85, 0.80, 0.90, 0.95, 1.0, 0.95, 0.85, 0.85, 0.95, 1.0, 1.0, 1.0)
WEB_WEEKDAYS = (1.05, 1.0, 0.98, 0.97, 0.88, 0.90, 1.20)
STORE_WEEKDAYS = (0.85, 0.9, 0.95, 1.0, 1.2, 1.6, 0.0)
WEB_HOURS = (
    *(8, 4, 2, 1, 1, 3, 10, 22, 34, 44, 50, 52),
    *(54, 52, 48, 48, 52, 60, 70, 84, 90, 76, 46, 20),
)
STORE_HOURS = (0,) * 9 + (4, 7, 9, 9, 9, 10, 11, 12, 13, 10, 6) + (0,) * 4


def day_number(day: date) -> int:
    """Return the days since 1970-01-01."""
    return (day - EPOCH).days


def day_of(number: int) -> date:
    """Return the date of a day number."""
    return EPOCH + timedelta(days=int(number))


def summer_changes(first_year: int = 2000, last_year: int = 2060) -> Floats:
    """Return the local moments at which Berlin's clock changes, alternating spring and autumn."""
    changes = []
    for year in range(first_year, last_year + 1):
        for month, hour in ((3, 2), (10, 3)):
            last = date(year, month, 31)
            sunday = last - timedelta(days=(last.weekday() + 1) % 7)
            changes.append(day_number(sunday) + hour * HOUR)
    return np.array(changes)


CHANGES = summer_changes()


def utc_micros(local_days: Floats) -> Integers:
    """Turn local days (Berlin, fractional, since 1970) into UTC microseconds, whole seconds."""
    is_summer = np.searchsorted(CHANGES, local_days, side="right") % 2 == 1
    seconds = np.rint(local_days * 86_400).astype(np.int64)
    return np.asarray((seconds - 3600 * (1 + is_summer)) * 1_000_000)


def local_micros(local_days: Floats) -> Integers:
    """Turn local days into the microseconds that a clock on the wall would show."""
    return np.rint(local_days * 86_400).astype(np.int64) * 1_000_000


def utc_day(micros: Integers) -> Integers:
    """Return the UTC day number of UTC microseconds."""
    return micros // MICROS_PER_DAY


@dataclass(frozen=True)
class Calendar:
    """The time axis: the world runs from `start` to `horizon`, and is seen until `cut`.

    All attributes are day numbers since 1970; `cut` is the first day that is not seen.
    """

    start: int
    horizon: int
    cut: int
    november_december_factor: float = 1.8

    @cached_property
    def cumulated(self) -> Floats:
        """Operational time at the start of every day: quiet days are short, December is long."""
        days = np.arange(self.start, self.horizon + 1).astype("datetime64[D]")
        months = days.astype("datetime64[M]").astype(np.int64) % 12
        factors = np.array(MONTH_FACTORS)
        factors[10:] = self.november_december_factor
        lengths = np.array([31, 28.25, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
        factors /= (factors * lengths).sum() / lengths.sum()
        return np.concatenate([[0.0], np.cumsum(factors[months[:-1]])])

    @cached_property
    def _days(self) -> Floats:
        return np.arange(self.start, self.horizon + 1, dtype=np.float64)

    @property
    def length(self) -> float:
        """Operational days from start to horizon."""
        return float(self.cumulated[-1])

    def to_day(self, operational: Floats) -> Floats:
        """Turn operational days into calendar days; beyond the horizon time runs evenly."""
        beyond = np.maximum(operational - self.length, 0.0)
        return np.interp(operational, self.cumulated, self._days) + beyond

    def to_operational(self, day: Floats) -> Floats:
        """Turn calendar days into operational days."""
        beyond = np.maximum(day - self.horizon, 0.0)
        return np.interp(day, self._days, self.cumulated) + beyond


def at_hour(
    draws: Draws, name: str, keys: Keys, days: Floats, hours: tuple[int, ...] = WEB_HOURS
) -> Floats:
    """Keep the date and redraw the time of day from an hourly profile."""
    hour = draws.choice(f"{name}/hour", keys, hours)
    within = draws.uniform(f"{name}/minute", keys)
    return np.asarray(np.floor(days) + (hour + within) * HOUR)


def on_weekday(
    draws: Draws, name: str, keys: Keys, days: Floats, weights: tuple[float, ...] = WEB_WEEKDAYS
) -> Floats:
    """Move part of the moments to the next day, so that weekdays follow the weights."""
    accepted = np.array(weights) / max(weights)
    weekday = (np.floor(days).astype(np.int64) + 3) % 7
    moved = ~draws.happens(f"{name}/weekday", keys, accepted[weekday])
    return np.asarray(days + moved)


def midnight_after(until: date) -> datetime:
    """Return the UTC midnight that ends a day."""
    return datetime(until.year, until.month, until.day, tzinfo=UTC) + timedelta(days=1)
