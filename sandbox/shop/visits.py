"""Plan the visits to web site and app: before purchases, for pleasure, by strangers, by bots."""

from dataclasses import dataclass, fields

import numpy as np

from sandbox.shop.block import Block
from sandbox.shop.calendar import at_hour
from sandbox.shop.draws import Flags, Floats, Integers, Keys, combined
from sandbox.shop.mail import CLICK, Responses
from sandbox.shop.memberships import APP, WEB
from sandbox.shop.orders import CANCELLED, MAIN, REFUNDED, Orders
from sandbox.shop.rows import expanded

PURCHASE, BROWSE, SIGN_UP, NEWSLETTER, VISITOR, BOT = range(6)
SOURCES = (
    "direct",
    "organic",
    "brand search",
    "shopping ads",
    "social ads",
    "retargeting",
    "newsletter",
    "referral",
    "social",
)
SOURCE_WEIGHTS = (30, 27, 9, 10, 8, 4, 0, 6, 6)
NEWSLETTER_SOURCE = SOURCES.index("newsletter")
# How a visit is made: by a person, or by a bot that says so, races, keeps time, or passes for one.
HUMAN, OPEN, FAST, REGULAR, PATIENT = range(5)
HIDDEN_BOT_WEIGHTS = (70, 20, 10)
NOBODY = -1


@dataclass(frozen=True)
class Visits:
    """One entry per session; `start` in local days, `person` -1 for strangers and bots.

    `order` is the row of the order that ends the session or -1, `account` a row of the block's
    account ids or -1, `length` the number of events.
    """

    kind: Integers
    person: Integers
    start: Floats
    keys: Keys
    device: Keys
    is_app: Flags
    account: Integers
    order: Integers
    length: Integers
    source: Integers

    def __len__(self) -> int:
        return len(self.kind)

    def chosen(self, wanted: Flags | Integers) -> "Visits":
        """Return some of the visits."""
        return Visits(*(getattr(self, field.name)[wanted] for field in fields(self)))


def planned(block: Block, orders: Orders, responses: Responses) -> Visits:
    """Plan all visits that may show before the cut, in the order in which they start."""
    parts = [
        buying(block, orders),
        preparing(block),
        browsing(block),
        signing_up(block),
        reading_mail(block, responses),
        strange(block),
    ]
    visits = merged([part.chosen(part.start < block.seen) for part in parts])
    visits = merged([visits, automatic(block, visits)])
    return visits.chosen(np.argsort(visits.start, kind="stable"))


