"""Give persons an hour of the day and a channel of their own, as far as the world has habits."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sandbox.shop.calendar import HOUR, WEB_HOURS
from sandbox.shop.draws import Draws, Flags, Floats, Integers, Keys
from sandbox.shop.parameters import ShopParameters
from sandbox.shop.people import NEVER, People

BY_APP = 0.6


@dataclass(frozen=True)
class Habits:
    """The own hour of every person, and whether they prefer the app; without force at share 0."""

    people: People
    draws: Draws
    parameters: ShopParameters

    @cached_property
    def hour(self) -> Integers:
        """The own hour, 0 to 23 local: as often each as visits to a shop are."""
        return self.draws.choice("own hour", self.people.keys, WEB_HOURS)

    @cached_property
    def prefers_app(self) -> Flags:
        """Who answers in the app rather than by mail; app users only, half of them."""
        is_drawn = self.draws.happens("prefers app", self.people.keys, 0.5)
        return is_drawn & self.has_app

    @property
    def has_app(self) -> Flags:
        """Who ever installs the app."""
        return np.asarray(self.people.app_since < NEVER)

    def by_app(self, person: Integers) -> Floats:
        """Return how probable it is that a visit is made by app, once it is installed."""
        strength = self.parameters.channel_habit_strength
        more, less = BY_APP + (1.0 - BY_APP) * strength, BY_APP * (1.0 - strength)
        return np.where(self.prefers_app[person], more, less if strength else BY_APP)

    def by_mail(self, person: Integers) -> Floats:
        """Return the factor on opening and clicking a mail."""
        return np.where(self.prefers_app[person], 1.0 - self.parameters.channel_habit_strength, 1.0)

    def on_the_day(self, name: str, person: Integers, keys: Keys, moment: Floats) -> Floats:
        """Move the share of moments that habit decides to the own hour of their day."""
        own = np.floor(moment) + self._clock(name, person, keys)
        return np.where(self._decides(name, keys), own, moment)

    def wait(self, name: str, person: Integers, keys: Keys, moment: Floats) -> Floats:
        """Return the days from a moment to the own hour that comes next, 0 if habit has no say."""
        own = np.floor(moment) + self._clock(name, person, keys)
        own = np.where(own < moment, own + 1.0, own)
        return np.where(self._decides(name, keys), own - moment, 0.0)

    def _decides(self, name: str, keys: Keys) -> Flags:
        return self.draws.happens(f"{name}/habit", keys, self.parameters.hour_habit_share)

    def _clock(self, name: str, person: Integers, keys: Keys) -> Floats:
        """Return a time of the own hour or, one time in four each, of the hours beside it."""
        beside = self.draws.choice(f"{name}/habit hour", keys, (1, 2, 1)) - 1
        within = self.draws.uniform(f"{name}/habit minute", keys)
        return np.asarray(((self.hour[person] + beside) % 24 + within) * HOUR)
