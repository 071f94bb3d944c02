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
        f"{SANDBOX}/webhook/hooks/demo",
        *(f"{SANDBOX}/{vendor}" for vendor in VENDORS),
    }
    assert missing_settings(settings_for("table", given)) == ("REGULARS_TABLE_URL",)


@pytest.mark.parametrize("name", HTTP)
def test_every_destination_leads_to_the_sandbox(name):
    """Whoever forgets one sends a demo's people to a real account."""
    given = addresses(SANDBOX, "a token")
    settings = settings_for(name, given)

    assert missing_settings(settings) == ()
    if name == "web_push":  # it writes to the address in each row, of these services alone
        assert given["REGULARS_WEB_PUSH_SERVICES"] == "127.0.0.1"
    else:
        assert DESTINATIONS[name](settings).base_url.startswith(SANDBOX)
