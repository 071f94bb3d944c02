"""Of a list of exclusions it is told how many customers it reaches: consented, and matchable."""

from dataclasses import replace

import pytest

from activation.errors import InvalidSpecs
from activation.spec import load_specs
from activation.syncs import diff_sync, run_sync
from tests.activation.test_spec import manifest
from tests.activation.world import AS_OF, KEYS, people, person

HALF = "update privacy.consents set is_allowed = false, reason = 'withdrawn'"


def run(world, settings, klaviyo):
    """Run the sync against the stub."""
    return run_sync(
        world.connection, world.spec, settings, as_of=AS_OF, keys=KEYS, client=klaviyo.client()
    )


def look(world, settings):
    """Return what a run would do."""
    return diff_sync(world.connection, world.spec, settings, as_of=AS_OF, keys=KEYS)


@pytest.fixture
def excluded(world):
    """Ten customers: three without a consent, one without a contact point, one not matchable."""
    world.spec = replace(world.spec, is_exclusion=True)
    rows = [*people(9), person(9, email="no address")]
    world.allow(rows)
    world.forget("p8")
    world.connection.execute(f"{HALF} where contact_point_id in ('p0', 'p1', 'p2')")
    world.desire(rows)
    return world


def test_coverage_counts_who_consented_and_can_be_matched(excluded, settings, klaviyo):
    """Before the first run, after it, and when nothing is left to do."""
    before = look(excluded, settings)
    first = run(excluded, settings, klaviyo)
    again = run(excluded, settings, klaviyo)
    after = look(excluded, settings)

    assert len(klaviyo.emails()) == 5
    assert [one.coverage for one in (before, first, again, after)] == [0.5] * 4


def test_a_refused_identifier_is_no_match(excluded, settings, klaviyo):
    """Whom the platform does not take sees the campaign."""
    klaviyo.rejected = frozenset({"person5@example.com"})

    summary = run(excluded, settings, klaviyo)

    assert (summary.desired, summary.coverage) == (10, 0.4)


def test_other_lists_have_no_coverage(excluded, settings, klaviyo):
    """Nor has an empty one, or one that is switched off."""
    ordinary = replace(excluded.spec, is_exclusion=False)
    off = replace(excluded.spec, is_enabled=False)
    run(excluded, settings, klaviyo)
    for spec in (ordinary, off):
        excluded.spec = spec
        assert look(excluded, settings).coverage is None
    excluded.spec = replace(ordinary, is_exclusion=True)
    excluded.desire([])
    assert look(excluded, settings).coverage is None


def test_a_list_of_exclusions_says_so_in_its_exposure():
    """Without a word it is an ordinary one."""
    assert [load_specs(manifest(**one))[0].is_exclusion for one in ({}, {"exclusion": True})] == [
        False, True,
    ]  # fmt: skip
    with pytest.raises(InvalidSpecs, match="exclusion is neither true nor false"):
        load_specs(manifest(exclusion="existing"))
