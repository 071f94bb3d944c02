"""Whatever people say, in whatever order it arrives and however often: a no stays a no.

The statements are landed rows of the consent platform and of the mail tool; what decides is the SQL
of the models, as dbt compiles it, from staging to the verdict.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dbt.conftest import Shop

pytestmark = pytest.mark.slow

START, HOURS, LATER = datetime(2026, 10, 1), 24, 48
MODELS = (
    "stg_landing__clock", "stg_consent__events", "stg_mail__subscribers",
    "stg_mail__subscriber_versions", "stg_mail__responses", "stg_mail__sends",
    "int_mail_departures_found", "int_consent_events_unioned", "int_consents_decided", "consents",
)  # fmt: skip
SCHEMAS = {"stg": "staging", "int": "intermediate", "consents": "privacy"}
# Every address is deliverable; addresses that begin alike are one customer's.
CONTACT_POINTS = """
create or replace view contact.contact_points as
select distinct
    contact_point_id, identifier_type, identifier_value as address, 'email' as channel,
    true as is_deliverable, split_part(identifier_value, '.', 1) as customer_id
from intermediate.int_consent_events_unioned
"""
COLUMNS = {
    "consent__events": (
        "consent_event_id, identifier, status, legal_ground, jurisdiction, occurred_at, expires_at,"
        " _arrived_on, _row, identifier_type, purpose, channel, _file"
    ),
    "mail__responses": "response_id, subscriber_id, response_type, occurred_at, _arrived_on, _row",
    "mail__subscribers": (
        "subscriber_id, email, status, signed_up_at, confirmed_at, unsubscribed_at, updated_at,"
        " _arrived_on, _row"
    ),
}

ADDRESSES = [f"{name}.{number}@shop.example" for name in "abc" for number in range(2)]
# Everybody is on the mail tool's list from the start, and says nothing by that.
LISTED = [[one, one, "pending", None, None, None, None, START.date(), -1] for one in ADDRESSES]
YES = ("granted", "confirmed")
NO = ("denied", "withdrawn", "expired", "objected", "unsubscribe", "complaint", "unsubscribed")


@dataclass(frozen=True)
class Said:
    """One statement: at an hour, landed on a day; `where` is the silo that has heard it."""

    identifier: str
    address: str
    where: str
    status: str
    hour: int
    day: int
    ground: str = "consent"
    jurisdiction: str | None = "DE"
    lasts: int | None = None
    is_dated: bool = True

    @property
    def at(self) -> datetime:
        """Return when it was said."""
        return START + timedelta(hours=self.hour)

    def row(self, number: int) -> tuple[str, list]:
        """Return the landed row and its table."""
        arrived = (START + timedelta(days=self.day)).date()
        if self.where == "consent":
            ends = self.at + timedelta(hours=self.lasts) if self.lasts is not None else None
            return "consent__events", [
                self.identifier, self.address, self.status, self.ground, self.jurisdiction,
                self.at, ends, arrived, number, "email", "marketing", "email", "f",
            ]  # fmt: skip
        if self.status in ("unsubscribe", "complaint"):
            said = [self.identifier, self.address, self.status, self.at, arrived, number]
            return "mail__responses", said
        gone = self.status == "unsubscribed"
        confirmed = self.at - timedelta(hours=1) if gone else self.at
        return "mail__subscribers", [
            self.address, self.address, "unsubscribed" if gone else "subscribed", START, confirmed,
            self.at if gone and self.is_dated else None, self.at, arrived, number,
        ]  # fmt: skip


def statement(**fixed):
    """Return a strategy for one statement."""
    parts = {
        "identifier": st.uuids().map(str),
        "address": st.sampled_from(ADDRESSES),
        "hour": st.integers(0, HOURS),
        "day": st.integers(0, 5),
    }
    platform = st.builds(
        Said, **parts | fixed, where=st.just("consent"),
        status=st.sampled_from(("requested", *YES, *NO[:4])),
        ground=st.sampled_from(("consent", "consent", "similar_goods")),
        jurisdiction=st.sampled_from(("DE", "US", None)),
        lasts=st.sampled_from((None, None, 5, 1000)),
    )  # fmt: skip
    tool = st.builds(
        Said, **parts | fixed, where=st.just("mail"),
        status=st.sampled_from(("confirmed", *NO[4:])), is_dated=st.booleans(),
    )  # fmt: skip
    return st.one_of(platform, tool)


STATEMENTS = st.lists(statement(), min_size=1, max_size=24)


@pytest.fixture(scope="module")
def allowed(tmp_path_factory, parsed):
    """Return a function that says which addresses may be mailed after some statements."""
    shop = Shop(tmp_path_factory.mktemp("consents"), parsed)
    shop.build("+int_consents_decided")
    shop.dbt("compile", "--select", *MODELS)
    with duckdb.connect(str(shop.warehouse)) as connection:
        connection.execute("create schema contact; create schema privacy")
        tables = {
            row[0]
            for row in connection.execute("select table_name from duckdb_tables()").fetchall()
        }
        for name in MODELS:
            if name == "consents":
                connection.execute(CONTACT_POINTS)
            relation = f"{SCHEMAS[name.split('_')[0]]}.{name}"
            if name in tables:
                connection.execute(f"drop table {relation}")
            connection.execute(f"create or replace view {relation} as {shop.compiled(name)}")
        as_of = START + timedelta(hours=LATER)
        connection.execute("insert into raw.clock values (?)", [as_of])

        def ask(statements):
            for table, columns in COLUMNS.items():
                connection.execute(f"delete from raw.{table}")
                rows = [one.row(i) for i, one in enumerate(statements)]
                chosen = [values for name, values in rows if name == table]
                if table == "mail__subscribers":
                    chosen += LISTED
                marks = ", ".join("?" for _ in columns.split(","))
                if chosen:
                    connection.executemany(
                        f"insert into raw.{table} ({columns}) values ({marks})", chosen
                    )
            return dict(
                connection.execute(
                    "select address, is_allowed from privacy.consents"
                    " inner join contact.contact_points using (contact_point_id)"
                ).fetchall()
            )

        yield lambda statements: {one for one, is_yes in ask(statements).items() if is_yes}


def examples(count):
    """Try so many lists of statements."""
    return settings(max_examples=count, deadline=None, derandomize=True, database=None)


def is_later(one, other):
    """Say whether a yes counts after a no; at the same moment it does not."""
    return one.at > other.at


def told(said):
    """Return all statements that rows make: whoever left the list confirmed an hour before."""
    before = [
        replace(one, status="confirmed", hour=one.hour - 1)
        for one in said
        if one.status == "unsubscribed"
    ]
    return [*said, *before]


@examples(40)
@given(said=STATEMENTS)
def test_whoever_is_mailed_said_yes_after_every_no(allowed, said):
    """Of both silos and of every version that ever arrived, and the yes is still good."""
    for address in allowed(said):
        own = [one for one in told(said) if one.address == address]
        assert any(
            yes.status in YES
            and (yes.lasts is None or yes.hour + yes.lasts > LATER)
            and all(is_later(yes, no) for no in own if no.status in NO)
            for yes in own
        )


@examples(40)
@given(said=STATEMENTS)
def test_an_objection_at_any_address_is_the_persons_until_they_say_yes_there(allowed, said):
    """Whatever else is said at that address: a lesser no undoes no objection."""
    for address in allowed(said):
        others = [
            one for one in told(said) if one.address != address and one.address[0] == address[0]
        ]
        for no in others:
            assert no.status not in ("objected", "complaint") or any(
                yes.address == no.address and yes.status in YES and is_later(yes, no)
                for yes in others
            )


@examples(25)
@given(said=STATEMENTS, data=st.data())
def test_what_is_delivered_again_allows_nobody(allowed, said, data):
    """The same rows once more on a later day, or as a copy under another number.

    But for the tool's list, whose newest version alone can say yes: that one may be another then.
    """
    repeated = [one for one in said if (one.where, one.status) != ("mail", "confirmed")]
    again = data.draw(st.lists(st.sampled_from(repeated), max_size=8)) if repeated else []
    copies = [
        replace(one, day=one.day + 9, identifier=one.identifier + ("x" if number % 2 else ""))
        for number, one in enumerate(again)
    ]

    assert allowed([*said, *copies]) <= allowed(said)


@examples(40)
@given(said=STATEMENTS, refusals=st.lists(statement(day=st.just(9)), max_size=6))
def test_a_no_that_comes_late_allows_nobody(allowed, said, refusals):
    """Whenever it was said: before or after what is known of the address."""
    late = [one for one in refusals if one.status in NO]

    assert allowed([*said, *late]) <= allowed(said)


@examples(25)
@given(said=STATEMENTS, late=st.lists(statement(day=st.just(9)), min_size=1, max_size=6))
def test_an_older_yes_that_comes_late_takes_no_no_back(allowed, said, late):
    """What was said before the last no, or at its very moment, changes nothing."""
    nos = {}
    for one in said:
        if one.status in NO:
            nos[one.address] = max(nos.get(one.address, one.at), one.at)
    older = [one for one in late if one.address in nos and one.at <= nos[one.address]]

    assert allowed([*said, *older]) <= allowed(said)


@examples(25)
@given(
    said=st.lists(statement(), min_size=1, max_size=24).map(
        lambda said: [one for one in said if one.where == "consent" or one.status in NO[4:6]]
    ),
    data=st.data(),
)
def test_the_order_of_arrival_decides_nothing(allowed, said, data):
    """What was said when decides, on whatever day and in whatever place of a file it lands."""
    shuffled = data.draw(st.permutations(said))
    moved = [replace(one, day=data.draw(st.integers(0, 5))) for one in shuffled]

    assert allowed(moved) == allowed(said)
