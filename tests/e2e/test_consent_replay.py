"""Ninety days of a living shop: nobody is held against the truth, and hardly anybody kept out.

Replayed is, for every day of the last ninety of a tiny simulated shop:
- What arrived that day is landed: it is shown by its day of arrival, through views in the place of
  the raw tables.
- What the gate reads is built: on every 45th day by dbt, with all it is made of; on the days
  between by the statements that dbt compiled for staging and for consents, contact points, service
  cases, suppressions and holds. So a person who is new waits for up to 45 days to be known; their
  addresses belong to nobody until then and are not counted.
- The gate judges every contact point there is for e-mail, ads and push: nothing but the gate
  decides. Every sixth day the syncs of these audiences plan, ask it again and deliver to the
  sandbox's platforms over HTTP; what is compared on these days is what the platforms hold then.
- With every delivery all who are on the e-mail list are mailed. Some answer next morning, and would
  not have without the mail: they unsubscribe or complain in the e-mail tool, withdraw or object in
  a letter. What they answer is landed, and is true from that moment.
Whoever is on a list may be written to at that moment, so every member is compared with what the
simulator says is legal at that moment, and everybody whom it allows with the list.
"""

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from sandbox.platforms.server import running
from tests.e2e.conftest import Platforms
from tests.e2e.replay import AUDIENCES, BY_TOOL, DAYS, begin

pytestmark = pytest.mark.slow

MOST_WRONGLY_BLOCKED = 0.005
NOBODY = "nobody's"
# The usual world, and one whose people change their minds often and tell only one silo.
WORLDS = {
    "usual": (1, ()),
    "fickle": (
        2,
        ("withdrawal_rate=0.6", "contradiction_share=0.2", "similar_goods_share=0.2"),
    ),
}
# What people answer to a mailing: one of so many does, by a hash of the address and the day.
ANSWERS = {"unsubscribe": 250, "complaint": 1000, "withdrawn": 400, "objected": 800}

# Who may be addressed at a moment: every purpose is allowed, and nothing was answered since.
ALLOWED = """
select identifier
from legal
where identifier_type = $identifier_type and channel = $channel and purpose in $purposes
    and is_allowed and valid_from <= $at and (valid_to is null or valid_to > $at)
    and not exists (
        select 1 from answers
        where answers.email = identifier and legal.purpose = 'marketing'
            and channel = 'email' and moment <= $at and moment >= valid_from
    )
group by identifier having count(distinct purpose) = $count
"""
# An objection at any address holds for the person: all addresses of whoever objected.
OBJECTORS = """
with objected as (
    select person_id from legal
    where status = 'objected' and channel = $channel and valid_from <= $at
    union
    select legal.person_id from legal
    inner join answers on legal.identifier = answers.email
    where $channel = 'email' and kind in ('objected', 'complaint') and moment <= $at
)
select distinct identifier from legal inner join objected using (person_id)
"""
# Boxes and devices that answered that they are dead.
DEAD = """
select lower(trim(email)) from landed.mail__subscribers
left join landed.mail__responses using (subscriber_id)
where (response_type = 'bounce_hard' and occurred_at < $at)
    or (status = 'cleaned' and updated_at < $at)
union
select push_token from landed.push__tokens where invalidated_at < $at
"""
# Who has an open trouble.
HELD = """
select address from contact.contact_points
inner join decisions.holds using (customer_id)
where is_active
"""
# Addresses on no record of a person: a consent banner's alone, an app that nobody logged in to.
ON_RECORD = """
select identifier_value from intermediate.int_identifiers_unioned where identifier_type = 'email'
union
select push_token from landed.push__tokens where customer_id is not null
"""


@dataclass
class Truth:
    """What is legal, by the simulator and by the answers that came since."""

    folder: Path
    database: duckdb.DuckDBPyConnection = field(default_factory=duckdb.connect)

    def __post_init__(self) -> None:
        self.database.execute(
            f"create table legal as from read_parquet('{self.folder}/legal_state/*.parquet')"
        )
        self.database.execute(
            "create table answers (email varchar, kind varchar, moment timestamp)"
        )

    def allowed(self, audience, at: datetime) -> set[str]:
        """Return the addresses that may be addressed."""
        purposes = list(audience.spec.purposes)
        return self._ask(
            ALLOWED, at, identifier_type=audience.identifier_type, count=len(purposes),
            purposes=purposes, channel=audience.spec.channel,
        )  # fmt: skip

    def objectors(self, audience, at: datetime) -> set[str]:
        """Return every address of whoever objected at one of theirs."""
        return self._ask(OBJECTORS, at, channel=audience.spec.channel)

    def answer(self, kind: str, emails: list[str], moment: datetime) -> None:
        """Note what was answered."""
        for email in emails:
            self.database.execute("insert into answers values (?, ?, ?)", [email, kind, moment])

    def _ask(self, statement: str, at: datetime, **values: object) -> set[str]:
        found = self.database.execute(statement, {"at": at, **values}).fetchall()
        return {identifier for (identifier,) in found}


