"""Write the e-mail tool: its list, its newsletters and how people and machines respond."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from sandbox.shop.block import Block
from sandbox.shop.calendar import day_of, utc_day, utc_micros
from sandbox.shop.contacts import ALIAS, MISTYPED, PRIMARY, Form
from sandbox.shop.draws import Flags, Floats, Integers, Keys, combined
from sandbox.shop.people import NEVER
from sandbox.shop.rows import Rows, superseding
from sandbox.shop.text import hexadecimal, joined, numbered, picked, texts, timestamps

STATUSES = texts(["pending", "subscribed", "unsubscribed", "cleaned"])
PENDING, SUBSCRIBED, UNSUBSCRIBED, CLEANED = range(4)
RESPONSES = texts(["open", "click", "bounce_hard", "bounce_soft", "unsubscribe", "complaint"])
OPEN, CLICK, BOUNCE_HARD, BOUNCE_SOFT, UNSUBSCRIBE, COMPLAINT = range(6)
AGREES, SILENT_TOOL, SILENT_PLATFORM = range(3)
DEAD_AFTER_DAYS = 150.0
FORM = Form("newsletter")


@dataclass(frozen=True)
class Subscribers:
    """The list of the e-mail tool; one entry per subscriber, moments in local days or NEVER.

    `contradiction` tells which of the two silos does not hear of the end.
    """

    block: Block
    person: Integers
    keys: Keys
    signed_up: Floats
    slot: Integers

    def __len__(self) -> int:
        return len(self.person)

    @cached_property
    def ids(self) -> pa.Array:
        """The subscriber numbers."""
        return numbered("M", self.keys, 32)

    @cached_property
    def emails(self) -> pa.Array:
        """The address of every subscriber, as typed."""
        return self.block.contacts.email(self.person, self.slot)

    @cached_property
    def confirmed(self) -> Floats:
        """When the link in the confirmation message was clicked."""
        block = self.block
        is_lost = block.draws.happens(
            "opt-in lost", self.keys, block.parameters.double_opt_in_lost_share
        )
        delay = 0.002 + block.draws.exponential("opt-in delay", self.keys, 0.08)
        return np.where(is_lost | (self.slot == MISTYPED), NEVER, self.signed_up + delay)

    @cached_property
    def contradiction(self) -> Integers:
        """Which silo stays silent when the consent ends."""
        share = self.block.parameters.contradiction_share
        return self.block.draws.choice(
            "contradiction", self.keys, (max(1 - share, 0.0), share / 2, share / 2)
        )

    @cached_property
    def withdrawn(self) -> Floats:
        """When the consent is withdrawn outside the e-mail tool; contradictions always end."""
        rate = self.block.parameters.withdrawal_rate
        waiting = self.block.draws.exponential("withdrawal", self.keys, 1.0)
        contradicts = self.contradiction != AGREES
        days = np.where(contradicts, 120.0, 365.0 / max(rate, 1e-9))
        return np.where(self.confirmed < NEVER, self.confirmed + 1.0 + waiting * days, NEVER)

    @cached_property
    def bounced(self) -> Floats:
        """From when the mail box is dead: some months after its owner changed to another."""
        changed = self.block.people.email_changed[self.person]
        is_old = self.slot == PRIMARY
        return np.where(is_old, changed + DEAD_AFTER_DAYS, NEVER)


def listed(block: Block) -> Subscribers:
    """List everybody who ever signed up."""
    person, copy, signed_up = block.memberships.records("subscriber", block.seen)
    keys = block.record_keys(person, copy)
    slot = block.contacts.email_slot(FORM, person, signed_up, keys)
    return Subscribers(block, person, keys, signed_up, np.where(copy == 1, ALIAS, slot))


@dataclass(frozen=True)
class Sends:
    """Newsletters sent; `subscriber` is a row of the list, `campaign` an issue number."""

    subscribers: Subscribers
    subscriber: Integers
    campaign: Integers
    moment: Floats
    keys: Keys
    is_unsubscribing: Flags
    is_dead: Flags
    ended: Floats


def issue_days(block: Block) -> Floats:
    """Return the local moments of all newsletter issues up to the horizon."""
    calendar, per_year = block.calendar, block.parameters.newsletters_per_year
    if per_year <= 0:
        return np.zeros(0)
    days = np.arange(calendar.start + 4.0, calendar.horizon, 365.25 / per_year)
    return np.asarray(np.floor(days) + 7.0 / 24.0)


def sent(subscribers: Subscribers) -> Sends:
    """Send every issue to whoever is confirmed then, until they leave or their box is dead."""
    block = subscribers.block
    days = issue_days(block)
    days = days[days < block.seen]
    receives = subscribers.confirmed[:, None] < days[None, :]
    stop = np.where(subscribers.contradiction == SILENT_TOOL, NEVER, subscribers.withdrawn)
    receives &= days[None, :] < stop[:, None]
    subscriber, campaign = np.nonzero(receives)
    keys = subscribers.keys[subscriber] * np.uint64(512) + campaign.astype(np.uint64)
    leaves = block.draws.happens("leaves", keys, block.parameters.unsubscribe_share)
    moment = days[campaign] + block.draws.between("send delay", keys, 0.0, 0.03)
    is_dead = moment > subscribers.bounced[subscriber]
    ended = np.full(len(subscribers), NEVER)
    np.minimum.at(ended, subscriber[leaves | is_dead], moment[leaves | is_dead])
    kept = moment <= ended[subscriber]
    return Sends(
        subscribers,
        subscriber[kept],
        campaign[kept],
        moment[kept],
        keys[kept],
        (leaves & ~is_dead)[kept],
        is_dead[kept],
        ended,
    )


def send_rows(sends: Sends) -> Rows:
    """Write mail.sends."""
    days = [day_of(int(day)) for day in issue_days(sends.subscribers.block)]
    names = texts([f"Newsletter {day:%Y-%m-%d}" for day in days])
    micros = utc_micros(sends.moment)
    columns = {
        "send_id": numbered("S", sends.keys, 40),
        "subscriber_id": picked(sends.subscribers.ids, sends.subscriber),
        "sent_at": timestamps(micros),
        "campaign_id": picked(texts([f"nl-{n:03d}" for n in range(len(days))]), sends.campaign),
        "campaign_name": picked(names, sends.campaign),
    }
    return Rows(("mail", "sends"), columns, utc_day(micros))


@dataclass(frozen=True)
class Responses:
    """Reactions to newsletters; `send` is a row of the sends, moments in local days."""

    sends: Sends
    send: Integers
    kind: Integers
    moment: Floats
    is_machine: Flags

    @property
    def person(self) -> Integers:
        """The row of the person whose message it was."""
        return self.sends.subscribers.person[self.sends.subscriber[self.send]]


def answered(sends: Sends) -> Responses:
    """Let machines open, people open, click, leave and complain, and boxes bounce."""
    block, keys = sends.subscribers.block, sends.keys
    draws, parameters = block.draws, block.parameters
    person = sends.subscribers.person[sends.subscriber]
    is_alive = sends.moment < block.purchases.alive_until[person]
    liking = block.habits.by_mail(person)
    open_share = parameters.open_share * liking
    opens = draws.happens("opens", keys, open_share * np.where(is_alive, 1.5, 0.85))
    machine = parameters.machine_open_share
    proxy = min(parameters.open_share * machine / max(1.0 - machine, 0.05), 1.0)
    is_soft = draws.happens("soft bounce", keys, parameters.bounce_share * 0.8)
    arrives = ~(sends.is_dead | is_soft)
    click_share = parameters.click_share * liking
    clicks = draws.happens("clicks", keys, click_share * np.where(is_alive, 1.8, 0.8))
    chosen = [
        (OPEN, draws.happens("proxy", block.people.keys[person], proxy) & arrives, True),
        (OPEN, (opens | clicks | sends.is_unsubscribing) & arrives, False),
        (CLICK, clicks & arrives, False),
        (BOUNCE_HARD, sends.is_dead, False),
        (BOUNCE_SOFT, is_soft & ~sends.is_dead, False),
        (UNSUBSCRIBE, sends.is_unsubscribing & arrives, False),
        (COMPLAINT, draws.happens("complains", keys, 0.0002) & arrives, False),
    ]
    rows = [np.flatnonzero(is_chosen) for _, is_chosen, _ in chosen]
    send = np.concatenate(rows)
    kind = np.repeat([kind for kind, _, _ in chosen], [len(part) for part in rows])
    is_machine = np.repeat([machine for _, _, machine in chosen], [len(part) for part in rows])
    return Responses(sends, send, kind, response_moments(sends, send, kind, is_machine), is_machine)


def response_moments(sends: Sends, send: Integers, kind: Integers, is_machine: Flags) -> Floats:
    """Open within a day or two, act minutes after opening; machines and bounces take minutes."""
    block, keys = sends.subscribers.block, sends.keys[send]
    person = sends.subscribers.person[sends.subscriber[send]]
    opened = 0.01 + block.draws.exponential("open delay", keys, 0.6)
    opened = opened + block.habits.wait("open", person, keys, sends.moment[send] + opened)
    acted = opened + 0.0005 + block.draws.uniform("act delay", keys) * 0.002 * kind
    is_fast = is_machine | (kind == BOUNCE_HARD) | (kind == BOUNCE_SOFT)
    fast = block.draws.between("machine delay", keys, 0.0002, 0.01)
    waiting = np.where(kind == OPEN, opened, acted)
    return np.asarray(sends.moment[send] + np.where(is_fast, fast, waiting))


def response_rows(responses: Responses) -> Rows:
    """Write mail.responses."""
    sends, send = responses.sends, responses.send
    block = sends.subscribers.block
    keys = combined(sends.keys[send], responses.kind * 2 + responses.is_machine)
    micros = utc_micros(responses.moment)
    columns = {
        "response_id": joined("r", hexadecimal(keys)),
        "send_id": numbered("S", sends.keys[send], 40),
        "response_type": picked(RESPONSES, responses.kind),
        "occurred_at": timestamps(micros),
        "subscriber_id": picked(sends.subscribers.ids, sends.subscriber[send]),
        "is_machine": pa.array(responses.is_machine),
    }
    rows = Rows(("mail", "responses"), columns, utc_day(micros))
    return rows.repeated(block.draws, keys, block.parameters.repeated_event_share)


def left(subscribers: Subscribers, responses: Responses) -> tuple[Floats, Flags]:
    """Return when the tool takes each subscriber off the list, and whether a bounce was why."""
    ends = np.isin(responses.kind, (UNSUBSCRIBE, BOUNCE_HARD, COMPLAINT))
    row = responses.sends.subscriber[responses.send[ends]]
    moment = np.full(len(subscribers), NEVER)
    np.minimum.at(moment, row, responses.moment[ends])
    bounced = np.zeros(len(subscribers), dtype=bool)
    bounced[row[responses.kind[ends] == BOUNCE_HARD]] = True
    heard = np.where(subscribers.contradiction == SILENT_TOOL, NEVER, subscribers.withdrawn + 0.02)
    return np.minimum(moment, heard), bounced & (moment < heard)


def subscriber_rows(subscribers: Subscribers, responses: Responses) -> Rows:
    """Write mail.subscribers, one row per subscriber and status."""
    ended, is_cleaned = left(subscribers, responses)
    everybody = np.arange(len(subscribers))
    confirmed = np.flatnonzero(subscribers.confirmed < NEVER)
    gone = np.flatnonzero(ended < NEVER)
    row = np.concatenate([everybody, confirmed, gone])
    moment = np.concatenate([subscribers.signed_up, subscribers.confirmed[confirmed], ended[gone]])
    final = np.where(is_cleaned[gone], CLEANED, UNSUBSCRIBED)
    status = np.concatenate([everybody * 0, confirmed * 0 + SUBSCRIBED, final])
    micros = utc_micros(moment)
    confirmed_micros = utc_micros(np.minimum(subscribers.confirmed, 1e5))[row]
    columns = {
        "subscriber_id": picked(subscribers.ids, row),
        "email": picked(subscribers.emails, row),
        "status": picked(STATUSES, status),
        "signed_up_at": timestamps(utc_micros(subscribers.signed_up)[row]),
        "confirmed_at": timestamps(confirmed_micros, status != PENDING),
        "unsubscribed_at": timestamps(micros, status == UNSUBSCRIBED),
        "updated_at": timestamps(micros),
    }
    arrived = utc_day(micros)
    superseded = superseding(subscribers.keys[row], micros, arrived)
    return Rows(("mail", "subscribers"), columns, arrived, superseded)
