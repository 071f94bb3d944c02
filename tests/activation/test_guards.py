"""Guards stop a run that would do harm, and say how to go on."""

from dataclasses import replace
from datetime import timedelta

import pytest

from activation import guards
from activation.errors import DuplicateKeys, EmptySource, FailedTests, MassRemoval, StaleModel
from activation.plan import PlanCounts
from tests.activation.world import AS_OF, KLAVIYO


def test_failed_test_of_an_ancestor_stops_the_sync():
    """A failed dbt test counts when the model is built from it."""
    with pytest.raises(FailedTests, match="customers"):
        guards.refuse_failed_tests(KLAVIYO, {"customers", "something_else"})


def test_failed_test_elsewhere_is_no_obstacle():
    """A failed dbt test of an unrelated model does not stop the sync."""
    guards.refuse_failed_tests(KLAVIYO, {"something_else"})


def test_stale_model_stops_the_sync():
    """A model built for a time before the allowed age is refused."""
    built = AS_OF - KLAVIYO.max_age - timedelta(minutes=1)

    with pytest.raises(StaleModel, match="48 hours"):
        guards.refuse_stale_model(KLAVIYO, built, AS_OF)


@pytest.mark.parametrize("built", [None, AS_OF, AS_OF - KLAVIYO.max_age])
def test_model_of_allowed_age_passes(built):
    """A model within its age, or of unknown age, is sent."""
    guards.refuse_stale_model(KLAVIYO, built, AS_OF)


@pytest.mark.parametrize("source", [guards.Source(3, 2, 2), guards.Source(3, 3, 2)])
def test_null_or_double_keys_stop_the_sync(source):
    """Every row of the model needs a key of its own."""
    with pytest.raises(DuplicateKeys, match="customer_id"):
        guards.refuse_duplicate_keys(KLAVIYO, source)


def test_empty_model_stops_the_sync_while_rows_are_held():
    """An empty model would remove everybody."""
    with pytest.raises(EmptySource, match="holds 5 rows"):
        guards.refuse_empty_source(KLAVIYO, guards.Source(0, 0, 0), 5, 0.3)


@pytest.mark.parametrize(("held", "share"), [(0, 0.3), (5, 1.0)])
def test_empty_model_passes_when_nothing_is_held_or_it_is_meant(held, share):
    """The first run may be empty, and a share of 1 says that it is meant."""
    guards.refuse_empty_source(KLAVIYO, guards.Source(0, 0, 0), held, share)


@pytest.mark.parametrize(
    ("removals", "held", "share", "refused"),
    [
        (301, 1000, 0.3, True),
        (300, 1000, 0.3, False),
        (100, 100, 0.3, False),
        (101, 101, 0.3, True),
        (1000, 1000, 1.0, False),
    ],
)
def test_mass_removal_needs_a_share_and_more_than_a_hundred_rows(removals, held, share, refused):
    """Small audiences may change wholly, large ones only up to their share."""
    counts = PlanCounts({"remove": removals})
    spec = replace(KLAVIYO, max_removal_share=share)

    if refused:
        with pytest.raises(MassRemoval, match=f"removes {removals} of {held}"):
            guards.refuse_mass_removal(spec, counts, held, share)
    else:
        guards.refuse_mass_removal(spec, counts, held, share)
