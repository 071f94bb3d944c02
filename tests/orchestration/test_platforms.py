"""A demo reaches every destination, and none of them for real."""

import pytest

from activation.destinations import missing_settings, settings_for
from orchestration.platforms import addresses
from tests.contracts.destinations import HTTP


@pytest.mark.parametrize("name", HTTP)
def test_every_destination_leads_to_the_sandbox(name):
    """Whoever forgets one sends a demo's people to a real account."""
    settings = settings_for(name, addresses("http://127.0.0.1:1", "a token"))

    assert missing_settings(settings) == ()
    assert settings.base_url.startswith("http://127.0.0.1:1/")
