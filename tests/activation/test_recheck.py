"""The gate is asked again while a plan is under way: for new rows, and after a minute."""

from activation.comparison import Comparison
from activation.gate import gate_for
from activation.ledger_schema import create_tables
from activation.plan import seal
from activation.recheck import Recheck
from tests.activation.world import AS_OF, KEYS, people


def test_answer_is_kept_for_a_minute_and_for_its_rows(world):
    """A withdrawal counts for the next question, which comes with new rows or with time."""
    world.desire(people(3))
    world.allow(people(3))
    create_tables(world.connection)
    gate = gate_for(world.connection, world.spec, AS_OF)
    seal(Comparison(world.connection, world.spec, gate, "here", KEYS), "run")
    clock = [0.0]
    recheck = Recheck(world.connection, gate, "run", 100_000, lambda: clock[0])

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
