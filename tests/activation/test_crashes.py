"""Killed at any step, a delivery loses nothing and repeats at most what was in flight."""

import pytest

from tests.activation.crashes import CELLS, crash


@pytest.mark.parametrize(("vendor", "point"), CELLS)
def test_a_kill_costs_at_most_what_was_in_flight(tmp_path, vendor, point):
    """The next run completes the audience, and the one after it has nothing to send.

    Killed while polling, fewer: accepted jobs are asked for by the next run and not sent again.
    """
    cell = crash(vendor, point, tmp_path)

    assert cell.lost == 0
    assert cell.resent <= cell.in_flight
    assert point != "while_polling" or cell.resent < cell.in_flight
    assert cell.requests_afterwards == 0
