"""Draw a test of a nudge by e-mail: half of it is mailed, and what follows from that happens."""

from dataclasses import replace

import numpy as np
import pyarrow as pa

from sandbox.shop import mail, nudges
from sandbox.shop.block import Block
from sandbox.shop.calendar import at_hour, utc_day, utc_micros
from sandbox.shop.draws import Flags, Floats, Integers
from sandbox.shop.memberships import STORE
from sandbox.shop.nudges import PERSUADABLE, PUT_OFF, WINDOW_DAYS, Nudges
from sandbox.shop.orders import redeems
from sandbox.shop.purchases import Purchases, in_order
from sandbox.shop.rows import Rows
from sandbox.shop.text import constant, decimals, numbered, picked, texts, timestamps
from sandbox.shop.truth import moments, person_names

NINE = 9.0 / 24.0
LATEST_ANSWER = WINDOW_DAYS - 3.0


def nudged(block: Block) -> Block:
    """Return the block with the test in it: orders that it brought are there, lost ones are not."""
    day = float(block.calendar.start + round(block.parameters.nudge_test_day))
    person = recipients(block, day) if day < block.calendar.horizon - WINDOW_DAYS else np.zeros(0)
    drawn = drawn_into(block, person.astype(np.int64), day)
    return replace(block, purchases=answered(block, drawn), nudges=drawn)


def recipients(block: Block, day: float) -> Integers:
    """Return the buyers who are on the newsletter's list on a day, whenever it is looked at."""
    then = replace(block, calendar=replace(block.calendar, cut=int(day)))
    listed = mail.listed(then)
    is_first = listed.keys % np.uint64(2) == 0
    stays = (listed.withdrawn >= day) & (mail.sent(listed).ended >= day)
    bought = block.purchases
    is_buyer = np.zeros(len(block.people), dtype=bool)
    is_buyer[bought.person[bought.moment < day]] = True
    on_list = is_first & stays & (listed.confirmed < day) & is_buyer[listed.person]
    person = np.sort(listed.person[on_list])
    share = block.parameters.nudge_test_share
    return np.asarray(person[block.draws.happens("in test", block.people.keys[person], share)])


def drawn_into(block: Block, person: Integers, day: float) -> Nudges:
    """Draw the arm of each person, and what a nudge does to them."""
    draws, parameters = block.draws, block.parameters
    if not len(person):
        return nudges.nobody()
    keys = block.people.keys[person]
    moment = day + NINE + draws.between("nudge delay", keys, 0.0, 0.03)
    shares = nudges.strata_shares(*history(block, person, day))
    level = draws.uniform("stratum", keys)
    stratum = (level[:, None] >= np.cumsum(shares, axis=1)[:, :-1]).sum(axis=1)
    adding = min(nudges.ADDING * parameters.nudge_strength, 1.0)
    losing = min(nudges.LOSING * parameters.nudge_strength, 1.0)
    comes = ordered_between(block, person, moment)
    is_moved = (stratum == PERSUADABLE) & draws.happens("nudge adds", keys, adding)
    is_lost = (stratum == PUT_OFF) & draws.happens("nudge loses", keys, losing)
    return Nudges(
        person=person,
        keys=keys,
        moment=moment,
        is_nudged=~draws.happens("control", keys, parameters.nudge_control_share),
        stratum=stratum,
        adding=adding * shares[:, PERSUADABLE],
        losing=losing * shares[:, PUT_OFF],
        orders_without=comes,
        orders_with=np.where(comes, ~is_lost, is_moved),
    )


def history(block: Block, person: Integers, day: float) -> tuple[Integers, Floats, Flags]:
    """Return how often persons had bought, how long ago, and whether they used a coupon."""
    bought, count_people = block.purchases, len(block.people)
    rows = np.flatnonzero(bought.moment < day)
    buyer = bought.person[rows]
    count = np.bincount(buyer, minlength=count_people)
    last = np.zeros(count_people)
    np.maximum.at(last, buyer, bought.moment[rows])
    has_coupon = np.zeros(count_people, dtype=bool)
    online = rows[block.channel[rows] != STORE]
    online = online[redeems(block, bought.person[online], bought.keys[online] * np.uint64(8))]
    has_coupon[bought.person[online]] = True
    return count[person], day - last[person], has_coupon[person]


def ordered_between(block: Block, person: Integers, moment: Floats) -> Flags:
    """Tell who buys in the days after a moment of their own."""
    return np.isin(person, block.purchases.person[in_window(block, person, moment)])


def in_window(block: Block, person: Integers, moment: Floats) -> Flags:
    """Tell which purchases fall into the days after their buyer's moment."""
    begins = np.full(len(block.people), np.inf)
    begins[person] = moment
    since = block.purchases.moment - begins[block.purchases.person]
    return np.asarray((since >= 0) & (since < WINDOW_DAYS))


def answered(block: Block, drawn: Nudges) -> Purchases:
    """Return the purchases as they become with the test."""
    bought, draws = block.purchases, block.draws
    moved = drawn.is_nudged & drawn.orders_with & ~drawn.orders_without
    lost = drawn.is_nudged & drawn.orders_without & ~drawn.orders_with
    if not (moved | lost).any():
        return bought
    stays = ~in_window(block, drawn.person[lost], drawn.moment[lost])
    person, keys = drawn.person[moved], drawn.keys[moved]
    waiting = np.minimum(1.0 + draws.exponential("nudge answer", keys, 6.0), LATEST_ANSWER)
    moment = at_hour(draws, "nudge answer", keys, drawn.moment[moved] + waiting)
    alive = bought.alive_until.copy()
    alive[person] = np.maximum(alive[person], moment)
    return in_order(
        np.concatenate([bought.person[stays], person]),
        np.concatenate([bought.moment[stays], moment]),
        block.people.keys,
        alive,
        bought.traits,
        block.calendar,
    )


def assignment_rows(block: Block) -> Rows:
    """Write experiments.subscriber_assignments: whom the e-mail tool drew into which arm."""
    drawn = block.nudges
    micros = utc_micros(drawn.moment)
    cost = round(block.parameters.nudge_cost * 100)
    columns = {
        "experiment": constant(nudges.EXPERIMENT, len(drawn.person)),
        "subscriber_id": numbered("M", block.record_keys(drawn.person, 0), 32),
        "variant": picked(texts(nudges.VARIANTS), drawn.is_nudged.astype(np.int64)),
        "assigned_at": timestamps(micros),
        "contact_cost": decimals(cost * drawn.is_nudged.astype(np.int64), 2),
    }
    return Rows(("experiments", "subscriber_assignments"), columns, utc_day(micros))


def outcome_table(block: Block) -> pa.Table:
    """Return truth.potential_outcomes: what a nudge does to everybody who was drawn by the cut."""
    drawn = block.nudges
    table = pa.table(
        {
            "person_id": person_names(block, drawn.person),
            "experiment": constant(nudges.EXPERIMENT, len(drawn.person)),
            "assigned_at": moments(drawn.moment),
            "variant": picked(texts(nudges.VARIANTS), drawn.is_nudged.astype(np.int64)),
            "stratum": picked(texts(nudges.STRATA), drawn.stratum),
            "adding_probability": pa.array(drawn.adding),
            "losing_probability": pa.array(drawn.losing),
            "orders_without": pa.array(drawn.orders_without),
            "orders_with": pa.array(drawn.orders_with),
        }
    )
    return table.filter(pa.array(drawn.moment < block.calendar.cut))
