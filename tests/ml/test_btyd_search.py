"""A fit to many histories takes the short way where it ends where the long one does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from ml.btyd import dropout, histories
from ml.btyd.dropout import BG_NBD, MBG_NBD, Kind
from ml.btyd.histories import Histories, group, summarise
from ml.btyd.search import polish, search

KINDS: tuple[Kind, ...] = (BG_NBD, MBG_NBD)


@pytest.fixture(scope="module")
def everybody(cdnow: pd.DataFrame) -> Histories:
    """All 23,570 customers of CDNOW after 39 weeks."""
    known = summarise(cdnow, as_of=pd.Timestamp("1997-09-30 23:00"))
    return group(known["repeats"], known["recency_days"], known["age_days"])


@pytest.mark.parametrize("kind", KINDS)
def test_a_few_histories_and_then_all_lead_where_all_do(everybody: Histories, kind: Kind) -> None:
    """The short way ends where the long one does, to the fourth digit, in a few passes."""
    some, every = (dropout._cost(h, kind) for h in (everybody.thinned(2_000), everybody))
    counted = 0

    def counting(point: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        nonlocal counted
        counted += 1
        return every(point)

    near = search(some, dropout.STARTS, dropout.LIMITS)
    short = polish(some, counting, near.point)
    whole = search(every, dropout.STARTS, dropout.LIMITS)

    assert short is not None
    assert 2 <= counted <= 4
    assert short.point == pytest.approx(whole.point, abs=5e-5)
    assert short.cost <= whole.cost + 1e-10


def test_a_sample_without_a_lowest_point_leads_nowhere() -> None:
    """Flat, or steps that do not shrink: the long way is taken."""

    def flat(point: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        return 0.0, np.zeros(4)

    def bowl(point: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        return float(point @ point) / 2, point

    def steep(point: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        return float(np.abs(point).sum()), 3 * np.sign(point)

    assert polish(flat, bowl, np.ones(4)) is None
    assert polish(bowl, steep, np.ones(4)) is None
    assert polish(bowl, bowl, np.ones(4)).cost == pytest.approx(0)


def test_pairs_of_repeats_and_age_are_those_of_the_histories(
    everybody: Histories, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each history finds its own pair, whether pairs are flagged or sorted."""
    for most in (10**9, 0):
        monkeypatch.setattr(histories, "MOST_FLAGS", most)
        known = replace(everybody)
        repeats, age, places = known.by_repeats_and_age

        assert len(repeats) < len(known.counts)
        assert (repeats[places] == known.repeats).all()
        assert (age[places] == known.age_days).all()
