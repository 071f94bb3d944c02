"""Gather what all silos of one block of persons are derived from."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sandbox.shop import memberships
from sandbox.shop.calendar import Calendar
from sandbox.shop.catalogue import Catalogue
from sandbox.shop.contacts import Contacts
from sandbox.shop.draws import Draws, Flags, Floats, Integers, Keys, combined
from sandbox.shop.habits import Habits
from sandbox.shop.memberships import Memberships
from sandbox.shop.nudges import Nudges
from sandbox.shop.parameters import ShopParameters
from sandbox.shop.people import People
from sandbox.shop.purchases import Purchases
from sandbox.shop.text import Text, hexadecimal, joined, numbered, picked

MOBILE, DESKTOP, APP_DEVICE = range(3)
COOKIE_DAYS = 540.0


@dataclass(frozen=True)
class Block:
    """One block of the world: its persons, their purchases, and the means to derive the rest.

    `seen` is the local day until which anything has to be derived: the cut and a margin.
    """

    number: int
    draws: Draws
    parameters: ShopParameters
    calendar: Calendar
    catalogue: Catalogue
    people: People
    purchases: Purchases
    nudges: Nudges

    @property
    def seen(self) -> float:
        """The end of what may become visible, with a margin for clocks and time zones."""
        return self.calendar.cut + 2.0

    @cached_property
    def contacts(self) -> Contacts:
        """The contact details of the persons."""
        return Contacts(self.people, self.draws, self.parameters)

    @cached_property
    def habits(self) -> Habits:
        """When and through what the persons like to answer."""
        return Habits(self.people, self.draws, self.parameters)

    @cached_property
    def channel(self) -> Integers:
        """The sales channel of every purchase."""
        return memberships.sales_channels(self.draws, self.people, self.purchases, self.parameters)

    @cached_property
    def memberships(self) -> Memberships:
        """In which silos every person has records."""
        return memberships.decided(
            self.draws, self.people, self.purchases, self.channel, self.parameters
        )

    def record_keys(self, person: Integers, copy: Integers | int) -> Keys:
        """Return the key of the first or second record of persons in a silo."""
        return self.people.keys[person] * np.uint64(2) + np.asarray(copy).astype(np.uint64)

    def reached_by_post(self, keys: Keys) -> Flags:
        """Tell which of the call centre's contacts leave nothing but a name and an address."""
        return self.draws.happens("postal contact", keys, self.parameters.postal_contact_share)

    @cached_property
    def account_ids(self) -> Text:
        """The account numbers; row `2 * person + copy`."""
        return numbered("C", self.record_keys(*self._both), 30)

    @cached_property
    def card_ids(self) -> Text:
        """The loyalty card numbers; row `2 * person + copy`."""
        return numbered("LC", self.record_keys(*self._both), 32)

    @property
    def _both(self) -> tuple[Integers, Integers]:
        return np.repeat(self.people.rows, 2), np.tile([0, 1], len(self.people))

    def account_of(self, person: Integers, moment: Floats, keys: Keys) -> Integers:
        """Return the row in `account_ids` that is used at a moment, -1 without an account."""
        first = self.memberships.first("account")[person]
        second = self.memberships.second("account")[person]
        uses_second = (moment >= second) & self.draws.happens("which account", keys, 0.5)
        return np.where(moment >= first, 2 * person + uses_second, -1)

    def card_of(self, person: Integers, moment: Floats, keys: Keys) -> Integers:
        """Return the row in `card_ids` that is used at a moment."""
        second = self.memberships.second("card")[person]
        uses_second = (moment >= second) & self.draws.happens("which card", keys, 0.5)
        return 2 * person + uses_second

    def device_keys(self, person: Integers, slot: Integers, moment: Floats) -> Keys:
        """Return the key of the device in use: cookies live 540 days, app installations for ever.

        Couples that share a device share the desktop.
        """
        people = self.people
        is_shared = people.shares_device[person] & (slot == DESKTOP)
        owner = np.where(is_shared, np.minimum(person, people.partner[person]), person)
        owner_keys = people.keys[owner]
        phase = self.draws.uniform("cookie phase", owner_keys)
        generation = np.floor(moment / COOKIE_DAYS + phase).astype(np.int64)
        generation = np.where(slot == APP_DEVICE, 0, generation)
        return combined(combined(owner_keys, slot + 11), generation)

    def device_slot(self, person: Integers, keys: Keys, is_app: np.ndarray) -> Integers:
        """Choose the device of a visit: the app's, or 3 times in 4 the favourite browser."""
        favourite = self.draws.happens("mobile person", self.people.keys, 0.6)[person]
        other = self.draws.happens("other device", keys, 0.25)
        browser = np.where(favourite ^ other, MOBILE, DESKTOP)
        return np.where(is_app, APP_DEVICE, browser)


def device_names(keys: Keys) -> Text:
    """Write device keys as first-party ids."""
    return joined("d-", hexadecimal(keys))


def account_names(block: Block, account: Integers) -> Text:
    """Return account numbers; empty for -1."""
    return picked(block.account_ids, account)
