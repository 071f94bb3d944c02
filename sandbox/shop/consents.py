"""Write the consent platform's events: asked, confirmed, allowed, denied, withdrawn, objected."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from sandbox.shop.block import Block, device_names
from sandbox.shop.calendar import CHANGES, utc_day, utc_micros
from sandbox.shop.contacts import PRIMARY
from sandbox.shop.draws import Flags, Floats, Integers, Keys, combined
from sandbox.shop.events import allows_analytics
from sandbox.shop.mail import SILENT_PLATFORM, Responses, Subscribers, left
from sandbox.shop.people import NEVER
from sandbox.shop.pools import COUNTRIES
from sandbox.shop.push import Tokens
from sandbox.shop.rows import Rows
from sandbox.shop.text import constant, emptied, hexadecimal, joined, picked, texts, timestamps
from sandbox.shop.visits import Visits

STATUSES = ("requested", "granted", "confirmed", "denied", "withdrawn", "objected")
REQUESTED, GRANTED, CONFIRMED, DENIED, WITHDRAWN, OBJECTED = range(6)
TEXT_DAYS = 400
PHONE_FORMAT = 4


@dataclass(frozen=True)
class Statements:
    """What persons said about one purpose and channel; moments in local days.

    `keys` identify the contact point and are the same in all statements about it.
    """

    identifier_type: str
    purpose: str
    channel: str
    source: str
    ground: str
    person: Integers
    identifier: pa.Array
    keys: Keys
    status: Integers
    moment: Floats
    expires: Floats

    def __len__(self) -> int:
        return len(self.person)


@dataclass(frozen=True)
class Topic:
    """Whose contact points a series of statements is about, and for what purpose."""

    identifier_type: str
    purpose: str
    channel: str
    source: str
    person: Integers
    identifier: pa.Array
    keys: Keys
    ground: str = "consent"

    def said(
        self, row: Flags, status: Integers | int, moment: Floats, expires: Floats | float = NEVER
    ) -> Statements:
        """Let the chosen rows make one statement each."""
        chosen = np.flatnonzero(row)
        return Statements(
            self.identifier_type,
            self.purpose,
            self.channel,
            self.source,
            self.ground,
            self.person[chosen],
            self.identifier.take(pa.array(chosen)),
            self.keys[chosen],
            np.broadcast_to(status, row.shape)[chosen],
            moment[chosen],
            np.broadcast_to(expires, row.shape)[chosen],
        )


def stated(
    block: Block, subscribers: Subscribers, responses: Responses, tokens: Tokens, visits: Visits
) -> list[Statements]:
    """Collect all statements of one block."""
    return [
        *newsletter(subscribers, responses),
        *existing_customers(block),
        *advertising(block),
        *calls(block),
        *notifications(block, tokens),
        *analytics(block, visits),
        *objections(block),
    ]


def newsletter(subscribers: Subscribers, responses: Responses) -> list[Statements]:
    """Ask, confirm and withdraw by double opt-in; the platform misses some of the ends."""
    topic = newsletter_topic(subscribers)
    everybody = np.ones(len(subscribers), dtype=bool)
    ended, is_cleaned = left(subscribers, responses)
    ended = np.where(is_cleaned, NEVER, ended)
    ended = np.minimum(ended + 0.001, subscribers.withdrawn)
    hears = (ended < NEVER) & (subscribers.contradiction != SILENT_PLATFORM)
    confirmed = subscribers.confirmed
    return [
        topic.said(everybody, REQUESTED, subscribers.signed_up),
        topic.said(confirmed < NEVER, CONFIRMED, confirmed),
        topic.said(hears, WITHDRAWN, ended),
    ]


def unheard(subscribers: Subscribers, responses: Responses) -> Statements:
    """Return the withdrawals that only the e-mail tool knows of; they are binding nevertheless."""
    topic = newsletter_topic(subscribers)
    ended, is_cleaned = left(subscribers, responses)
    is_silent = subscribers.contradiction == SILENT_PLATFORM
    return topic.said((ended < NEVER) & ~is_cleaned & is_silent, WITHDRAWN, ended)


def newsletter_topic(subscribers: Subscribers) -> Topic:
    """Return the topic of the newsletter: every subscriber and the address on the list."""
    return Topic(
        "email",
        "marketing",
        "email",
        "newsletter_form",
        subscribers.person,
        subscribers.emails,
        subscribers.keys,
    )


def existing_customers(block: Block) -> list[Statements]:
    """Mail some account holders without a newsletter about similar goods, as the law permits."""
    opened = block.memberships.first("account")
    is_listed = block.memberships.first("subscriber") < NEVER
    chance = block.parameters.similar_goods_share
    chosen = block.draws.happens("similar goods", block.people.keys, chance)
    topic = by_email(block, "marketing", "email", "checkout", 30, "similar_goods")
    return [topic.said(chosen & ~is_listed & (opened < block.seen), GRANTED, opened + 0.13)]


def by_email(
    block: Block, purpose: str, channel: str, source: str, salt: int, ground: str = "consent"
) -> Topic:
    """Return the topic of everybody's first address for one purpose."""
    person = block.people.rows
    identifier = block.contacts.email(person, np.full(len(person), PRIMARY))
    keys = combined(block.people.keys, salt)
    return Topic("email", purpose, channel, source, person, identifier, keys, ground)


