"""Write down who a person is, the way each silo gets to see it: typed, mistyped, outdated."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.shop import pools
from sandbox.shop.draws import Draws, Flags, Floats, Integers, Keys
from sandbox.shop.parameters import ShopParameters
from sandbox.shop.people import People
from sandbox.shop.text import digits, joined, picked, texts

PRIMARY, CHANGED, ALIAS, MISTYPED, SHOUTED = range(5)
PHONE_FORMATS = 5
COUNTRY_OF_PLACE = np.array([pools.COUNTRIES.index(place[2]) for place in pools.PLACES])
LANGUAGE_OF_PLACE = texts([place[4] for place in pools.PLACES])


@dataclass(frozen=True)
class Details:
    """The contact columns of some records, and what is wrong with each record."""

    columns: dict[str, pa.Array]
    email_slot: Integers
    has_name_variant: Flags


@dataclass(frozen=True)
class Form:
    """How one silo collects contact details: what it asks for and how well it is filled."""

    name: str
    email_share: float = 1.0
    insists_on_phone: bool = False


@dataclass(frozen=True)
class Contacts:
    """Everything that identifies the persons of one block, in all its spellings."""

    people: People
    draws: Draws
    parameters: ShopParameters

    @cached_property
    def emails(self) -> pa.Array:
        """Every address in five spellings; row `slot * persons + person`."""
        spellings = MailSpellings(self.people, self.draws)
        primary = spellings.primary
        owner = np.where(self.people.shares_email, self.people.partner, self.people.rows)
        primary = picked(primary, owner)
        slots = [primary, spellings.changed, spellings.alias, spellings.mistyped]
        return pa.concat_arrays([*slots, shouted(primary, self.people.number)])

    @cached_property
    def phones(self) -> pa.Array:
        """Every phone in five formats; row `format * persons + person`."""
        return pa.concat_arrays(phone_formats(self.people))

    @cached_property
    def companies(self) -> pa.Array:
        """The company of every person; meaningful for business customers only."""
        people = self.people
        trades = picked(texts(pools.TRADES), people.number % len(pools.TRADES))
        names = picked(texts(pools.LAST_NAMES), people.last_name)
        return joined(trades, names, digits(people.number), separator=" ")

    @cached_property
    def names(self) -> pa.Array:
        """First names, their transliterations, last names, their transliterations."""
        first, last = pools.FIRST_NAMES, pools.LAST_NAMES
        plain = [pools.transliterated(name) for name in first]
        return texts([*first, *plain, *last, *(pools.transliterated(name) for name in last)])

    @cached_property
    def streets(self) -> pa.Array:
        """Streets as they should be written, then abbreviated."""
        return texts([*pools.STREETS, *(abbreviated(street) for street in pools.STREETS)])

    def country(self, person: Integers, moment: Floats) -> Integers:
        """Return the country a person lives in at a moment, as a position in COUNTRIES."""
        return COUNTRY_OF_PLACE[self.place(person, moment)]

    def place(self, person: Integers, moment: Floats) -> Integers:
        """Return the place a person lives in at a moment."""
        people = self.people
        has_moved = moment >= people.moved[person]
        return np.where(has_moved, people.new_place[person], people.place[person])

    def email_slot(self, form: Form, person: Integers, moment: Floats, keys: Keys) -> Integers:
        """Choose which spelling of the address ends up in each record."""
        people, draws = self.people, self.draws
        slot = np.where(moment >= people.email_changed[person], CHANGED, PRIMARY)
        level = draws.uniform(f"{form.name}/spelling", keys)
        typo = self.parameters.email_typo_share / max(people.gives_phone.mean(), 1e-9)
        shouts = (slot == PRIMARY) & (level > 1.0 - self.parameters.email_case_share)
        slot = np.where(shouts, SHOUTED, slot)
        slot = np.where(people.gives_phone[person] & (level < typo), MISTYPED, slot)
        return np.where(people.uses_alias[person] & (level > 0.5), ALIAS, slot)

    def email(self, person: Integers, slot: Integers) -> pa.Array:
        """Return addresses; a negative slot gives an empty value."""
        return picked(self.emails, np.where(slot < 0, -1, slot * len(self.people) + person))

    def phone(
        self, name: str, person: Integers, moment: Floats, keys: Keys, is_given: Flags
    ) -> pa.Array:
        """Return phones in whatever format comes to mind; empty where not given.

        Whoever has moved to another country writes the country's code.
        """
        style = self.draws.whole(f"{name}/phone format", keys, PHONE_FORMATS)
        is_abroad = self.country(person, moment) != COUNTRY_OF_PLACE[self.people.place[person]]
        style = np.where(is_abroad, 2 + style % 3, style)
        given = is_given & self.people.has_phone[person]
        return picked(self.phones, np.where(given, style * len(self.people) + person, -1))

    def details(self, form: Form, person: Integers, moment: Floats, keys: Keys) -> Details:
        """Return all contact columns of some records of one silo.

        Whoever leaves out or misspells the address is one of those who leave a phone.
        """
        people, draws = self.people, self.draws
        slot = self.email_slot(form, person, moment, keys)
        is_given = draws.happens(f"{form.name}/email", keys, form.email_share)
        gives_phone = people.gives_phone[person]
        slot = np.where(is_given | ~gives_phone, slot, -1)
        leaves_phone = gives_phone | form.insists_on_phone
        variant, written = self._written(form, person, moment, keys)
        return Details(
            columns={
                "email": self.email(person, slot),
                "phone": self.phone(form.name, person, moment, keys, leaves_phone),
                **written,
            },
            email_slot=slot,
            has_name_variant=variant,
        )

    def _written(
        self, form: Form, person: Integers, moment: Floats, keys: Keys
    ) -> tuple[Flags, dict[str, pa.Array]]:
        people = self.people
        is_variant = self.draws.happens(
            f"{form.name}/variant", keys, self.parameters.name_variant_share
        )
        kind = np.where(is_variant, self.draws.whole(f"{form.name}/kind", keys, 3), -1)
        first, last = people.first_name[person], people.last_name[person]
        count_first, count_last = len(pools.FIRST_NAMES), len(pools.LAST_NAMES)
        first = first + count_first * (kind == 0)
        last = 2 * count_first + last + count_last * (kind == 0)
        is_swapped = kind == 1
        columns = {
            "first_name": picked(self.names, np.where(is_swapped, last, first)),
            "last_name": picked(self.names, np.where(is_swapped, first, last)),
        }
        return is_variant, columns | self._address(person, moment, kind == 2)

    def _address(self, person: Integers, moment: Floats, is_short: Flags) -> dict[str, pa.Array]:
        people = self.people
        has_moved = moment >= people.moved[person]
        street = np.where(has_moved, people.new_street[person], people.street[person])
        place = self.place(person, moment)
        house = people.house[person] + 3 * has_moved
        suffix = np.where(house % 11 == 0, 1 + is_short, 0)
        return {
            "street": picked(self.streets, street + len(pools.STREETS) * is_short),
            "house_number": joined(digits(house), picked(texts(["", "a", " A"]), suffix)),
            "postal_code": picked(texts([row[0] for row in pools.PLACES]), place),
            "city": picked(texts([row[1] for row in pools.PLACES]), place),
            "country_code": picked(texts(pools.COUNTRIES), COUNTRY_OF_PLACE[place]),
        }


@dataclass(frozen=True)
class MailSpellings:
    """The addresses of a block of persons: unique by the number that each name part ends in."""

    people: People
    draws: Draws

    @cached_property
    def first(self) -> pa.Array:
        """First names as they appear in addresses."""
        plain = texts([pools.transliterated(name).lower() for name in pools.FIRST_NAMES])
        return picked(plain, self.people.first_name)

    @cached_property
    def last(self) -> pa.Array:
        """Last names as they appear in addresses."""
        plain = texts([pools.transliterated(name).lower() for name in pools.LAST_NAMES])
        return picked(plain, self.people.last_name)

    @cached_property
    def domain(self) -> Integers:
        """The mail provider of every person, as a position in MAIL_DOMAINS."""
        return self.draws.choice("domain", self.people.keys, pools.MAIL_DOMAIN_WEIGHTS)

    @cached_property
    def separator(self) -> pa.Array:
        """The sign between first and last name; always an underscore at gmail.com."""
        return picked(texts(["_", ".", "-"]), np.minimum(self.domain, 1 + self.people.number % 2))

    def local(self, first: pa.Array, last: pa.Array) -> pa.Array:
        """Compose the part before the at sign."""
        return joined(first, self.separator, last, digits(self.people.number))

    def at_domain(self, local: pa.Array, domains: tuple[str, ...] = pools.MAIL_DOMAINS) -> pa.Array:
        """Compose an address; business customers have the domain of their company."""
        company = joined("firma", digits(self.people.number), ".example")
        private = picked(texts(domains), self.domain)
        domain = pc.if_else(pa.array(self.people.is_business), company, private)
        return joined(local, domain, separator="@")

    @cached_property
    def primary(self) -> pa.Array:
        """The address that a person has first."""
        return self.at_domain(self.local(self.first, self.last))

    @cached_property
    def changed(self) -> pa.Array:
        """The address that a person may have later."""
        return self.at_domain(self.local(self.last, self.first))

    @cached_property
    def alias(self) -> pa.Array:
        """The same mail box with a plus tag, or at gmail.com with a dot for every second person."""
        local = self.local(self.first, self.last)
        tagged = joined(local, "+shop")
        head, tail = pc.utf8_slice_codeunits(local, 0, 2), pc.utf8_slice_codeunits(local, 2)
        dotted = joined(head, ".", tail)
        is_dotted = (self.domain == 0) & ~self.people.is_business & (self.people.number % 2 == 0)
        return self.at_domain(pc.if_else(pa.array(is_dotted), dotted, tagged))

    @cached_property
    def mistyped(self) -> pa.Array:
        """A typing error in the domain or, for every second person, a doubled letter."""
        doubled = joined(pc.utf8_slice_codeunits(self.first, 0, 1), self.first)
        odd = self.at_domain(self.local(doubled, self.last))
        even = self.at_domain(self.local(self.first, self.last), pools.MISTYPED_DOMAINS)
        is_odd = self.people.is_business | (self.people.number % 2 == 1)
        return pc.if_else(pa.array(is_odd), odd, even)


def shouted(addresses: pa.Array, number: Integers) -> pa.Array:
    """Write addresses in capitals, or with a blank at the end and a capital at the front."""
    blank = joined(pc.utf8_capitalize(addresses), " ")
    return pc.if_else(pa.array(number % 2 == 0), pc.utf8_upper(addresses), blank)


def abbreviated(street: str) -> str:
    """Shorten the ending of a street."""
    return street.replace("straße", "str.").replace("allee", "al.")


def phone_formats(people: People) -> list[pa.Array]:
    """Write every phone nationally, with slash, internationally, with 00 and without blanks."""
    country = COUNTRY_OF_PLACE[people.place]
    code = picked(texts(pools.DIALLING_CODES), country)
    prefix = picked(texts([prefix for prefix, _ in pools.PHONE_RANGES]), country)
    width = np.array([length for _, length in pools.PHONE_RANGES])[country]
    tail = digits(10**width + (people.number * 7919) % 10**width)
    tail = pc.utf8_slice_codeunits(tail, 1)
    return [
        joined("0", prefix, " ", tail),
        joined("0", prefix, "/", tail),
        joined("+", code, " ", prefix, " ", tail),
        joined("00", code, prefix, tail),
        joined("+", code, prefix, tail),
    ]
