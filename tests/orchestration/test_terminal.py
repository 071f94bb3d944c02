"""What the last page of a run says, part by part."""

import pytest

from orchestration.terminal import console, show_summary

NOTHING = {
    "sources": [],
    "quarantine": [],
    "people": {"customers": 0, "source_records": 0, "merged_records": 0, "buyers": 0},
    "excluded_identifiers": {},
    "customer_merges": {},
    "stages": [],
    "deviations": [],
    "model": {"status": "missing", "reasons": [], "measures": []},
    "value": {"customers": 0, "reasons": ["no model was trained"]},
    "second_purchase": {"customers": 0, "reasons": ["no model was trained"]},
    "offers": {"customers": 0, "reasons": ["no model was trained"]},
    "uplift": {"customers": {}, "reasons": ["no model was trained"]},
    "visits": {"champion": None, "open": 0, "reasons": ["no model was trained"]},
    "leads": {"customers": 0, "kinds": [], "reasons": ["no model was trained"]},
}
MOVED = {
    "customers": {"unproven": 4000, "persuadable": 1200, "do_not_disturb": 30},
    "worth_contacting": 1900,
    "reasons": [""],
    "champion": "t_logit",
    "average": 0.0312,
}


@pytest.mark.parametrize(
    ("uplift", "said"),
    [
        (NOTHING["uplift"], "not known: no model was trained"),
        (
            MOVED,
            "4,000 unproven, 1,200 persuadable, 30 do not disturb; 1,900 are worth what a contact "
            "costs. On average it adds +3.1% orders (t_logit)",
        ),
    ],
)
def test_it_is_said_whom_a_contact_moves_or_that_nothing_tells(uplift, said):
    """A shop without anything has a page, too."""
    with console.capture() as captured:
        show_summary({**NOTHING, "uplift": uplift})

    assert f"Whom a contact moves  {said}" in " ".join(captured.get().split("\n"))
