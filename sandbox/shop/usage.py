"""Write how the care subscription is used: in portal and app, and logins that fail."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from sandbox.shop.block import account_names
from sandbox.shop.calendar import MICROS_PER_DAY, at_hour, utc_day, utc_micros
from sandbox.shop.draws import Flags, Floats, Integers, Keys, combined
from sandbox.shop.people import NEVER
from sandbox.shop.rows import Rows, expanded
from sandbox.shop.subscriptions import TERM_DAYS, Contracts
from sandbox.shop.text import hexadecimal, joined, picked, texts, timestamps

TYPES = texts(["login", "session", "training_completed", "update_installed", "login_failed"])
LOGIN, SESSION, TRAINING, UPDATE, FAILURE = range(5)
TYPE_WEIGHTS = (35, 45, 8, 12)
FEATURES = texts(["care plan", "repair help", "planner", "spare parts", "community"])
FAILURES = 4
BREAK_STEP = 10
UNHEARD = 2**62
AFTER_QUITTING = 0.05
FADED = 0.12
FADING_DAYS = 25.0


@dataclass(frozen=True)
class Usage:
    """Everything done in portal and app; one entry per event, moments in local days."""

    contracts: Contracts
    contract: Integers
    kind: Integers
    moment: Floats
    keys: Keys

    def __len__(self) -> int:
        return len(self.contract)

    @cached_property
    def received_micros(self) -> Integers:
        """When the collector got it, UTC: seconds later, or days for the share that is late."""
        block = self.contracts.block
        is_late = block.draws.happens("use told late", self.keys, block.parameters.late_event_share)
        delay = block.draws.uniform("use delay", self.keys)
        wait = np.where(is_late, 1.0 + 5.0 * delay**2, delay / 20_000.0)
        return utc_micros(self.moment) + (wait * MICROS_PER_DAY).astype(np.int64)

    @cached_property
    def names(self) -> pa.Array:
        """The event ids."""
        return joined("U-", hexadecimal(self.keys))


def break_of_login(contracts: Contracts) -> tuple[Floats, Floats]:
    """Return from when to when the login of each contract fails; NEVER if it never does."""
    draws, keys = contracts.block.draws, contracts.keys
    share = contracts.block.parameters.failed_login_share
    since = contracts.starts + 5.0 + 300.0 * draws.uniform("login breaks", keys)
    until = since + 0.3 + np.minimum(draws.exponential("login broken", keys, 2.0), 9.0)
    breaks = draws.happens("login fails", keys, share) & (since < contracts.quits)
    return np.where(breaks, since, NEVER), np.where(breaks, until, NEVER)


def decline_of(contracts: Contracts) -> tuple[Flags, Floats]:
    """Return whose use falls before they quit, and from when on: months before, not days."""
    block = contracts.block
    person_keys = block.people.keys[contracts.person]
    declines = block.draws.happens("declines", person_keys, block.parameters.decline_share)
    lead = block.draws.between("usage lead", person_keys, 75.0, 150.0)
    return declines, contracts.quits - lead


def level(contracts: Contracts, contract: Integers, moment: Floats) -> Floats:
    """Return how much of the usual use is left at a moment."""
    declines, since = decline_of(contracts)
    fading = 1.0 - (moment - since[contract]) / FADING_DAYS
    left = np.where(declines[contract], np.clip(fading, FADED, 1.0), 1.0)
    return np.where(moment > contracts.quits[contract], AFTER_QUITTING, left)


def used(contracts: Contracts) -> Usage:
    """Use the subscription at a pace of one's own, while it lasts and while the login works."""
    block, draws = contracts.block, contracts.block.draws
    low, high = block.parameters.usage_rate_minimum, block.parameters.usage_rate_maximum
    person_keys = block.people.keys[contracts.person]
    rate = draws.between("usage rate", person_keys, low, max(low, high)) / 28.0
    contract, step = expanded(
        np.arange(len(contracts)), draws.poisson("uses", contracts.keys, rate * TERM_DAYS)
    )
    keys = combined(contracts.keys[contract], 1_000 + step)
    moment = contracts.starts[contract] + TERM_DAYS * draws.uniform("use day", keys)
    moment = at_hour(draws, "use", keys, moment)
    since, until = break_of_login(contracts)
    happens = draws.happens("still uses", keys, level(contracts, contract, moment))
    happens &= (moment < since[contract]) | (moment > until[contract])
    happens &= (moment > contracts.began[contract]) & (moment < block.seen)
    kind = draws.choice("use type", keys, TYPE_WEIGHTS)
    chosen = np.flatnonzero(happens)
    usual = Usage(contracts, contract[chosen], kind[chosen], moment[chosen], keys[chosen])
    return merged([usual, mistyped(usual), broken(contracts, since, until)])


