"""Create the persons of one block of the world: who they are and what they are inclined to."""

from dataclasses import dataclass

import numpy as np

from sandbox.shop import pools
from sandbox.shop.calendar import Calendar, at_hour, on_weekday
from sandbox.shop.draws import Draws, Flags, Floats, Integers, Keys
from sandbox.shop.parameters import ShopParameters

NO_RELATION, COUPLE, FATHER_SON, TWINS = range(4)
NEVER = 1e9
TIME_RATIO = 0.6180339887


@dataclass(frozen=True)
class People:
    """One entry per person; times are local days since 1970, `NEVER` when it never happens.

    `keys` number the persons of the whole world without gaps; `partner` is a row of this block
    or -1. Rows of one household lie side by side. `position` is the rank of the first contact in
    the whole world. Who changes addresses or uses several always leaves a phone number as well,
    so that few persons fall apart for whoever looks only at what is the same.
    """

    keys: Keys
    number: Integers
    position: Integers
    acquired: Floats
    is_buyer: Flags
    is_business: Flags
    place: Integers
    new_place: Integers
    first_name: Integers
    last_name: Integers
    street: Integers
    new_street: Integers
    house: Integers
    partner: Integers
    relation: Integers
    shares_device: Flags
    shares_email: Flags
    uses_alias: Flags
    has_phone: Flags
    gives_phone: Flags
    has_account: Flags
    has_card: Flags
    app_since: Floats
    email_changed: Floats
    moved: Floats
    is_duplicated: Flags
    favourite: Integers
    price_sensitivity: Floats

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def rows(self) -> Integers:
        """All row numbers."""
        return np.arange(len(self))


@dataclass(frozen=True)
class Population:
    """How many persons the world has up to its horizon, and how they are spread over time."""

    count: int
    calendar: Calendar
    parameters: ShopParameters
    draws: Draws

    def block(self, first: int, count: int) -> People:
        """Create the persons numbered from `first`, `count` of them."""
        keys = np.arange(first, first + count, dtype=np.uint64)
        return self._people(keys, Households.formed(keys, self.draws, self.parameters))

    def _people(self, keys: Keys, homes: "Households") -> People:
        draws, parameters = self.draws, self.parameters
        acquired = self._acquired(keys)
        place_weights = [float(place[5]) for place in pools.PLACES]
        rate = parameters.email_change_rate
        email_changed = first_event(draws, "email change", keys, acquired, rate)
        uses_alias = draws.happens("alias", keys, parameters.email_alias_share)
        needs_phone = uses_alias | (email_changed < NEVER)
        has_phone = draws.happens("phone", keys, parameters.phone_share) | needs_phone
        return People(
            keys=keys,
            number=scrambled_order(keys, self.count, 0.7548776662) + 1,
            position=scrambled_order(keys, self.count, TIME_RATIO),
            acquired=acquired,
            is_buyer=~draws.happens("prospect", keys, parameters.prospect_share),
            is_business=draws.happens("business", keys, parameters.business_share),
            place=draws.choice("place", homes.keys, place_weights),
            new_place=draws.choice("new place", keys, place_weights),
            first_name=homes.first_names(draws, keys),
            last_name=draws.whole("last name", homes.surname_keys, len(pools.LAST_NAMES)),
            street=draws.whole("street", homes.keys, len(pools.STREETS)),
            new_street=draws.whole("new street", keys, len(pools.STREETS)),
            house=draws.whole("house", homes.keys, 140) + 1,
            partner=homes.partner,
            relation=homes.relation,
            shares_device=homes.shares_device,
            shares_email=homes.shares_email,
            uses_alias=uses_alias,
            has_phone=has_phone,
            gives_phone=needs_phone | (has_phone & draws.happens("phone habit", keys, 0.45)),
            has_account=draws.happens("account", keys, parameters.account_share),
            has_card=draws.happens("card", keys, parameters.card_share),
            app_since=self._app_since(keys, acquired),
            email_changed=email_changed,
            moved=first_event(draws, "move", keys, acquired, parameters.moving_rate),
            is_duplicated=draws.happens("duplicate", keys, parameters.duplicate_share),
            favourite=draws.choice("favourite", keys, (30, 22, 12, 28, 8)),
            price_sensitivity=draws.uniform("price", keys) ** 2,
        )

    def _acquired(self, keys: Keys) -> Floats:
        """Spread first contacts evenly over operational time, one stratum per person."""
        position = scrambled_order(keys, self.count, TIME_RATIO)
        stratum = (position + self.draws.uniform("acquired", keys)) / self.count
        days = self.calendar.to_day(stratum * self.calendar.length)
        days = on_weekday(self.draws, "acquired", keys, days)
        return at_hour(self.draws, "acquired", keys, days)

    def _app_since(self, keys: Keys, acquired: Floats) -> Floats:
        later = self.draws.exponential("app delay", keys, 150.0)
        later *= ~self.draws.happens("app at once", keys, 0.5)
        has_app = self.draws.happens("app", keys, self.parameters.app_share)
        return np.where(has_app, acquired - 0.02 + later, NEVER)


