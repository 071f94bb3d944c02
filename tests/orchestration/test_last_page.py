"""What the last page of a run says, part by part."""

import pytest

from orchestration.last_page import show_summary
from orchestration.terminal import console

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
    "timing": {"customers": 0, "reasons": ["no model was trained"]},
    "groups": {"customers": {}, "reasons": ["no model was trained"]},
    "visits": {"champion": None, "open": 0, "reasons": ["no model was trained"]},
    "leads": {"customers": 0, "kinds": [], "reasons": ["no model was trained"]},
}
TIMED = {
    "customers": 5000, "own_hour": 1200, "own_channel": 0, "hour": 7, "channel": "email",
    "reasons": [""],
}  # fmt: skip
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


@pytest.mark.parametrize(
    ("timing", "said"),
    [
        (NOTHING["timing"], "not known: no model was trained"),
        (
            TIMED,
            "usually at 07:00 and by email; 1,200 of 5,000 have an hour of their own, no evidence "
            "that a channel is personal",
        ),
    ],
)
def test_it_is_said_who_has_an_hour_of_their_own_or_that_nothing_proves_it(timing, said):
    """Without evidence everybody has the shop's best."""
    with console.capture() as captured:
        show_summary({**NOTHING, "timing": timing})

    assert f"When and through what they answer  {said}" in " ".join(captured.get().split("\n"))


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        (NOTHING["groups"], "no groups: no model was trained"),
        (
            {"customers": {"g1": 900, "g3": 1400}, "reasons": [""]},
            "g1 with 900, g3 with 1,400; proposals that are no audience before somebody approves "
            "them: regulars segments",
        ),
    ],
)
def test_groups_are_told_as_proposals(groups, said):
    """Nobody takes them for audiences."""
    with console.capture() as captured:
        show_summary({**NOTHING, "groups": groups})

    assert f"Customers who are alike  {said}" in " ".join(captured.get().split("\n"))


LEADS = {
    "kinds": [{"lead_kind": "account", "leads": 1537, "expected_sales": 56.4, "sales_ready": 108}],
    "customers": 1537,
    "kinds_left_out": ["prospect"],
    "champion": "hand_set",
    "reasons": [""],
}


@pytest.mark.parametrize(
    ("leads", "said"),
    [
        (NOTHING["leads"], "not known: no model was trained"),
        (
            LEADS,
            "1,537 accounts, 56 sales expected, 108 worth a call (hand set); too few sales of "
            "prospects to tell",
        ),
    ],
)
def test_it_is_said_which_leads_will_buy_and_which_kind_cannot_be_told(leads, said):
    """The card is named, and so is what was left out."""
    with console.capture() as captured:
        show_summary({**NOTHING, "leads": leads})

    assert f"Which leads will buy  {said}" in " ".join(captured.get().split("\n"))


def test_it_is_said_how_well_next_actions_are_told():
    """Also while no visit is open."""
    visits = {
        "champion": "logistic", "open": 0, "reasons": [""], "hits": 0.64, "hits_of_baseline": 0.61
    }  # fmt: skip
    with console.capture() as captured:
        show_summary({**NOTHING, "visits": visits})

    assert "among three told in 64% (logistic; what usually follows: 61%)" in " ".join(
        captured.get().split("\n")
    )
