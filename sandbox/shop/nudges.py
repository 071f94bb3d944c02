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
    off, who comes often comes anyway, and who has long gone stays away.
    """
    fresh = np.exp(-days_since / FADING_DAYS)
    returns = count >= 2
    scores = np.zeros((len(count), len(STRATA)))
    scores[:, LOST] = 1.8 * (1.0 - fresh)
    scores[:, PERSUADABLE] = -1.6 + 2.4 * fresh + 2.4 * has_coupon
    scores[:, SURE] = -1.2 + 3.0 * (count >= 3) * fresh
    scores[:, PUT_OFF] = -3.0 + 4.0 * returns * ~has_coupon + 0.6 * fresh
    weights = np.exp(scores)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))
