"""Guards stop a run that would do harm, and say how to go on."""

from dataclasses import replace
from datetime import timedelta

import pytest

from activation import guards
from activation.errors import (
    ConsentFell,
    DuplicateKeys,
    EmptySource,
    FailedTests,
    GuardRefused,
    MassRemoval,
    StaleModel,
)
from activation.jumps import LastDelivery
from activation.plan import PlanCounts
from tests.activation.world import AS_OF, KLAVIYO


@pytest.mark.parametrize(
    ("failed", "refused"),
    [({"customers", "something_else"}, True), ({"something_else"}, False), (set(), False)],
)
def test_failed_test_stops_the_sync_whose_model_is_built_from_it(failed, refused):
    """A failed dbt test counts for ancestors only."""
    if refused:
        with pytest.raises(FailedTests, match="customers"):
            guards.refuse_failed_tests(KLAVIYO, failed)
    else:
        guards.refuse_failed_tests(KLAVIYO, failed)


@pytest.mark.parametrize(
    ("built", "refused"),
    [
        (None, False),
        (AS_OF, False),
        (AS_OF - KLAVIYO.max_age, False),
        (AS_OF - KLAVIYO.max_age - timedelta(minutes=1), True),
    ],
)
def test_model_built_for_a_time_before_the_allowed_age_stops_the_sync(built, refused):
    """A model within its age, or of unknown age, is sent."""
    if refused:
        with pytest.raises(StaleModel, match="48 hours"):
            guards.refuse_stale_model(KLAVIYO, built, AS_OF)
    else:
        guards.refuse_stale_model(KLAVIYO, built, AS_OF)


@pytest.mark.parametrize("source", [guards.Source(3, 2, 2), guards.Source(3, 3, 2)])
def test_null_or_double_keys_stop_the_sync(source):
    """Every row of the model needs a key of its own."""
    with pytest.raises(DuplicateKeys, match="customer_id"):
        guards.refuse_duplicate_keys(KLAVIYO, source)


@pytest.mark.parametrize(
    ("held", "share", "refused"), [(5, 0.1, True), (0, 0.1, False), (5, 1.0, False)]
)
def test_empty_model_stops_the_sync_while_rows_are_held(held, share, refused):
    """It would remove everybody; a first run may be empty, and a sync whose share is 1."""
    spec = replace(KLAVIYO, max_removal_share=share)

    if refused:
        with pytest.raises(EmptySource, match=f"holds {held} rows"):
            guards.refuse_empty_source(spec, guards.Source(0, 0, 0), held)
    else:
        guards.refuse_empty_source(spec, guards.Source(0, 0, 0), held)


@pytest.mark.parametrize(
    ("removals", "held", "share", "refused"),
    [
        (101, 1000, 0.1, True),
        (100, 1000, 0.1, False),
        (20, 20, 0.1, False),
        (21, 21, 0.1, True),
        (300, 1000, 0.3, False),
        (1000, 1000, 1.0, False),
    ],
)
def test_mass_removal_needs_a_share_and_more_than_twenty_rows(removals, held, share, refused):
    """Small audiences may change wholly, large ones only up to their share."""
    counts = PlanCounts({"remove": removals})
    spec = replace(KLAVIYO, max_removal_share=share)

    if refused:
        with pytest.raises(MassRemoval, match=f"removes {removals} of {held:,}"):
            guards.refuse_mass_removal(spec, counts, held)
    else:
        guards.refuse_mass_removal(spec, counts, held)


@pytest.mark.parametrize(
    ("desired", "allowed", "refused"),
    [(100, 59, True), (100, 60, False), (200, 120, False), (200, 118, True), (20, 0, False)],
)
def test_consent_that_fell_by_more_than_twenty_points_stops_the_sync(desired, allowed, refused):
    """The share of allowed rows counts, not their number; small audiences prove nothing."""
    last = LastDelivery(100, AS_OF, allowed=80)

    if refused:
        with pytest.raises(ConsentFell, match="80% were at the last delivery"):
            guards.refuse_fallen_consent(KLAVIYO, desired, allowed, last)
    else:
        guards.refuse_fallen_consent(KLAVIYO, desired, allowed, last)


@pytest.mark.parametrize(
    "refuse",
    [
        lambda: guards.refuse_failed_tests(KLAVIYO, {"customers"}),
        lambda: guards.refuse_stale_model(KLAVIYO, AS_OF - timedelta(days=9), AS_OF),
        lambda: guards.refuse_unknown_key(KLAVIYO, 3),
        lambda: guards.refuse_empty_source(KLAVIYO, guards.Source(0, 0, 0), 5),
        lambda: guards.refuse_fallen_consent(KLAVIYO, 100, 0, LastDelivery(100, AS_OF, 80)),
        lambda: guards.refuse_mass_removal(KLAVIYO, PlanCounts({"remove": 50}), 50),
    ],
)
def test_every_guard_says_to_look_and_then_to_name_the_plan(refuse):
    """There is one way past all of them, and it begins with looking."""
    with pytest.raises(GuardRefused, match=r"Look at `regulars plan .*--plan DIGEST"):
        refuse()
