"""The daily run erases who asked for it only where somebody said so, and never very many."""

import os

import duckdb
import pytest

from orchestration.erasure.command import Pending, TooManyRequests
from orchestration.erasure.daily import erase_daily
from orchestration.erasure.journal import Asked, alone
from orchestration.settings import InvalidSetting, read_settings

CUSTOMERS = """
create schema core;
create schema contact;
create schema raw;
create table core.customers as select 'c' || i as customer_id from range(100) r (i);
create table contact.customer_identities as
select customer_id, 'S' || customer_id as identifier_value, false as is_shared
from core.customers;
create table core.customer_aliases (former_customer_id varchar, customer_id varchar);
create table raw.rights__erasure_requests as
select 'r' || i as request_id, 'any' as identifier_type, 'c' || i as identifier,
    timestamp '2026-10-31' as requested_at from range(30) r (i);
"""
ASKED = tuple(Asked(f"r{number}", "requested", "2026-10-31") for number in (1, 2))
WAITING = Pending(((ASKED[0], "c1"), (ASKED[1], "c2")), (("r3", "nobody"),), 60_000)


class Eraser:
    """Notes what it is asked to erase, and writes the certificates of these requests."""

    def __init__(self, *done):
        self.done = done
        self.asked = []

    def __call__(self, settings, most):
        """Write certificates."""
        self.asked.append(most)
        settings.erasures.mkdir(parents=True, exist_ok=True)
        for name in self.done:
            (settings.erasures / f"{name}.json").write_text("{}")
        return len(self.done)


def settings(tmp_path, said=""):
    """Return the settings of a state folder where the variable says something."""
    return read_settings({"REGULARS_HOME": str(tmp_path), "REGULARS_ERASE_PENDING": said})


def test_without_a_word_nobody_is_erased(tmp_path):
    """They are counted, so that somebody sees them wait."""
    erase = Eraser("r1")

    outcome = erase_daily(settings(tmp_path), lambda _: WAITING, erase)

    assert (outcome.status, outcome.pending, outcome.unclear) == ("off", 2, 1)
    assert (outcome.erased, erase.asked) == (0, [])


def test_with_one_they_are_and_the_certificates_are_named(tmp_path):
    """A request that was not finished has none; the limit grows with the shop."""
    erase = Eraser("r1")

    outcome = erase_daily(settings(tmp_path, "daily"), lambda _: WAITING, erase)

    erase.done = ()
    again = erase_daily(settings(tmp_path, "daily"), lambda _: Pending(), erase)
    assert (outcome.status, outcome.erased, outcome.certificates) == ("erased", 1, ("r1.json",))
    assert (again.status, again.erased, again.certificates) == ("nothing", 0, ())
    assert erase.asked == [60, 20]


def test_certificates_that_a_killed_erasure_wrote_are_named_by_the_run_that_ends_it(tmp_path):
    """It was killed after them and before its journal was closed: they are written again."""
    mine, erase = settings(tmp_path, "daily"), Eraser("r1")
    erase(mine, 0)
    os.utime(mine.erasures / "r1.json", ns=(1, 1))

    outcome = erase_daily(mine, lambda _: Pending(), erase)

    assert (outcome.status, outcome.certificates) == ("erased", ("r1.json",))


def test_a_run_inside_of_an_erasure_leaves_it_alone(tmp_path):
    """An erasure builds everything anew with the daily run, whose asset must not wait for it."""
    mine = settings(tmp_path, "daily")

    def erase(one, _):
        with alone(one.erasures):
            raise AssertionError("nobody else was erasing")

    with alone(mine.erasures):
        outcome = erase_daily(mine, lambda _: WAITING, erase)

    assert (outcome.status, outcome.erased) == ("busy", 0)
    with pytest.raises(AssertionError):
        erase_daily(mine, lambda _: WAITING, erase)


def test_another_word_is_refused(tmp_path):
    """A yes that means no is worse than an error."""
    with pytest.raises(InvalidSetting, match="neither daily nor empty"):
        erase_daily(settings(tmp_path, "yes"), lambda _: WAITING, Eraser())


def test_more_than_is_usual_wait_for_a_person(tmp_path):
    """A forged file of requests must not empty the shop; nothing is begun."""
    mine = settings(tmp_path, "daily")
    with duckdb.connect(str(mine.warehouse)) as connection:
        connection.execute(CUSTOMERS)

    with pytest.raises(TooManyRequests, match="30 persons ask to be erased at once, more than 20"):
        erase_daily(mine)

    assert not (mine.erasures / "open.journal").exists()
    with duckdb.connect(str(mine.warehouse)) as connection:
        assert connection.execute("select count(*) from core.customers").fetchone() == (100,)
