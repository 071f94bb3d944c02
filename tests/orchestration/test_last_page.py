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
LEADS = {
    "kinds": [{"lead_kind": "account", "leads": 1537, "expected_sales": 56.4, "sales_ready": 108}],
    "customers": 1537,
    "kinds_left_out": ["prospect"],
    "champion": "hand_set",
    "reasons": [""],
}
VISITS = {
    "champion": "logistic", "open": 0, "reasons": [""], "hits": 0.64, "hits_of_baseline": 0.61
}  # fmt: skip


@pytest.mark.parametrize(
    ("part", "told", "said"),
    [
        ("uplift", {}, "Whom a contact moves  not known: no model was trained"),
        (
            "uplift",
            MOVED,
            "Whom a contact moves  4,000 unproven, 1,200 persuadable, 30 do not disturb; 1,900 are "
            "worth what a contact costs. On average it adds +3.1% orders (t_logit)",
        ),
        ("timing", {}, "When and through what they answer  not known: no model was trained"),
        (
            "timing",
            TIMED,
            "When and through what they answer  usually at 07:00 and by email; 1,200 of 5,000 have "
            "an hour of their own, no evidence that a channel is personal",
        ),
        ("groups", {}, "Customers who are alike  no groups: no model was trained"),
        (
            "groups",
            {"customers": {"g1": 900, "g3": 1400}, "reasons": [""]},
            "Customers who are alike  g1 with 900, g3 with 1,400; proposals that are no audience "
            "before somebody approves them: regulars segments",
        ),
        ("leads", {}, "Which leads will buy  not known: no model was trained"),
        (
            "leads",
            LEADS,
            "Which leads will buy  1,537 accounts, 56 sales expected, 108 worth a call (hand set); "
            "too few sales of prospects to tell",
        ),
        ("visits", {}, "What visitors do next  not known: no model was trained"),
        ("visits", VISITS, "among three told in 64% (logistic; what usually follows: 61%)"),
    ],
)
def test_it_is_said_what_is_predicted_or_why_nothing_is(part, told, said):
    """A shop without anything has a page, too."""
    with console.capture() as captured:
        show_summary({**NOTHING, part: told or NOTHING[part]})

    assert said in " ".join(captured.get().split("\n"))
