"""Describe a whole world: its size, seed and parameters; create any block of its persons."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np

from sandbox.shop.block import Block
from sandbox.shop.calendar import Calendar, day_number
from sandbox.shop.catalogue import Catalogue, assortment
from sandbox.shop.draws import Draws
from sandbox.shop.nudges import nobody
from sandbox.shop.parameters import ParameterError, ShopParameters
from sandbox.shop.people import Population
from sandbox.shop.purchases import simulated
from sandbox.shop.trial import nudged

DEFAULT_UNTIL = date(2026, 10, 31)
YEARS_BEYOND = 2
BLOCK_PERSONS = 10_000


@dataclass(frozen=True)
class Size:
    """How many persons the shop meets until the default last day, and over how many years."""

    persons: int
    years: int


SIZES = {
    "tiny": Size(2_000, 4),
    "demo": Size(8_000, 4),
    "reference": Size(60_000, 4),
    "load": Size(1_000_000, 4),
}


@dataclass(frozen=True)
class World:
    """Everything that happens follows from these three; `parameters` are complete and solved."""

    size: str
    seed: int
    parameters: ShopParameters

    @property
    def start(self) -> int:
        """The day number on which the shop opens."""
        years = SIZES[self.size].years
        return day_number(DEFAULT_UNTIL.replace(year=DEFAULT_UNTIL.year - years)) + 1

    @property
    def horizon(self) -> int:
        """The day number on which the world ends."""
        return day_number(DEFAULT_UNTIL.replace(year=DEFAULT_UNTIL.year + YEARS_BEYOND)) + 1

    @property
    def persons(self) -> int:
        """All persons up to the horizon."""
        years = SIZES[self.size].years
        return SIZES[self.size].persons * (years + YEARS_BEYOND) // years

    @property
    def blocks(self) -> int:
        """The number of blocks of persons."""
        return -(-self.persons // BLOCK_PERSONS)

    @property
    def draws(self) -> Draws:
        """The random numbers of this world."""
        return Draws(self.seed)

    @cached_property
    def catalogue(self) -> Catalogue:
        """The products of this world."""
        return assortment(self.draws, self.start)

    def calendar(self, until: date) -> Calendar:
        """Return the time axis as it is seen at the end of a day; raise if that is out of range."""
        cut = day_number(until) + 1
        if not self.start + 60 <= cut <= self.horizon:
            first, last = np.array([self.start + 59, self.horizon - 1]).astype("datetime64[D]")
            raise ParameterError(
                f"The world of size {self.size} cannot be seen until {until}. "
                f"Choose a day from {first} to {last}."
            )
        return Calendar(self.start, self.horizon, cut, self.parameters.november_december_factor)

    def block(self, number: int, calendar: Calendar) -> Block:
        """Create one block of persons with their purchases."""
        first = number * BLOCK_PERSONS
        count = min(BLOCK_PERSONS, self.persons - first)
        population = Population(self.persons, calendar, self.parameters, self.draws)
        people = population.block(first, count)
        purchases = simulated(
            self.draws,
            people.keys,
            people.position,
            people.acquired,
            people.is_buyer,
            calendar,
            self.parameters,
        )
        block = Block(
            number,
            self.draws,
            self.parameters,
            calendar,
            self.catalogue,
            people,
            purchases,
            nobody(),
        )
        return nudged(block)


def world_of(size: str, seed: int, parameters: ShopParameters) -> World:
    """Return the world of a size by its name; raise ParameterError for an unknown one."""
    if size not in SIZES:
        raise ParameterError(f"There is no size '{size}'. Choose {', '.join(SIZES)}.")
    return World(size, seed, parameters)