def advertising(block: Block) -> list[Statements]:
    """Allow or deny the use for ads; some allow one half, some later change their mind."""
    people, draws, parameters = block.people, block.draws, block.parameters
    level = draws.uniform("ads consent", people.keys)
    allows = level < parameters.ads_consent_share
    denies = ~allows & (level > 0.75)
    halves = allows & draws.happens("half consent", people.keys, 0.06)
    moment = people.acquired + 0.01 + draws.uniform("ads moment", people.keys) * 3.0
    lasts = draws.happens("ads expiry", people.keys, 0.2)
    expires = np.where(lasts, moment + 730.0, NEVER)
    withdrawn = (
        moment
        + 1.0
        + draws.exponential(
            "ads withdrawal", people.keys, 365.0 / max(parameters.withdrawal_rate, 1e-9)
        )
    )
    result = []
    for salt, purpose in ((31, "ads_user_data"), (32, "ads_personalisation")):
        topic = by_email(block, purpose, "ads", "consent_banner", salt)
        agrees = allows & ~(halves & (purpose == "ads_personalisation"))
        result += [
            topic.said(agrees, GRANTED, moment, expires),
            topic.said(denies | (halves & ~agrees), DENIED, moment),
            topic.said(agrees, WITHDRAWN, withdrawn),
        ]
    return result


def calls(block: Block) -> list[Statements]:
    """Ask on the telephone whether the shop may call again."""
    since = block.memberships.first("contact")
    person = block.people.rows
    identifier = block.contacts.phones.slice(PHONE_FORMAT * len(person), len(person))
    keys = combined(block.people.keys, 33)
    topic = Topic("phone", "marketing", "phone", "call_centre", person, identifier, keys)
    writes = block.reached_by_post(block.record_keys(person, 0))
    asked = (since < block.seen) & block.people.has_phone & ~writes
    agrees = block.draws.happens("call consent", block.people.keys, 0.35)
    return [topic.said(asked, np.where(agrees, GRANTED, DENIED), since + 0.002)]


def notifications(block: Block, tokens: Tokens) -> list[Statements]:
    """Allow or deny push messages when the app asks; some switch them off later."""
    keys = combined(tokens.keys, 34)
    topic = Topic("push_token", "marketing", "push", "app", tokens.person, tokens.names, keys)
    allows = block.draws.happens("push consent", keys, block.parameters.push_consent_share)
    moment = tokens.registered + 0.0005
    withdrawn = moment + 2.0 + block.draws.exponential("push off", keys, 365.0 / 0.06)
    everybody = np.ones(len(tokens), dtype=bool)
    return [
        topic.said(everybody, np.where(allows, GRANTED, DENIED), moment),
        topic.said(allows & (withdrawn < tokens.dead), WITHDRAWN, withdrawn),
    ]


def analytics(block: Block, visits: Visits) -> list[Statements]:
    """Allow or deny analytics at the first visit with a device."""
    known = visits.chosen(visits.person >= 0)
    device, first = np.unique(known.device, return_index=True)
    person = known.person[first]
    topic = Topic(
        "device", "analytics", "web", "consent_banner", person, device_names(device), device
    )
    status = np.where(allows_analytics(block, device), GRANTED, DENIED)
    return [topic.said(np.ones(len(device), dtype=bool), status, known.start[first] + 0.0001)]


def objections(block: Block) -> list[Statements]:
    """Let a few object to all advertising by mail, whatever they agreed to before."""
    people = block.people
    objects = block.draws.happens("objects", people.keys, 0.005)
    moment = people.acquired + 5.0 + block.draws.exponential("objection", people.keys, 300.0)
    return [by_email(block, "marketing", "email", "letter", 35).said(objects, OBJECTED, moment)]


def statement_rows(block: Block, statements: list[Statements]) -> Rows:
    """Write consent.events."""
    columns = [statement_columns(block, part) for part in statements]
    merged = {name: pa.concat_arrays([part[name] for part in columns]) for name in columns[0]}
    moment = np.concatenate([part.moment for part in statements])
    is_seen = moment < block.seen
    positions = pa.array(np.flatnonzero(is_seen))
    kept = {name: column.take(positions) for name, column in merged.items()}
    return Rows(("consent", "events"), kept, utc_day(utc_micros(moment[is_seen])))


def statement_columns(block: Block, part: Statements) -> dict[str, pa.Array]:
    """Return the columns of one series of statements."""
    count = len(part)
    moment = np.minimum(part.moment, CHANGES[-1])
    version = ((moment - block.calendar.start) // TEXT_DAYS).astype(np.int64) % 9
    names = [part.identifier_type, part.purpose, part.channel]
    keys = combined(combined(part.keys, part.status), np.array(hash_of(names)))
    country = block.contacts.country(part.person, moment)
    is_agreement = np.isin(part.status, (GRANTED, CONFIRMED))
    return {
        "consent_event_id": joined("ce-", hexadecimal(keys)),
        "identifier_type": constant(part.identifier_type, count),
        "identifier": part.identifier,
        "purpose": constant(part.purpose, count),
        "channel": constant(part.channel, count),
        "status": picked(texts(STATUSES), part.status),
        "occurred_at": timestamps(utc_micros(moment)),
        "legal_ground": emptied(constant(part.ground, count), part.status != OBJECTED),
        "expires_at": timestamps(
            utc_micros(np.minimum(part.expires, CHANGES[-1])), part.expires < NEVER
        ),
        "text_version": picked(texts([f"v{number}" for number in range(1, 10)]), version),
        "source": constant(part.source, count),
        "proof_reference": emptied(joined("proof-", hexadecimal(keys)), is_agreement),
        "jurisdiction": picked(texts(COUNTRIES), country),
    }


def hash_of(names: list[str]) -> int:
    """Return a number below 2**31 for some words, the same in every run."""
    return int.from_bytes("/".join(names).encode()[-28:], "big") % (2**31 - 1)
