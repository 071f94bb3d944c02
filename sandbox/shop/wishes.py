"""Add to visits what shows an intention: wishes, saved configurations, guides and their forms."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sandbox.shop.calendar import utc_micros
from sandbox.shop.content import ASSETS
from sandbox.shop.draws import Integers, Keys, combined
from sandbox.shop.events import CONFIGURATION, CONTENT, GATE, WISH, Events
from sandbox.shop.production import made_to_order
from sandbox.shop.visits import BOT, PURCHASE

SECONDS_PER_STEP = 35
KINDS = (WISH, CONFIGURATION, CONTENT, GATE)


@dataclass(frozen=True)
class Wishes(Events):
    """Further events at the ends of visits that end without a purchase; at most one of each kind.

    The other events of a visit stay what they are: these follow after the last of them.
    """

    @cached_property
    def _placed(self) -> tuple[Integers, Integers]:
        visits, draws, parameters = self.visits, self.block.draws, self.block.parameters
        looks = ~np.isin(visits.kind, (PURCHASE, BOT))
        is_known = looks & (visits.account >= 0)
        reads = looks & draws.happens("reads a guide", visits.keys, parameters.content_share)
        signs = reads & is_known & ASSETS.is_gated[self._guide]
        signs &= draws.happens("fills in the form", visits.keys, 0.5)
        happens = np.stack(
            [
                is_known & draws.happens("wishes", visits.keys, parameters.wish_share),
                looks & draws.happens("configures", visits.keys, parameters.configuration_share),
                reads,
                signs,
            ],
            axis=1,
        )
        visit, position = np.nonzero(happens)
        return visit, np.asarray(KINDS)[position]

    @cached_property
    def _guide(self) -> Integers:
        return self.block.draws.whole("guide", self.visits.keys, len(ASSETS.number))

    @cached_property
    def visit(self) -> Integers:
        """The row of the visit of every event."""
        return self._placed[0]

    @cached_property
    def kind(self) -> Integers:
        """The event types."""
        return self._placed[1]

    @cached_property
    def step(self) -> Integers:
        """The position within the visit, after the other events."""
        return self.visits.length[self.visit] + self.kind - WISH

    @cached_property
    def keys(self) -> Keys:
        """One key per event."""
        return combined(self.visits.keys[self.visit], 500 + self.kind)

    @cached_property
    def true_micros(self) -> Integers:
        """When it really happened, UTC microseconds."""
        start = utc_micros(self.visits.start)[self.visit]
        return start + (SECONDS_PER_STEP * 1_000_000 * (self.step + 1)).astype(np.int64)

    @cached_property
    def product(self) -> Integers:
        """The product wished for or configured; -1 where there is none."""
        draws, catalogue = self.block.draws, self.block.catalogue
        person = self.visits.person[self.visit]
        favourite = self.block.people.favourite[person]
        anything = draws.choice("wish category", self.keys, (30, 22, 12, 28, 8))
        category = np.where(person >= 0, favourite, anything)
        wished = catalogue.drawn(draws, "wish", self.keys, category)
        choice = np.flatnonzero(made_to_order(catalogue))
        configured = choice[draws.whole("configured", self.keys, len(choice))]
        product = np.where(self.kind == CONFIGURATION, configured, wished)
        return np.where(np.isin(self.kind, (WISH, CONFIGURATION)), product, -1)

    @cached_property
    def asset(self) -> Integers:
        """The guide that was read, as a row of the content library; -1 where there is none."""
        is_read = np.isin(self.kind, (CONTENT, GATE))
        return np.where(is_read, self._guide[self.visit], -1)
