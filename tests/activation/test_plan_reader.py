"""A plan is read ahead while it is sent, and what may be sent is asked as late as ever."""

import threading
import time
from contextlib import closing

import pytest

from activation import plan_reader
from activation.comparison import Comparison
from activation.gate import gate_for
from activation.ledger_schema import create_tables
from activation.plan import seal
from activation.plan_reader import PlanReader
from activation.recheck import Recheck
from tests.activation.world import AS_OF, KEYS, people

BATCH_ROWS = {"upsert": 2, "remove": 2}


class Counting:
    """A warehouse connection that remembers how many questions were streamed."""

    def __init__(self, connection):
        self.connection, self.asked, self.error = connection, 0, None

    def __getattr__(self, name):
        return getattr(self.connection, name)

    def stream(self, sql, batch_rows):
        """Yield the rows, or fail as told."""
        if self.error:
            raise self.error
        yield from self.connection.stream(sql, batch_rows)
        self.asked += 1

    def wait_for(self, count):
        """Wait until so many questions were answered."""
        deadline = time.monotonic() + 20
        while self.asked < count and time.monotonic() < deadline:
            time.sleep(0.01)
        return self.asked


@pytest.fixture
def sealed(world, monkeypatch):
    """Return a counting connection and the parts of a plan of eight rows in four batches."""
    monkeypatch.setattr(plan_reader, "WINDOW_ROWS", 4)
    world.desire(people(8))
    world.allow(people(8))
    create_tables(world.connection)
    gate = gate_for(world.connection, world.spec, AS_OF)
    seal(Comparison(world.connection, world.spec, gate, "here", KEYS), "run")
    world.connection.execute(
        "update ledger.plan_rows set upsert_batch = cast(floor((row_number - 1) / 2) as bigint)"
    )
    counting = Counting(world.connection)
    return counting, PlanReader(counting, Recheck(counting, gate, "run", 2), "run", BATCH_ROWS)


def test_the_next_window_is_read_before_it_is_asked_for_and_no_other(sealed):
    """Of four batches in two windows the second window comes by itself; there is no third."""
    connection, reader = sealed

    with closing(reader):
        count = reader.count_batches("upsert")
        first = reader.upserts(0)
        read_ahead = connection.wait_for(2)
        rest = [reader.upserts(number) for number in range(1, count)]

    numbers = [row.number for found in (first, *rest) for row in found.rows]
    assert (count, read_ahead, connection.asked) == (4, 2, 2)
    assert numbers == list(range(1, 9))


def test_a_no_that_comes_after_a_window_was_read_is_heard(world, sealed):
    """The rows lie ready in memory; the gate is asked again all the same, and one stays here."""
    connection, reader = sealed

    with closing(reader):
        reader.count_batches("upsert")
        reader.upserts(0)
        connection.wait_for(2)
        world.forget("p6")
        reader.recheck.news = lambda: True
        reader.recheck.listen()
        late = reader.upserts(3)

    assert [row.key for row in late.rows] == ["c7"]
    assert late.blocked == {7: "no_contact_point"}


def test_what_keeps_a_window_from_being_read_is_told_when_it_is_asked_for(sealed):
    """The first window is sent; nothing is taken for read that was not."""
    connection, reader = sealed

    with closing(reader):
        reader.count_batches("upsert")
        connection.error = OSError("the disk is gone")
        with pytest.raises(OSError, match="the disk is gone"):
            reader.upserts(0)


def test_a_closed_reader_leaves_no_thread_behind(sealed):
    """A run that stops in the middle waits for the question that is under way."""
    connection, reader = sealed

    with closing(reader):
        reader.count_batches("upsert")
        reader.upserts(0)
        alive = [thread for thread in threading.enumerate() if thread.name.startswith("plan")]

    assert len(alive) == 1
    assert not alive[0].is_alive()
    assert connection.asked == 2
