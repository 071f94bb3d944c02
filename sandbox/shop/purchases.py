"""Simulate when each person buys: the behaviour that the shop wants to know."""

from dataclasses import dataclass

import numpy as np

from sandbox.shop.calendar import Calendar, at_hour, on_weekday
from sandbox.shop.draws import Draws, Flags, Floats, Integers, Keys, combined
from sandbox.shop.parameters import ShopParameters

YEAR = 365.25
LEAST_GAP = 1.5 / 24.0
EDGE = 0.06


@dataclass(frozen=True)
class Traits:
    """What a person's purchases follow; one entry per person, days are local."""

    has_second: Flags
    second_gap: Floats
    is_regular: Flags
    rate: Floats
    dropout_wait: Floats


@dataclass(frozen=True)
class Purchases:
    """True purchase occasions, sorted by person and time.

    `person` is the row in the block, `number` counts from 1, `moment` is in local days.
    `alive_until` has one entry per person: the moment after which nothing more is bought.
    """

    person: Integers
    number: Integers
    moment: Floats
    keys: Keys
    alive_until: Floats
    traits: Traits

    def __len__(self) -> int:
        return len(self.person)


def drawn_traits(draws: Draws, positions: Integers, parameters: ShopParameters) -> Traits:
    """Draw the inclinations of every person.

    The mixture of quick, late and regular buyers and its parameters are a joint fit to published
    shares of second purchases and yearly retention.
    """
    levels = [draws.even("traits", positions, dimension) for dimension in range(6)]
    window = parameters.second_window_days
    mean = parameters.quick_gap_mean_days
    level = levels[4] * -np.expm1(-(window - EDGE) / mean)
    quick = -mean * np.log1p(-level)
    late = np.exp(draws.normal("late gap", positions.astype(np.uint64)) * parameters.late_gap_sigma)
    late = window + parameters.late_gap_median_days * late
    is_quick = levels[1] < parameters.second_within_10d_share
    has_second = levels[0] < parameters.second_purchase_share
    hazard = -np.log(max(parameters.yearly_retention, 1e-9))
    return Traits(
        has_second=has_second,
        second_gap=np.where(is_quick, np.maximum(quick, LEAST_GAP), late),
        is_regular=has_second & (levels[2] < parameters.regular_share),
        rate=parameters.regular_rate_minimum + extra_rate(levels[3], parameters),
        dropout_wait=-np.log1p(-levels[5]) * YEAR / max(hazard, 1e-6),
    )


def extra_rate(level: Floats, parameters: ShopParameters) -> Floats:
    """Read the Gamma part of the yearly rate from one large fixed sample of it."""
    shape = parameters.regular_rate_shape
    sample = np.random.default_rng(20_000).gamma(shape, 1.0, 200_000) / shape
    return np.quantile(sample, level) * parameters.regular_rate_extra_mean


def simulated(
    draws: Draws,
    keys: Keys,
    positions: Integers,
    first: Floats,
    is_buyer: Flags,
    calendar: Calendar,
    parameters: ShopParameters,
) -> Purchases:
    """Simulate all purchases up to the horizon, given the moment of everybody's first."""
    traits = drawn_traits(draws, positions, parameters)
    traits_second = is_buyer & traits.has_second
    second = second_moment(draws, keys, first, traits, parameters.second_window_days)
    dropout = second + traits.dropout_wait
    later = regular_purchases(draws, keys, second, dropout, traits, is_buyer, calendar)
    rows = np.arange(len(keys))
    person = np.concatenate([rows[is_buyer], rows[traits_second], *(part[0] for part in later)])
    moment = np.concatenate([first[is_buyer], second[traits_second], *(part[1] for part in later)])
    alive = np.where(is_buyer, first, -1.0)
    alive = np.where(traits_second, second, alive)
    alive = np.where(is_buyer & traits.is_regular, dropout, alive)
    return in_order(person, moment, keys, alive, traits, calendar)


def second_moment(draws: Draws, keys: Keys, first: Floats, traits: Traits, window: float) -> Floats:
    """Place the second purchase: at a likely hour, unless that would move it over an edge."""
    second = first + traits.second_gap
    timed = at_hour(draws, "second", keys, second)
    is_safe = (timed - first > LEAST_GAP) & (np.abs(timed - first - window) > 1.0)
    return np.where(is_safe, timed, second)


def regular_purchases(
    draws: Draws,
    keys: Keys,
    second: Floats,
    dropout: Floats,
    traits: Traits,
    is_buyer: Flags,
    calendar: Calendar,
) -> list[tuple[Integers, Floats]]:
    """Follow the regulars purchase by purchase: Erlang-2 gaps in operational time."""
    rows = np.flatnonzero(is_buyer & traits.is_regular & (second < calendar.horizon))
    clock = calendar.to_operational(second[rows])
    parts = []
    for number in range(3, 2000):
        step_keys = combined(keys[rows], number)
        gap = draws.exponential("gap one", step_keys) + draws.exponential("gap two", step_keys)
        clock = clock + gap * 0.5 * YEAR / traits.rate[rows]
        moment = calendar.to_day(clock)
        goes_on = (moment < dropout[rows]) & (moment < calendar.horizon)
        rows, clock = rows[goes_on], clock[goes_on]
        if not len(rows):
            break
        shown = on_weekday(draws, "regular", step_keys[goes_on], moment[goes_on])
        parts.append((rows, at_hour(draws, "regular", step_keys[goes_on], shown)))
    return parts


def in_order(
    person: Integers,
    moment: Floats,
    keys: Keys,
    alive: Floats,
    traits: Traits,
    calendar: Calendar,
) -> Purchases:
    """Sort by person and time, keep a least gap and number the purchases."""
    order = np.lexsort((moment, person))
    person, moment = person[order], moment[order]
    is_next = np.concatenate([[False], person[1:] == person[:-1]])
    for _ in range(3):
        too_close = is_next & (moment - np.concatenate([[0.0], moment[:-1]]) < LEAST_GAP)
        moment = np.where(too_close, np.concatenate([[0.0], moment[:-1]]) + LEAST_GAP, moment)
    position = np.arange(len(person))
    number = position - np.maximum.accumulate(np.where(is_next, 0, position)) + 1
    seen = moment < calendar.horizon
    return Purchases(
        person=person[seen],
        number=number[seen],
        moment=moment[seen],
        keys=(keys[person] * np.uint64(2048) + number.astype(np.uint64))[seen],
        alive_until=np.maximum(alive, -1.0),
        traits=traits,
    )
