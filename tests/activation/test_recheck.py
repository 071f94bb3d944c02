"""Gate and model are asked again while a plan is under way: for new rows, and after a minute."""

from dataclasses import replace

import pytest

from activation import recheck as recheck_module
from activation.comparison import Comparison
from activation.errors import NewsUnreadable
from activation.gate import gate_for
from activation.ledger_schema import create_tables
from activation.plan import seal
from activation.recheck import Recheck
from activation.rows import desired_rows
from activation.syncs import run_sync
from tests.activation.world import AS_OF, KEYS, LANDED, people


def sealed(world, spec):
    """Seal a plan of what is desired, and return the gate it was made with."""
    create_tables(world.connection)
    gate = gate_for(world.connection, spec, AS_OF)
    seal(Comparison(world.connection, spec, gate, "here", KEYS), "run")
    return gate


def test_answer_is_kept_for_a_minute_and_for_its_rows(world):
    """A withdrawal counts for the next question, which comes with new rows or with time."""
    world.desire(people(3))
    world.allow(people(3))
    gate = sealed(world, world.spec)
    clock = [0.0]
    recheck = Recheck(world.connection, gate, "run", 1_000_000, lambda: clock[0])

    assert recheck.blocked(0) == {}
    world.forget("p1")
    assert recheck.blocked(0) == {}
    assert recheck.blocked(1) == {}
    assert recheck.blocked(0) == {2: "no_contact_point"}
    world.forget("p2")
    clock[0] = 61.0

    assert recheck.blocked(0) == {2: "no_contact_point", 3: "no_contact_point"}


def test_one_question_covers_many_small_batches(world):
    """Platforms that take few rows at a time do not cost a scan for each of them."""
    world.desire(people(3))
    world.allow(people(3))
    create_tables(world.connection)
    gate = gate_for(world.connection, world.spec, AS_OF)
    recheck = Recheck(world.connection, gate, "run", 100)
    recheck.blocked(0)
    world.connection.execute("drop table privacy.consents")

    assert recheck.blocked(999) == {}


@pytest.mark.parametrize(("many", "named"), [(2, 10_000), (2, 0), (0, 10_000)])
def test_few_columns_and_the_gate_alone_say_the_same(world, monkeypatch, many, named):
    """Whoever few columns do not clear is judged by the gate, one by one or with all others."""
    monkeypatch.setattr(recheck_module, "_MANY", many)
    monkeypatch.setattr(recheck_module, "_MOST_NAMED", named)
    spec = replace(world.spec, leaves_on=frozenset({"shop/orders"}))
    persons = people(8)
    world.desire(persons)
    world.allow(persons)
    gate = sealed(world, spec)
    world.forget("p0")
    for statement in (
        "update privacy.consents set reason = 'withdrawn', is_allowed = false"
        " where contact_point_id = 'p1'",
        "update contact.contact_points set address = 'else@example.com'"
        " where contact_point_id = 'p2'",
        "update contact.contact_points set is_deliverable = null where contact_point_id = 'p3'",
        "insert into decisions.holds values ('c4', 'case', null, null, true)",
        f"delete from {spec.relation} where customer_id = 'c5'",
    ):
        world.connection.execute(statement)
    land(world, "c6", "left_audience", None, None, "shop/orders")

    found = Recheck(world.connection, gate, "run", 1_000).blocked(0)

    assert found == {
        1: "no_contact_point", 2: "consent_withdrawn", 3: "contact_point_mismatch",
        4: "undeliverable", 5: "service_hold", 6: "left_audience", 7: "left_audience",
    }  # fmt: skip


def test_few_rows_of_many_are_asked_about_alone(world):
    """To read all consents is worth it for a plan of half the persons, not for one in three."""
    world.desire(people(1))
    world.allow(people(3))
    gate = sealed(world, world.spec)
    recheck = Recheck(world.connection, gate, "run", 1_000)

    assert recheck.blocked(0) == {}
    among_three = recheck._are_many()
    world.forget("p2")
    assert (among_three, recheck._are_many()) == (False, True)


# What the warehouse learns of the second of three persons after the plan is sealed.
NEWS = {
    "consent_withdrawn": "update privacy.consents set is_allowed = false, reason = 'withdrawn'"
    " where contact_point_id = 'p1'",
    "objection": "update privacy.consents set is_allowed = false, reason = 'objected'"
    " where contact_point_id = 'p1'",
    "complaint": "insert into privacy.suppressions values ('x', 'c1', 'email', 'complained', null)",
    "service_hold": "insert into decisions.holds values ('c1', 'case', null, null, true)",
    "left_audience": "insert into core.orders values ('c1')",
}


