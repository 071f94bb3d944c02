"""Fixtures shared by the tests of activation."""

import pytest

from activation.destinations.klaviyo import KlaviyoSettings
from tests.activation.postgres import postgres
from tests.activation.stub_klaviyo import StubKlaviyo
from tests.activation.world import world_at


@pytest.fixture
def world(tmp_path):
    """Return a fresh warehouse with the Klaviyo sync."""
    with world_at(tmp_path / "warehouse.duckdb") as fresh:
        yield fresh


@pytest.fixture
def klaviyo():
    """Return Klaviyo in memory."""
    return StubKlaviyo()


@pytest.fixture
def settings():
    """Return the settings the stub accepts."""
    return KlaviyoSettings(api_key="secret")


@pytest.fixture(scope="session")
def running():
    """Run one Postgres for all tests of this process."""
    with postgres() as server:
        yield server


@pytest.fixture
def server(running):
    """Return the Postgres with an empty database."""
    running.renew()
    return running
