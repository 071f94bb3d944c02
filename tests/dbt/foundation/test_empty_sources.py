"""A shop that has connected nothing yet."""

import pytest

pytestmark = pytest.mark.slow


def test_missing_sources_are_empty_relations(empty_shop):
    """Everything builds, all claims hold, and the unit tests of all models pass."""
    empty_shop.dbt("build")

    assert empty_shop.query("select count(*) from core.customers") == [(0,)]
    assert empty_shop.query("select count(*) from privacy.consents") == [(0,)]
