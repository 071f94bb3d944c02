"""A demo reaches the sandbox and nothing else."""

import pytest

from activation.destinations import DESTINATIONS, missing_settings, settings_for
from orchestration.platforms import VENDORS, addresses
from tests.contracts.destinations import HTTP

SANDBOX = "http://127.0.0.1:1"


def test_every_place_outside_is_replaced_for_a_demo():
    """Whatever the environment says: vendors become the sandbox, databases and servers nothing."""
    real = "https://user:secret@real.example.com/x"
    kinds = [settings_for(name, {}) for name in DESTINATIONS]
    places = {
        variable
        for kind in kinds
        for variable in kind.ENVIRONMENT.values()
        if variable.endswith("_URL")
    }
    given = {**dict.fromkeys(places, real), **addresses(SANDBOX, "token")}

    assert {given[place] for place in places if given[place]} == {
        f"{SANDBOX}/{vendor}" for vendor in VENDORS
    }
    assert missing_settings(settings_for("table", given)) == ("REGULARS_TABLE_URL",)


@pytest.mark.parametrize("name", HTTP)
def test_every_vendor_leads_to_the_sandbox(name):
    """Whoever forgets one sends a demo's people to a real account."""
    settings = settings_for(name, addresses(SANDBOX, "a token"))

    assert missing_settings(settings) == ()
    assert settings.base_url.startswith(f"{SANDBOX}/")
