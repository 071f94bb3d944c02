"""Hold who was drawn into the test of a nudge by e-mail, and what the nudge does to whom."""

from dataclasses import dataclass

import numpy as np

from sandbox.shop.draws import Flags, Floats, Integers, Keys

EXPERIMENT = "nudge"
VARIANTS = ("control", "nudge")
STRATA = ("lost", "persuadable", "sure", "put off")
LOST, PERSUADABLE, SURE, PUT_OFF = range(4)
WINDOW_DAYS = 30.0
# Published strata: a nudge moves who would order with .05 to .17, and who would with .12 to .07.
ADDING = (0.17 - 0.05) / (1.0 - 0.05)
LOSING = (0.12 - 0.07) / 0.12
FADING_DAYS = 180.0


@dataclass(frozen=True)
class Nudges:
    """Everybody who was drawn; `moment` in local days, `is_nudged` false for the control group.

    `adding` is the probability that the nudge brings an order where none would come, `losing` that
    it costs those that would, both as far as behaviour until then tells. `orders_without` and
    `orders_with` say what becomes of it for the person, whatever was drawn.
    """

    person: Integers
    keys: Keys
    moment: Floats
    is_nudged: Flags
    stratum: Integers
    adding: Floats
    losing: Floats
    orders_without: Flags
    orders_with: Flags


def nobody() -> Nudges:
    """Return a test that nobody was drawn into."""
    none = np.zeros(0, dtype=np.int64)
    flags, numbers = none.astype(bool), none.astype(np.float64)
    keys = none.astype(np.uint64)
    return Nudges(none, keys, numbers, flags, none, numbers, numbers, flags, flags)


def strata_shares(count: Integers, days_since: Floats, has_coupon: Flags) -> Floats:
    """Return how probable each stratum is for persons, one column per stratum.

    New customers and those who use coupons can be moved, who comes back at the full price is put
    off, who comes often comes anyway, and who has long gone stays away. About the published shares
    and rates: 23 % (.05 without a nudge), 9 % (.12), 16 % (.35) and 52 % (.01).
    """
    fresh = np.exp(-days_since / FADING_DAYS)
    often = (count >= 3) * fresh
    scores = np.zeros((len(count), len(STRATA)))
    scores[:, LOST] = 2.2 * (1.0 - fresh)
    scores[:, PERSUADABLE] = -0.2 + 2.4 * fresh + 2.0 * has_coupon - 3.0 * often
    scores[:, SURE] = -2.2 + 6.0 * often
    scores[:, PUT_OFF] = -3.0 + 5.0 * (count >= 2) * ~has_coupon - 1.0 * often
    weights = np.exp(scores)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))