@pytest.mark.parametrize("reason", NEWS)
def test_news_between_plan_and_batch_keeps_the_row_at_home(world, settings, klaviyo, reason):
    """Consent, objection, suppression, hold, and the exit: who bought meanwhile is not nudged."""
    relation = world.spec.relation
    world.desire(people(3))
    world.allow(people(3))
    world.connection.execute("create table core.orders (customer_id varchar)")
    world.connection.execute(f"alter table {relation} rename to nudged")
    schema = relation.partition(".")[0]
    world.connection.execute(
        f"create view {relation} as select * from {schema}.nudged"
        " where customer_id not in (select customer_id from core.orders)"
    )
    news = [NEWS[reason]]
    client = klaviyo.client()
    client.event_hooks = {
        "request": [lambda _: [world.connection.execute(news.pop()) for _ in tuple(news)]]
    }

    summary = run_sync(
        world.connection, world.spec, settings, as_of=AS_OF, keys=KEYS, client=client
    )

    told = "select row_key, code from ledger.plan_rows where state = 'blocked'"
    assert (summary.added, summary.delivered, summary.blocked_at_dispatch) == (3, 2, 1)
    assert world.connection.execute(told) == [("c1", reason)]
    assert sorted(klaviyo.emails()) == ["person0@example.com", "person2@example.com"]


def land(world, *row):
    """Write down what a landed row says."""
    world.connection.execute(LANDED)
    world.connection.execute("insert into raw.landed_news values (?, ?, ?, ?, ?)", row)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (("consent_withdrawn", "email", "marketing"), "consent_withdrawn"),
        (("consent_withdrawn", "all", None), "consent_withdrawn"),
        (("consent_withdrawn", "push", "marketing"), None),
        (("consent_withdrawn", "email", "ads_user_data"), None),
        (("objection", "email", "ads_user_data"), "objection"),
        (("complaint", "email", None), "complaint"),
        (("service_hold", None, None), "service_hold"),
        (("erased", None, None), "erased"),
        (("left_audience", None, None), None),
    ],
)
def test_landed_news_forbid_where_they_apply(world, row, expected):
    """Channel and purpose as the row says; an objection is about the person."""
    world.desire(people(2))
    world.allow(people(2))
    land(world, "c1", *row, "any/table")

    judged = gate_for(world.connection, world.spec, AS_OF).judged(f"({desired_rows(world.spec)})")

    found = world.connection.execute(f"select row_key, block_reason from ({judged}) as judged")
    assert dict(found) == {"c0": None, "c1": expected}


def test_what_lands_between_two_batches_is_honoured(world, settings, klaviyo):
    """Before anything is built: the second batch goes without her, and without who has bought."""
    spec = replace(world.spec, leaves_on=frozenset({"shop/orders"}))
    world.desire(people(5))
    world.allow(people(5))
    rows = [("c3", "consent_withdrawn", "email", None, "mail/subscribers"),
            ("c1", "left_audience", None, None, "shop/orders"),
            ("c2", "left_audience", None, None, "store/receipts")]  # fmt: skip
    heard = []

    def news():
        heard.append(len(heard))
        if len(heard) != 2:
            return False
        for row in rows:
            land(world, *row)
        return True

    summary = run_sync(
        world.connection, spec, settings, as_of=AS_OF, keys=KEYS, client=klaviyo.client(),
        news=news,
    )  # fmt: skip

    told = "select row_key, code from ledger.plan_rows where state = 'blocked' order by 1"
    assert (summary.added, summary.delivered) == (5, 3)
    assert world.connection.execute(told) == [
        ("c1", "left_audience"), ("c3", "consent_withdrawn"),
    ]  # fmt: skip


def test_news_that_cannot_be_read_let_what_is_out_come_back(world, settings, klaviyo):
    """The run stops; what was sent is acknowledged, and the rest waits for the next run."""
    world.desire(people(3))
    world.allow(people(3))
    heard = []

    def news():
        heard.append(len(heard))
        if len(heard) == 2:
            raise NewsUnreadable("a file is broken")
        return False

    def run(news):
        return run_sync(
            world.connection, world.spec, settings, as_of=AS_OF, keys=KEYS,
            client=klaviyo.client(), news=news,
        )  # fmt: skip

    with pytest.raises(NewsUnreadable):
        run(news)
    assert not klaviyo.emails()
    assert run(lambda: False).delivered == 3


def test_news_of_before_the_plan_take_somebody_off_the_list(world, settings, klaviyo):
    """A withdrawal is a removal, whether or not the models know it; a purchase is none."""
    spec = replace(world.spec, leaves_on=frozenset({"shop/orders"}), max_removal_share=1.0)
    world.desire(people(3))
    world.allow(people(3))

    def run():
        return run_sync(
            world.connection, spec, settings, as_of=AS_OF, keys=KEYS, client=klaviyo.client()
        )

    run()
    land(world, "c1", "consent_withdrawn", "email", None, "mail/subscribers")
    land(world, "c2", "left_audience", None, None, "shop/orders")

    assert run().removed == 1
    assert sorted(klaviyo.emails()) == ["person0@example.com", "person2@example.com"]