@dataclass(frozen=True)
class Households:
    """Pairs of neighbouring rows that live together, and what they share."""

    keys: Keys
    surname_keys: Keys
    partner: Integers
    relation: Integers
    shares_device: Flags
    shares_email: Flags

    @classmethod
    def formed(cls, keys: Keys, draws: Draws, parameters: ShopParameters) -> "Households":
        """Pair row 2i with row 2i+1 for the share of persons that lives in households."""
        pair = keys >> np.uint64(1)
        rows = np.arange(len(keys))
        mate = rows ^ 1
        home = parameters.household_share
        is_paired = draws.happens("household", pair, home) & (mate < len(keys))
        relation = pair_relation(draws, pair, parameters) * is_paired
        is_second = is_paired & (rows % 2 == 1)
        shared = np.where(is_paired, keys & ~np.uint64(1), keys)
        other_surname = (relation == COUPLE) & draws.happens("own surname", pair, 0.25)
        is_couple = relation == COUPLE
        return cls(
            keys=shared,
            surname_keys=np.where(other_surname, keys, shared),
            partner=np.where(is_paired, mate, -1),
            relation=relation,
            shares_device=is_couple
            & draws.happens("shared device", pair, within(parameters.shared_device_share, home)),
            shares_email=is_couple
            & is_second
            & draws.happens("shared email", pair, within(parameters.shared_email_share, home)),
        )

    def first_names(self, draws: Draws, keys: Keys) -> Integers:
        """Draw first names; father and son have the same one, other partners different ones."""
        namesake = np.where(self.relation == FATHER_SON, self.keys, keys)
        names = draws.whole("first name", namesake, len(pools.FIRST_NAMES))
        mates = names[self.partner]
        clash = (self.partner >= 0) & (self.relation != FATHER_SON) & (names == mates)
        is_second = keys % np.uint64(2) == 1
        return np.where(clash & is_second, (names + 7) % len(pools.FIRST_NAMES), names)


def within(part: float, whole: float) -> float:
    """Return the conditional share of a part of all persons among a larger part."""
    return min(part / whole, 1.0) if whole else 0.0


def pair_relation(draws: Draws, pair: Keys, parameters: ShopParameters) -> Integers:
    """Draw what the two persons of a household are to each other."""
    home = parameters.household_share
    father_son = within(parameters.father_son_share, home)
    twins = within(parameters.twin_share, home)
    weights = (max(1.0 - father_son - twins, 0.0), father_son, twins)
    return draws.choice("relation", pair, weights) + 1


def first_event(draws: Draws, name: str, keys: Keys, since: Floats, rate: float) -> Floats:
    """Return when the first event of a yearly rate happens after a moment, within 6 years."""
    if rate <= 0:
        return np.full(len(keys), NEVER)
    waiting = draws.exponential(name, keys, 365.25 / rate)
    return np.where(waiting < 6 * 365, since + 1.0 + waiting, NEVER)


def scrambled_order(keys: Keys, count: int, ratio: float) -> Integers:
    """Map 0..count-1 one to one onto itself, so that neighbours come to lie far apart."""
    step = max(int(count * ratio), 1)
    while np.gcd(step, count) != 1:
        step += 1
    return (keys.astype(np.int64) * step) % count
