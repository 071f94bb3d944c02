"""Write down what is true: who is who, when they bought, when they left, what they allowed."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.shop.baskets import CATEGORY_WEIGHTS, FAVOURITE_SHARE
from sandbox.shop.block import Block, device_names
from sandbox.shop.calendar import utc_micros
from sandbox.shop.catalogue import CATEGORIES
from sandbox.shop.consents import CONFIRMED, GRANTED, STATUSES, Statements
from sandbox.shop.draws import Floats, Integers
from sandbox.shop.memberships import STORE
from sandbox.shop.people import COUPLE, FATHER_SON, NEVER, TWINS
from sandbox.shop.store import WALK_IN, Receipts
from sandbox.shop.text import constant, digits, joined, picked, texts, timestamps
from sandbox.shop.visits import BOT, SOURCES, Visits

LATER_DAYS = 365.0
LATEST = 40_000.0
Tables = list[tuple[str, pa.Table]]


def person_names(block: Block, person: Integers) -> pa.Array:
    """Return the true id of persons; empty for strangers."""
    return picked(joined("person-", digits(block.people.keys)), person)


def moments(local_days: Floats) -> pa.Array:
    """Return UTC timestamps; empty for what never happens."""
    return timestamps(utc_micros(np.clip(local_days, 0, LATEST)), local_days < LATEST)


def people_table(block: Block) -> pa.Table:
    """Return truth.person: everybody whom the shop met before the cut."""
    people, bought = block.people, block.purchases
    rows = np.flatnonzero(people.acquired < block.calendar.cut)
    is_regular = people.is_buyer & bought.traits.is_regular
    return pa.table(
        {
            "person_id": person_names(block, rows),
            "acquired_at": moments(people.acquired[rows]),
            "is_buyer": pa.array(people.is_buyer[rows]),
            "is_business": pa.array(people.is_business[rows]),
            "is_regular": pa.array(is_regular[rows]),
            "yearly_rate": pa.array(np.where(is_regular, bought.traits.rate, 0.0)[rows]),
            "household_partner_id": person_names(block, people.partner[rows]),
            "has_duplicate": pa.array(people.is_duplicated[rows]),
            "email_changed_at": moments(people.email_changed[rows]),
            "moved_at": moments(people.moved[rows]),
        }
    )


def alive_table(block: Block) -> pa.Table:
    """Return truth.alive_daily as intervals: a person buys again only before `alive_until`."""
    people, bought = block.people, block.purchases
    rows = np.flatnonzero(people.is_buyer & (people.acquired < block.calendar.cut))
    return pa.table(
        {
            "person_id": person_names(block, rows),
            "alive_from": moments(people.acquired[rows]),
            "alive_until": moments(bought.alive_until[rows]),
        }
    )


def purchase_table(block: Block, receipts: Receipts) -> pa.Table:
    """Return truth.purchases: true occasions until a year after the cut.

    The occasions with an identifier follow the stated behaviour and are numbered; walk-ins of
    known persons come on top, without a number.
    """
    bought, horizon = block.purchases, block.calendar.cut + LATER_DAYS
    known = np.flatnonzero(bought.moment < horizon)
    extra = np.flatnonzero(
        (receipts.kind >= WALK_IN) & (receipts.person >= 0) & (receipts.moment < block.calendar.cut)
    )
    channel = np.concatenate([block.channel[known], np.full(len(extra), STORE)])
    number = np.concatenate([bought.number[known], np.zeros(len(extra), dtype=np.int64)])
    person = np.concatenate([bought.person[known], receipts.person[extra]])
    return pa.table(
        {
            "person_id": person_names(block, person),
            "occurred_at": moments(np.concatenate([bought.moment[known], receipts.moment[extra]])),
            "occasion_number": pa.array(number, mask=number == 0),
            "sales_channel": picked(texts(["web", "app", "phone", "store"]), channel),
            "is_identified": pa.array(number > 0),
        }
    )


def second_table(block: Block) -> pa.Table:
    """Return truth.second_purchase: whether and after how many days a second one comes."""
    people, bought = block.people, block.purchases
    rows = np.flatnonzero(people.is_buyer & (people.acquired < block.calendar.cut))
    gap = np.full(len(people), np.nan)
    second = bought.number == 2
    gap[bought.person[second]] = bought.moment[second] - people.acquired[bought.person[second]]
    return pa.table(
        {
            "person_id": person_names(block, rows),
            "first_at": moments(people.acquired[rows]),
            "has_second": pa.array((bought.traits.has_second | ~np.isnan(gap))[rows]),
            "gap_days": pa.array(gap[rows], mask=np.isnan(gap[rows])),
        }
    )


def taste_table(block: Block) -> pa.Table:
    """Return truth.taste: how probable each category is in a line that a person buys."""
    people = block.people
    rows = np.flatnonzero(people.is_buyer & (people.acquired < block.calendar.cut))
    person = np.repeat(rows, len(CATEGORIES))
    category = np.tile(np.arange(len(CATEGORIES)), len(rows))
    usual = np.array(CATEGORY_WEIGHTS)[category] / sum(CATEGORY_WEIGHTS)
    liked = people.favourite[person] == category
    return pa.table(
        {
            "person_id": person_names(block, person),
            "category": picked(texts(CATEGORIES), category),
            "line_share": pa.array(FAVOURITE_SHARE * liked + (1 - FAVOURITE_SHARE) * usual),
        }
    )


def habit_table(block: Block) -> pa.Table:
    """Return truth.habit: the own hour of each person, and the own channel of those with the app.

    What shares of visits and opens they decide, the parameters of the world say.
    """
    habits, people = block.habits, block.people
    channel = np.where(people.app_since < block.calendar.cut, habits.prefers_app, -1)
    rows = np.flatnonzero(people.acquired < block.calendar.cut)
    return pa.table(
        {
            "person_id": person_names(block, rows),
            "own_hour": pa.array(habits.hour[rows]),
            "own_channel": picked(texts(["email", "push"]), channel[rows]),
        }
    )


def product_table(block: Block) -> pa.Table:
    """Return truth.product: how probable each product is in a line of its category."""
    catalogue = block.catalogue
    return pa.table({"sku": catalogue.sku, "category_share": pa.array(catalogue.share)})


def session_table(block: Block, visits: Visits) -> pa.Table:
    """Return truth.session_source: where each session came from, and whether a bot made it."""
    rows = np.flatnonzero(visits.start < block.calendar.cut)
    return pa.table(
        {
            "anonymous_id": device_names(visits.device[rows]),
            "started_at": moments(visits.start[rows]),
            "person_id": person_names(block, visits.person[rows]),
            "source": picked(texts(SOURCES), visits.source[rows]),
            "is_bot": pa.array(visits.kind[rows] == BOT),
            "count_events": pa.array(visits.length[rows]),
        }
    )


def hard_negatives(block: Block) -> pa.Table:
    """Return truth.hard_negatives: pairs of persons that look alike and must stay apart."""
    people = block.people
    first = np.flatnonzero((people.partner >= 0) & (people.rows % 2 == 0))
    second = people.partner[first]
    both = np.maximum(people.acquired[first], people.acquired[second]) < block.calendar.cut
    first, second = first[both], second[both]
    reason = np.select(
        [
            people.relation[first] == FATHER_SON,
            people.relation[first] == TWINS,
            people.shares_email[second],
            people.shares_device[first],
            people.relation[first] == COUPLE,
        ],
        range(5),
    )
    names = texts(["father and son", "twins", "shared e-mail", "shared device", "same household"])
    return pa.table(
        {
            "person_a": person_names(block, first),
            "person_b": person_names(block, second),
            "reason": picked(names, reason),
        }
    )


def legal_states(block: Block, statements: list[Statements]) -> pa.Table:
    """Return truth.legal_state: what is allowed per contact point, purpose and channel, and when.

    An interval lasts from one statement to the next, or until a consent expires. Marketing by
    e-mail is allowed once confirmed, or on the ground of similar goods; elsewhere once granted.
    """
    table = pa.concat_tables([state_columns(block, part) for part in statements])
    table = table.filter(pc.less(table["moment"], block.calendar.cut + 1.0))
    point = ("identifier_type", "identifier", "purpose", "channel")
    table = table.sort_by([(name, "ascending") for name in (*point, "moment")])
    same = np.ones(max(table.num_rows - 1, 0), dtype=bool)
    for name in point:
        column = table[name].combine_chunks()
        same &= pc.equal(column[1:], column[:-1]).to_numpy(zero_copy_only=False)
    moment = table["moment"].to_numpy()
    following = np.full(len(moment), NEVER)
    following[:-1] = np.where(same, moment[1:], NEVER)
    until = np.minimum(following, table["expires"].to_numpy())
    return (
        table.drop_columns(["moment", "expires"])
        .append_column("valid_from", moments(moment))
        .append_column("valid_to", moments(until))
    )


def state_columns(block: Block, part: Statements) -> pa.Table:
    """Return one series of statements with what each allows."""
    count, by_mail = len(part), part.channel == "email"
    is_allowed = part.status == CONFIRMED
    if not by_mail or part.ground == "similar_goods":
        is_allowed = is_allowed | (part.status == GRANTED)
    return pa.table(
        {
            "identifier_type": constant(part.identifier_type, count),
            "identifier": pc.utf8_lower(pc.utf8_trim_whitespace(part.identifier))
            if part.identifier_type == "email"
            else part.identifier,
            "purpose": constant(part.purpose, count),
            "channel": constant(part.channel, count),
            "person_id": person_names(block, part.person),
            "status": picked(texts(STATUSES), part.status),
            "is_allowed": pa.array(is_allowed),
            "moment": pa.array(part.moment),
            "expires": pa.array(part.expires.astype(np.float64)),
        }
    )
