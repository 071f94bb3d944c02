"""Tests of the calendar: seasons and clocks."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from sandbox.shop.calendar import Calendar, local_micros, utc_micros
from sandbox.shop.parameters import ShopParameters
from sandbox.shop.world import DEFAULT_UNTIL, World

BERLIN = ZoneInfo("Europe/Berlin")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "wall",
    [
        datetime(2026, 1, 15, 12),
        datetime(2026, 7, 15, 12),
        datetime(2025, 3, 30, 1, 59),
        datetime(2025, 3, 30, 3, 1),
        datetime(2025, 10, 26, 1, 59),
        datetime(2025, 10, 26, 3, 1),
    ],
)
def test_berlin_time_becomes_utc(wall):
    """Local moments are turned into UTC with the hour that is right on that day."""
    local = wall.replace(tzinfo=BERLIN)
    days = (wall - datetime(1970, 1, 1)) / timedelta(days=1)
    expected = (local.astimezone(UTC) - EPOCH) // timedelta(microseconds=1)

    assert utc_micros(np.array([days]))[0] == expected
    assert local_micros(np.array([days]))[0] == round(days * 86_400) * 1_000_000


def test_a_year_of_seasons_has_a_year_of_time():
    """The season moves purchases inside the year but leaves their yearly number alone."""
    calendar = World("demo", 1, ShopParameters()).calendar(DEFAULT_UNTIL)
    years = calendar.to_operational(calendar.start + 365.25 * np.arange(6))

    assert np.diff(years) == pytest.approx(365.25, rel=0.01)


def test_operational_time_can_be_reversed():
    """Turning days into operational time and back gives the same days."""
    calendar = Calendar(19_000, 20_000, 19_500)
    days = np.linspace(19_000, 20_300, 200)

    assert calendar.to_day(calendar.to_operational(days)) == pytest.approx(days)
