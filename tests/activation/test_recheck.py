"""Gate and model are asked again while a plan is under way: for new rows, and after a minute."""

import pytest

from activation.comparison import Comparison
from activation.gate import gate_for
from activation.ledger_schema import create_tables
from activation.plan import seal
from activation.recheck import Recheck
from activation.syncs import run_sync
from tests.activation.world import AS_OF, KEYS, people


def test_answer_is_kept_for_a_minute_and_for_its_rows(world):
    """A withdrawal counts for the next question, which comes with new rows or with time."""
    world.desire(people(3))
    world.allow(people(3))
    create_tables(world.connection)
    gate = gate_for(world.connection, world.spec, AS_OF)
    seal(Comparison(world.connection, world.spec, gate, "here", KEYS), "run")
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
