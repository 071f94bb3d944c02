"""Decide in which silos each person has records, and since when."""

from dataclasses import dataclass

import numpy as np

from sandbox.shop.calendar import STORE_HOURS, at_hour
from sandbox.shop.draws import Draws, Flags, Floats, Integers
from sandbox.shop.parameters import ShopParameters
from sandbox.shop.people import NEVER, People
from sandbox.shop.purchases import Purchases

WEB, APP, PHONE, STORE = range(4)
SILOS = ("account", "card", "subscriber", "contact")


@dataclass(frozen=True)
class Memberships:
    """Moments (local days) from which a silo knows a person; one row per silo of SILOS.

    `since` is the first record, `again` the second one of duplicated persons; `NEVER` if none.
    """

    since: Floats
    again: Floats

    def first(self, silo: str) -> Floats:
        """Return when the first record of a silo comes into being, per person."""
        return np.asarray(self.since[SILOS.index(silo)])

    def second(self, silo: str) -> Floats:
        """Return when the second record of a silo comes into being, per person."""
        return np.asarray(self.again[SILOS.index(silo)])

    def records(self, silo: str, before: float) -> tuple[Integers, Integers, Floats]:
        """Return person, copy (0 or 1) and moment of all records of a silo before a moment."""
        both = np.stack([self.first(silo), self.second(silo)], axis=1)
        person, copy = np.nonzero(both < before)
        return person, copy, both[person, copy]


def sales_channels(
    draws: Draws, people: People, purchases: Purchases, parameters: ShopParameters
) -> Integers:
    """Choose the channel of every purchase; only card holders are seen in a store."""
    person, keys = purchases.person, purchases.keys
    level = draws.uniform("channel", keys)
    channel = np.full(len(purchases), WEB)
    has_app = purchases.moment >= people.app_since[person]
    channel[has_app & (level < parameters.app_purchase_share)] = APP
    is_open = opening_hours(purchases.moment)
    calls = people.has_phone[person] & (level > 1 - parameters.phone_order_share)
    channel[calls & is_open] = PHONE
    in_store = draws.happens("in store", keys, parameters.store_share)
    channel[people.has_card[person] & in_store & is_open] = STORE
    return channel


def opening_hours(moment: Floats) -> Flags:
    """Tell at which local moments stores and call centre are open: 9 to 20, not on Sundays."""
    hour = (moment % 1.0) * 24.0
    is_sunday = (np.floor(moment).astype(np.int64) + 3) % 7 == 6
    return np.asarray((hour >= 9) & (hour < 20) & ~is_sunday)


def decided(
    draws: Draws,
    people: People,
    purchases: Purchases,
    channel: Integers,
    parameters: ShopParameters,
) -> Memberships:
    """Decide all memberships."""
    since = np.stack(
        [
            account_since(draws, people, purchases, channel),
            first_moment(purchases, channel == STORE, len(people)) - 0.004,
            newsletter_since(draws, people, parameters),
            contact_since(draws, people, parameters),
        ]
    )
    return Memberships(*with_duplicates(draws, people, since))


def first_moment(purchases: Purchases, wanted: Flags, count: int) -> Floats:
    """Return the moment of every person's first wanted purchase."""
    first = np.full(count, NEVER)
    np.minimum.at(first, purchases.person[wanted], purchases.moment[wanted])
    return first


def account_since(draws: Draws, people: People, purchases: Purchases, channel: Integers) -> Floats:
    """Open accounts shortly before an online purchase, or at once for those who only look."""
    is_online = (channel == WEB) | (channel == APP)
    first = first_moment(purchases, is_online, len(people))
    second = first_moment(purchases, is_online & (purchases.number > 1), len(people))
    waits = draws.happens("account later", people.keys, 0.2) & (second < NEVER)
    opened = np.where(waits, second, first) - 0.12
    looks = ~people.is_buyer & draws.happens("looker account", people.keys, 0.5)
    opened = np.where(looks, people.acquired, opened)
    wants = people.has_account | (people.is_business & draws.happens("office", people.keys, 0.6))
    return np.where((wants | looks) & (opened < NEVER - 1), opened, NEVER)


def newsletter_since(draws: Draws, people: People, parameters: ShopParameters) -> Floats:
    """Sign up at the first contact or some time later; lookers without an account always do."""
    later = draws.exponential("newsletter delay", people.keys, 120.0)
    later *= ~draws.happens("newsletter at once", people.keys, 0.75)
    looks = ~people.is_buyer & ~draws.happens("looker account", people.keys, 0.5)
    signs_up = draws.happens("newsletter", people.keys, parameters.newsletter_share) | looks
    return np.where(signs_up, people.acquired + 0.003 + later * people.is_buyer, NEVER)


def contact_since(draws: Draws, people: People, parameters: ShopParameters) -> Floats:
    """Call the call centre some time after the first contact; offices nearly always do."""
    chance = np.where(people.is_business, 0.9, parameters.contact_share)
    calls = draws.happens("contact", people.keys, chance)
    waiting = 1.0 + draws.exponential("contact delay", people.keys, 120.0)
    called = at_hour(draws, "contact", people.keys, people.acquired + waiting, STORE_HOURS)
    return np.where(calls, called, NEVER)


def with_duplicates(draws: Draws, people: People, since: Floats) -> tuple[Floats, Floats]:
    """Give duplicated persons a second record in one silo that knows them, else two contacts."""
    knows = since < NEVER - 1
    turn = draws.whole("duplicate silo", people.keys, len(SILOS))
    chosen = np.full(len(people), -1)
    for step in range(len(SILOS)):
        silo = (turn + step) % len(SILOS)
        fits = (chosen < 0) & knows[silo, people.rows]
        chosen = np.where(fits, silo, chosen)
    is_unknown = people.is_duplicated & (chosen < 0)
    since = since.copy()
    since[SILOS.index("contact"), is_unknown] = people.acquired[is_unknown] + 2.0
    chosen = np.where(chosen < 0, SILOS.index("contact"), chosen)
    again = np.full(since.shape, NEVER)
    rows = np.flatnonzero(people.is_duplicated)
    delay = 1.0 + draws.exponential("duplicate delay", people.keys, 40.0)
    again[chosen[rows], rows] = since[chosen[rows], rows] + delay[rows]
    return since, again
