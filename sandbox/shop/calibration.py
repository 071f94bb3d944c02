"""Find the share of regulars that gives a wanted second-year retention."""

from dataclasses import replace
from datetime import date

import numpy as np

from sandbox.shop.calendar import Calendar, day_number
from sandbox.shop.draws import Draws
from sandbox.shop.parameters import ParameterError, ShopParameters
from sandbox.shop.purchases import simulated

SAMPLE = 60_000


def solved(parameters: ShopParameters) -> ShopParameters:
    """Return the parameters with `regular_share` set so that year 2 comes out at its target.

    Retention is linear in the share of regulars, because becoming one is an independent draw:
    two simulated shops, with none and with only regulars, give the line.
    """
    target = parameters.year2_retention
    if target is None:
        return parameters
    low = year2(replace(parameters, regular_share=0.0))
    high = year2(replace(parameters, regular_share=1.0))
    if not low <= target <= high:
        raise ParameterError(
            f"'year2_retention' cannot be {target:g} in this world: regular_share only reaches "
            f"{low:.3f} to {high:.3f}. Change second_purchase_share as well."
        )
    return replace(parameters, regular_share=(target - low) / (high - low))


def year2(parameters: ShopParameters) -> float:
    """Simulate the share of buyers who buy again between day 365 and day 730."""
    start = day_number(date(2023, 1, 1))
    calendar = Calendar(start, start + 3 * 365, start, parameters.november_december_factor)
    keys = np.arange(SAMPLE, dtype=np.uint64)
    positions = np.arange(SAMPLE)
    first = (start + positions % 364).astype(np.float64)
    everybody = np.ones(SAMPLE, dtype=bool)
    draws = Draws(0)
    # Only those with a second purchase can return: simulate them alone, weigh them afterwards.
    certain = replace(parameters, second_purchase_share=1.0)
    bought = simulated(draws, keys, positions, first, everybody, calendar, certain)
    age = bought.moment - first[bought.person]
    returned = np.unique(bought.person[(age >= 365) & (age < 730)])
    return parameters.second_purchase_share * len(returned) / SAMPLE
