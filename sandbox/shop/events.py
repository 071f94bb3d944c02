"""Write the events of web site and app, with late arrivals, repetitions and wrong clocks."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from sandbox.shop import pools
from sandbox.shop.advertising import click_ids
from sandbox.shop.block import Block, device_names
from sandbox.shop.calendar import MICROS_PER_DAY, utc_day, utc_micros
from sandbox.shop.content import ASSETS
from sandbox.shop.draws import Flags, Integers, Keys, combined
from sandbox.shop.orders import Orders
from sandbox.shop.rows import Rows
from sandbox.shop.text import coded, hexadecimal, texts, timestamps
from sandbox.shop.visits import (
    BOT,
    FAST,
    NEWSLETTER_SOURCE,
    OPEN,
    PURCHASE,
    REGULAR,
    SIGN_UP,
    SOURCES,
    Visits,
    manners,
)

TYPES = (
    "page_view",
    "product_view",
    "search",
    "add_to_cart",
    "checkout_started",
    "login",
    "sign_up",
    "order_completed",
    "wish_list_added",
    "configuration_saved",
    "content_viewed",
    "gate_submitted",
)
PAGE, PRODUCT, SEARCH, CART, CHECKOUT, LOGIN, SIGNED_UP, COMPLETED = range(8)
WISH, CONFIGURATION, CONTENT, GATE = range(8, 12)
PATHS = (
    *("/", None, "/search", "/cart", "/checkout", "/login", "/register", "/checkout/thank-you"),
    *("/wish-list", "/configurator", "/guide", "/guide/form"),
)
REGIONS = texts([place[3] for place in pools.PLACES])
REFERRERS = texts(
    ["https://www.google.com/", "https://www.instagram.com/", "https://www.test-blog.example/"]
)
REFERRER_OF_SOURCE = np.array([-1, 0, 0, 0, 1, 1, -1, 2, 1])
UTM_OF_SOURCE = {
    "brand search": ("google", "cpc"),
    "shopping ads": ("google", "cpc"),
    "social ads": ("meta", "paid_social"),
    "retargeting": ("meta", "paid_social"),
    "newsletter": ("newsletter", "email"),
}
COLLECTOR_SECONDS = 3
HUMAN_SECONDS = 35.0


@dataclass(frozen=True)
class Events:
    """The events of all visits; one entry per event, in the order of the visits."""

    block: Block
    orders: Orders
    visits: Visits

    @cached_property
    def visit(self) -> Integers:
        """The row of the visit of every event."""
        return np.repeat(np.arange(len(self.visits)), self.visits.length)

    @cached_property
    def step(self) -> Integers:
        """The position within its visit, from 0."""
        length = self.visits.length
        return np.arange(len(self.visit)) - np.repeat(np.cumsum(length) - length, length)

    @cached_property
    def keys(self) -> Keys:
        """One key per event."""
        return combined(self.visits.keys[self.visit], self.step)

    @cached_property
    def manner(self) -> Integers:
        """How every visit is made, see `visits.manners`."""
        return manners(self.block, self.visits.kind == BOT, self.visits.keys)

    @cached_property
    def kind(self) -> Integers:
        """The event types: free browsing, but fixed steps where something is achieved."""
        step, visits = self.step, self.visits
        kind = self.block.draws.choice("event type", self.keys, (30, 55, 10, 5))
        hides = np.isin(self.manner, (FAST, REGULAR))[self.visit]
        kind = np.where(step == 0, PAGE, np.where(hides, PRODUCT, kind))
        logs_in = (visits.account >= 0) & ~visits.is_app & (visits.kind != SIGN_UP)
        kind = np.where((step == 1) & logs_in[self.visit], LOGIN, kind)
        kind = np.where((step == 1) & (visits.kind == SIGN_UP)[self.visit], SIGNED_UP, kind)
        left = visits.length[self.visit] - step
        buys = (visits.kind == PURCHASE)[self.visit] & (left <= 3)
        return np.where(buys, np.array([0, COMPLETED, CHECKOUT, CART])[np.minimum(left, 3)], kind)

    @cached_property
    def true_micros(self) -> Integers:
        """When it really happened, UTC microseconds."""
        visits, draws = self.visits, self.block.draws
        pace = draws.uniform("bot pace", visits.keys)
        each = np.full(len(visits), HUMAN_SECONDS)
        each = np.where(self.manner == FAST, 0.2 + 1.2 * pace, each)
        each = np.where(self.manner == REGULAR, 6.0 + 24.0 * pace, each)
        seconds = each * visits.length
        is_buying = visits.order >= 0
        ordered = np.append(self.orders.moment, 0.0)[visits.order]
        span = np.where(is_buying, ordered - visits.start, seconds / 86_400)
        level = draws.uniform("event time", self.keys)
        level = np.where((self.manner == REGULAR)[self.visit], 0.01 * level, 0.9 * level)
        part = (self.step + level) / visits.length[self.visit]
        is_end = is_buying[self.visit] & (self.kind == COMPLETED)
        part = np.where(is_end, 1.0, np.where(self.step == 0, 0.0, part))
        start = utc_micros(visits.start)[self.visit]
        return start + (part * span[self.visit] * MICROS_PER_DAY).astype(np.int64)

    @cached_property
    def received_micros(self) -> Integers:
        """When the collector got it: seconds later, or days for the share that is late."""
        draws, parameters = self.block.draws, self.block.parameters
        level = draws.uniform("lateness", self.keys)
        delay = draws.uniform("delay", self.keys)
        days = np.where(level < parameters.late_event_share, 1.0 + 6.0 * delay**3, 0.0)
        days = np.where(level < parameters.very_late_event_share, 7.0 + 20.0 * delay, days)
        seconds = np.where(days > 0, days * 86_400, delay * COLLECTOR_SECONDS)
        return self.true_micros + (seconds * 1e6).astype(np.int64)

    @cached_property
    def shown_micros(self) -> Integers:
        """When the device believed it happened: some clocks are minutes off."""
        keys, draws = self.visits.keys, self.block.draws
        is_off = draws.happens("clock off", keys, self.block.parameters.skewed_clock_share)
        error = draws.between("clock error", keys, -300e6, 300e6) * is_off
        return self.true_micros + error.astype(np.int64)[self.visit]

    @cached_property
    def product(self) -> Integers:
        """The product looked at; -1 where there is none."""
        visits, draws = self.visits, self.block.draws
        anything = draws.choice("event category", self.keys, (30, 22, 12, 28, 8))
        person = visits.person[self.visit]
        likes = draws.happens("event likes", self.keys, 0.65) & (person >= 0)
        category = np.where(likes, self.block.people.favourite[person], anything)
        product = self.block.catalogue.drawn(draws, "event product", self.keys, category)
        return np.where((self.kind == PRODUCT) | (self.kind == CART), product, -1)

    @cached_property
    def asset(self) -> Integers:
        """The guide that was read, as a row of the content library; -1 where there is none."""
        return np.full(len(self.keys), -1)


def event_rows(events: Events) -> Rows:
    """Write web.events."""
    block, visits, visit = events.block, events.visits, events.visit
    is_known = (visits.account >= 0)[visit] & (
        visits.is_app[visit] | (events.step > 0) | (visits.kind == PURCHASE)[visit]
    )
    columns = {
        "event_id": hexadecimal(events.keys),
        "event_type": coded(texts(TYPES), events.kind),
        "occurred_at": timestamps(events.shown_micros),
        "received_at": timestamps(events.received_micros),
        "anonymous_id": coded(device_names(visits.device), visit),
        "customer_id": coded(block.account_ids, np.where(is_known, visits.account[visit], -1)),
        **visit_columns(events),
        **page_columns(events),
        **source_columns(events),
        "asset_id": coded(ASSETS.asset_id, events.asset),
    }
    rows = Rows(("web", "events"), columns, utc_day(events.received_micros))
    return rows.repeated(block.draws, events.keys, block.parameters.repeated_event_share)


def visit_columns(events: Events) -> dict[str, pa.Array]:
    """Return what a device tells in every event of a visit."""
    block, visits, visit = events.block, events.visits, events.visit
    kind = block.draws.choice("device type", visits.device, (42, 50, 8))
    kind = np.where(visits.is_app, 1, np.where(events.manner == OPEN, 3, kind))
    place = block.draws.whole("visit place", visits.device, len(pools.PLACES))
    place = np.where(visits.person >= 0, block.people.place[visits.person], place)
    allows = allows_analytics(block, visits.device)
    return {
        "platform": coded(texts(["web", "app"]), visits.is_app[visit].astype(np.int64)),
        "device_type": coded(texts(["desktop", "mobile", "tablet", "bot"]), kind[visit]),
        "geo_region": coded(REGIONS, place[visit]),
        "has_analytics_consent": pa.array(allows[visit]),
    }


def allows_analytics(block: Block, device: Keys) -> Flags:
    """Tell whether the owner of a device allows analytics."""
    return block.draws.happens("analytics", device, block.parameters.analytics_share)


def page_columns(events: Events) -> dict[str, pa.Array]:
    """Return the page and the product of every event."""
    skus = events.block.catalogue.sku
    fixed = [path or "/" for path in PATHS]
    paths = texts([*fixed, *(f"/product/{sku}" for sku in skus.to_pylist())])
    path = np.where(events.kind == PRODUCT, len(PATHS) + events.product, events.kind)
    return {"page_path": coded(paths, path), "sku": coded(skus, events.product)}


def source_columns(events: Events) -> dict[str, pa.Array]:
    """Return where a visit came from; told by its first event only."""
    visits = events.visits
    first = np.where(events.step == 0, events.visit, -1)
    source = np.where(first >= 0, visits.source[first], -1)
    utm = [UTM_OF_SOURCE.get(name, (None, None)) for name in SOURCES]
    month = texts([name.replace(" ", "_") if UTM_OF_SOURCE.get(name) else None for name in SOURCES])
    has_utm = np.array([pair[0] is not None for pair in utm])
    tagged = np.where((source >= 0) & has_utm[source], source, -1)
    is_paid = (first >= 0) & has_utm[source] & (source != NEWSLETTER_SOURCE)
    clicks = click_ids(visits.keys)
    return {
        "referrer": coded(REFERRERS, np.where(source >= 0, REFERRER_OF_SOURCE[source], -1)),
        "utm_source": coded(texts([pair[0] for pair in utm]), tagged),
        "utm_medium": coded(texts([pair[1] for pair in utm]), tagged),
        "utm_campaign": coded(month, tagged),
        "click_id": coded(clicks, np.where(is_paid, first, -1)),
    }