@dataclass
class Tally:
    """What the days added up to."""

    addressed: Counter = field(default_factory=Counter)
    allowed: Counter = field(default_factory=Counter)
    illegal: Counter = field(default_factory=Counter)
    excused: Counter = field(default_factory=Counter)
    wrongly_blocked: Counter = field(default_factory=Counter)
    answered: Counter = field(default_factory=Counter)


def members(platforms, audience):
    """Return who is at the platform, as it shows them."""
    found = platforms.members(audience.vendor, named(platforms, audience))
    return {member[audience.shown] for member in found}


def named(platforms, audience):
    """Return the id of the audience; platforms have names of their own for some."""
    (found,) = [one for one in platforms.audiences(audience.vendor) if one["name"] != "profiles"]
    return found["id"]


def shown(audience, address):
    """Return how the platform shows an address."""
    if audience.vendor == "meta":
        return hashlib.sha256(address.encode()).hexdigest()
    return address


def excuses(replay, truth, audience):
    """Return the addresses that are withheld for another reason than their consent, by reason."""
    with replay.connected() as connection:
        dead = {row[0] for row in connection.raw.execute(DEAD, {"at": replay.as_of}).fetchall()}
        troubled = {row[0] for row in connection.execute(HELD)}
        on_record = {row[0] for row in connection.execute(ON_RECORD)}
    objected = truth.objectors(audience, replay.as_of)
    return {
        "undeliverable": dead.__contains__,
        "service_hold": troubled.__contains__,
        "objection": objected.__contains__,
        "complaint": objected.__contains__,
        NOBODY: lambda address: not (replay.is_identified and address in on_record),
    }


def compare(replay, truth, audience, reasons, here, tally):
    """Compare who is addressed with who may be."""
    allowed = truth.allowed(audience, replay.as_of)
    tally.addressed[audience.name] += len(here)
    tally.allowed[audience.name] += len(allowed)
    tally.illegal.update((audience.name, reasons.get(one, NOBODY)) for one in here - allowed)
    known = excuses(replay, truth, audience)
    for address in allowed - here:
        reason = reasons.get(address, NOBODY)
        is_excused = known.get(reason, lambda _: False)(address)
        tally.excused[audience.name, reason] += is_excused
        tally.wrongly_blocked[audience.name, reason] += not is_excused


def answers(emails, day):
    """Yield who answers what to a mailing of a day."""
    for kind, one_in in ANSWERS.items():
        chosen = [
            email
            for email in sorted(emails)
            if int(hashlib.sha256(f"{kind}{email}{day}".encode()).hexdigest(), 16) % one_in == 0
        ]
        yield kind, chosen


def live_a_day(replay, truth, platforms, tally, *, delivers):
    """Judge everybody at the end of a day, and deliver and mail if it is the day for that."""
    for audience in AUDIENCES:
        reasons = replay.judge(audience)
        here = {address for address, reason in reasons.items() if reason is None}
        if delivers:
            replay.sync(audience)
            shown_as = {shown(audience, address): address for address in reasons}
            here = {shown_as.get(one, one) for one in members(platforms, audience)}
        compare(replay, truth, audience, reasons, here, tally)
        if delivers and audience.name == "email":
            mail(replay, truth, here, tally)


def mail(replay, truth, emails, tally):
    """Mail everybody on a list; some answer next morning, by the tool if it knows them."""
    morning = replay.as_of + timedelta(hours=7)
    subscribers = replay.subscribers()
    for kind, chosen in answers(emails, replay.day):
        if kind in BY_TOOL:
            chosen = [email for email in chosen if email in subscribers]
        tally.answered[kind] += len(chosen)
        replay.answer(kind, chosen, morning)
        truth.answer(kind, chosen, morning)


@pytest.mark.parametrize(("seed", "overrides"), WORLDS.values(), ids=WORLDS)
def test_ninety_days_break_no_law_and_keep_hardly_anybody_out(tmp_path, parsed, seed, overrides):
    """What people say counts from the day it lands, what they answer to our own mails too."""
    tally = Tally()
    with running(tmp_path / "platforms.sqlite", rate_factor=1000) as url:
        replay, platforms = begin(tmp_path, parsed, url, seed, overrides), Platforms(url)
        truth = Truth(tmp_path / "truth")
        for number in range(DAYS + 1):
            replay.live(identify=number % 45 == 0)
            live_a_day(replay, truth, platforms, tally, delivers=number % 6 == 0)
            replay.day += timedelta(days=1)

    assert tally.illegal == Counter()
    assert all(tally.answered[kind] > 0 for kind in ANSWERS)
    assert all(tally.addressed[one.name] > 90 * 80 for one in AUDIENCES)
    wrongly_blocked = tally.wrongly_blocked.total() / tally.allowed.total()
    assert wrongly_blocked <= MOST_WRONGLY_BLOCKED, tally