def mistyped(usual: Usage) -> Usage:
    """Let some logins follow a mistyped password by a minute."""
    logins = usual.kind == LOGIN
    slips = np.flatnonzero(logins & usual.contracts.block.draws.happens("slip", usual.keys, 0.03))
    count = len(slips)
    moment = usual.moment[slips] - 1.0 / 1440.0
    keys = combined(usual.keys[slips], 1)
    return Usage(usual.contracts, usual.contract[slips], np.full(count, FAILURE), moment, keys)


def broken(contracts: Contracts, since: Floats, until: Floats) -> Usage:
    """Try again and again while the login is broken; in the end it works."""
    hit = np.flatnonzero(since < contracts.block.seen)
    contract, step = expanded(hit, np.full(len(hit), FAILURES + 1))
    spaced = since[contract] + step * np.where(step < 3, 3.0 / 1440.0, 0.0)
    later = since[contract] + 0.6 * (until - since)[contract]
    moment = np.where(step == 3, later, spaced)
    moment = np.where(step == FAILURES, until[contract], moment)
    kind = np.where(step == FAILURES, LOGIN, FAILURE)
    keys = combined(contracts.keys[contract], BREAK_STEP + step)
    is_seen = moment < contracts.block.seen
    return Usage(contracts, contract[is_seen], kind[is_seen], moment[is_seen], keys[is_seen])


def first_news(usage: Usage) -> Integers:
    """Return when the first news of each contract's broken login comes in, UTC microseconds."""
    heard = np.full(len(usage.contracts), UNHEARD)
    for step in range(FAILURES):
        keys = combined(usage.contracts.keys, BREAK_STEP + step)
        told = np.flatnonzero(np.isin(usage.keys, keys))
        np.minimum.at(heard, usage.contract[told], usage.received_micros[told])
    return heard


def merged(parts: list[Usage]) -> Usage:
    """Put events of the same contracts together."""
    return Usage(
        parts[0].contracts,
        np.concatenate([part.contract for part in parts]),
        np.concatenate([part.kind for part in parts]),
        np.concatenate([part.moment for part in parts]),
        np.concatenate([part.keys for part in parts]),
    )


def usage_rows(usage: Usage) -> Rows:
    """Write usage.events."""
    contracts, block = usage.contracts, usage.contracts.block
    has_feature = np.isin(usage.kind, (SESSION, TRAINING))
    feature = block.draws.choice("feature", usage.keys, (35, 25, 20, 12, 8))
    columns = {
        "usage_event_id": usage.names,
        "customer_id": account_names(block, 2 * contracts.person[usage.contract]),
        "contract_id": picked(contracts.ids, usage.contract),
        "event_type": picked(TYPES, usage.kind),
        "feature": picked(FEATURES, np.where(has_feature, feature, -1)),
        "occurred_at": timestamps(utc_micros(usage.moment)),
        "received_at": timestamps(usage.received_micros),
    }
    rows = Rows(("usage", "events"), columns, utc_day(usage.received_micros))
    return rows.repeated(block.draws, usage.keys, block.parameters.repeated_event_share)