def merged(parts: list[Visits]) -> Visits:
    """Put lists of visits together."""
    names = [field.name for field in fields(Visits)]
    return Visits(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def visit(
    block: Block,
    kind: int,
    person: Integers,
    start: Floats,
    keys: Keys,
    is_app: Flags,
    mean_length: float,
    least_length: int = 1,
) -> Visits:
    """Complete visits of persons: the device, whether they are logged in, where they come from."""
    draws, count = block.draws, len(person)
    name = f"visit {kind}"
    slot = block.device_slot(person, keys, is_app)
    account = block.account_of(person, start, keys)
    logs_in = is_app | draws.happens(f"{name}/login", keys, 0.35)
    length = least_length + draws.poisson(f"{name}/length", keys, mean_length)
    source = draws.choice(f"{name}/source", keys, SOURCE_WEIGHTS)
    return Visits(
        kind=np.full(count, kind),
        person=person,
        start=start,
        keys=keys,
        device=block.device_keys(person, slot, start),
        is_app=is_app,
        account=np.where(logs_in, account, -1),
        order=np.full(count, -1),
        length=length,
        source=np.where(is_app, 0, source),
    )


def replaced(visits: Visits, **changes: Integers | Keys) -> Visits:
    """Return visits with some columns replaced."""
    names = [field.name for field in fields(visits)]
    return Visits(*(changes.get(name, getattr(visits, name)) for name in names))


def buying(block: Block, orders: Orders) -> Visits:
    """Visit the shop to place an order, on the device that the order names."""
    is_online = np.isin(orders.channel, (WEB, APP))
    order = np.flatnonzero(is_online & np.isin(orders.kind, (MAIN, CANCELLED, REFUNDED)))
    keys = combined(orders.keys[order], 1)
    minutes = block.draws.between("checkout minutes", keys, 4.0, 25.0)
    start = orders.moment[order] - minutes / 1440.0
    is_app = orders.channel[order] == APP
    visits = visit(block, PURCHASE, orders.person[order], start, keys, is_app, 1.2, 5)
    return replaced(visits, order=order, device=orders.device[order], account=orders.account[order])


def preparing(block: Block) -> Visits:
    """Look around in the days before a purchase, whatever its channel."""
    purchases, parameters = block.purchases, block.parameters
    near = np.flatnonzero(purchases.moment < block.seen + 45)
    count = block.draws.poisson("prepares", purchases.keys[near], parameters.visits_per_purchase)
    purchase, step = expanded(near, count)
    keys = combined(purchases.keys[purchase], 100 + step)
    ahead = np.minimum(block.draws.exponential("ahead", keys, 6.0) + 0.05, 44.0)
    person, is_app = purchases.person[purchase], block.channel[purchase] == APP
    moment = at_hour(block.draws, "prepare", keys, purchases.moment[purchase] - ahead)
    moment = block.habits.on_the_day("prepare", person, keys, moment)
    moment = np.minimum(moment, purchases.moment[purchase] - 0.04)
    comes = block.draws.happens("still prepares", keys, interest(block, person, moment))
    return visit(block, BROWSE, person, moment, keys, is_app, 1.9).chosen(comes)


def browsing(block: Block) -> Visits:
    """Visit now and then while alive as a customer; fade before leaving, rarely come after."""
    people, draws, parameters = block.people, block.draws, block.parameters
    bought = block.purchases
    rate = parameters.visits_per_year * (0.4 + 0.6 * (bought.alive_until > people.acquired))
    rate = rate + parameters.visits_per_rate * bought.traits.rate * bought.traits.is_regular
    years = np.maximum(block.calendar.horizon - people.acquired, 0.0) / 365.0
    count = draws.poisson("browses", people.keys, np.minimum(rate * years, 400.0))
    person, step = expanded(people.rows, count)
    keys = combined(people.keys[person], 10_000 + step)
    span = block.calendar.horizon - people.acquired[person]
    moment = people.acquired[person] + 0.1 + span * draws.uniform("browse day", keys)
    moment = at_hour(draws, "browse", keys, moment)
    moment = block.habits.on_the_day("browse", person, keys, moment)
    stays = draws.happens("still comes", keys, interest(block, person, moment))
    stays &= moment < block.seen
    is_app = (moment >= people.app_since[person]) & draws.happens(
        "by app", keys, block.habits.by_app(person)
    )
    return visit(block, BROWSE, person, moment, keys, is_app, 2.0).chosen(stays)


def interest(block: Block, person: Integers, moment: Floats) -> Floats:
    """Return how much activity is left: it fades 30 to 120 days before most dropouts."""
    people, draws = block.people, block.draws
    lead = draws.between("decline lead", people.keys, 30.0, 120.0)
    declines = draws.happens("declines", people.keys, block.parameters.decline_share)
    end = np.maximum(block.purchases.alive_until, people.acquired)[person]
    fading = np.clip((end - moment) / lead[person], 0.1, 1.0)
    level = np.where(declines[person], fading, 1.0)
    after = 0.12 + 0.6 * np.exp(-np.maximum(moment - end, 0.0) / 20.0)
    return np.where(moment > end, after, level)


def signing_up(block: Block) -> Visits:
    """Visit to open an account."""
    person, copy, moment = block.memberships.records("account", block.seen)
    keys = combined(block.record_keys(person, copy), 7)
    visits = visit(block, SIGN_UP, person, moment, keys, np.zeros(len(person), bool), 0.5, 2)
    return replaced(visits, account=2 * person + copy)


def reading_mail(block: Block, responses: Responses) -> Visits:
    """Visit by a click in a newsletter."""
    clicked = np.flatnonzero(responses.kind == CLICK)
    person = responses.person[clicked]
    keys = combined(responses.sends.keys[responses.send[clicked]], 21)
    moment = responses.moment[clicked] + 0.0001
    visits = visit(block, NEWSLETTER, person, moment, keys, np.zeros(len(person), bool), 2.5)
    return replaced(visits, source=np.full(len(person), NEWSLETTER_SOURCE))


def strange(block: Block) -> Visits:
    """Visit without ever saying who one is."""
    people, draws, calendar = block.people, block.draws, block.calendar
    count = draws.poisson("strangers", people.keys, block.parameters.visitor_ratio)
    owner, step = expanded(people.rows, count)
    stranger = combined(people.keys[owner], 50_000 + step)
    day = calendar.to_day(draws.uniform("stranger day", stranger) * calendar.length)
    visitor, again = expanded(np.arange(len(stranger)), 1 + draws.poisson("again", stranger, 0.5))
    keys = combined(stranger[visitor], again)
    moment = day[visitor] + again * draws.exponential("stranger gap", keys, 6.0)
    moment = at_hour(draws, "stranger", keys, moment)
    nobody = np.full(len(keys), NOBODY)
    return Visits(
        kind=np.full(len(keys), VISITOR),
        person=nobody,
        start=moment,
        keys=keys,
        device=combined(stranger[visitor], 3),
        is_app=np.zeros(len(keys), dtype=bool),
        account=nobody,
        order=nobody,
        length=1 + draws.poisson("stranger length", keys, 1.5),
        source=draws.choice("stranger source", keys, SOURCE_WEIGHTS),
    )


def manners(block: Block, is_bot: Flags, keys: Keys) -> Integers:
    """Tell how visits are made."""
    hides = FAST + block.draws.choice("bot manner", keys, HIDDEN_BOT_WEIGHTS)
    is_open = block.draws.happens("open bot", keys, block.parameters.open_bot_share)
    return np.where(is_bot, np.where(is_open, OPEN, hides), HUMAN)


def automatic(block: Block, visits: Visits) -> Visits:
    """Let bots make their share of all sessions, near in time to those of people."""
    share, draws = block.parameters.bot_share, block.draws
    ratio = share / max(1.0 - share, 0.05)
    model = np.repeat(np.arange(len(visits)), draws.poisson("bots", visits.keys, ratio))
    step = np.arange(len(model)) - np.searchsorted(model, model)
    keys = combined(visits.keys[model], 900 + step)
    nobody = np.full(len(model), NOBODY)
    manner = manners(block, np.ones(len(model), dtype=bool), keys)
    # Those that collect prices look at more pages than those that only index.
    least = np.array([0, 2, 6, 10, 1])[manner]
    return Visits(
        kind=np.full(len(model), BOT),
        person=nobody,
        start=visits.start[model] + draws.between("bot time", keys, -0.5, 0.5),
        keys=keys,
        device=combined(keys, 5),
        is_app=np.zeros(len(model), dtype=bool),
        account=nobody,
        order=nobody,
        length=least + draws.poisson("bot length", keys, 2.5),
        source=np.where(draws.happens("bot referrer", keys, 0.2), 1, 0),
    )
