"""What a column tells of a person is weighed against what its channel may show."""

import pytest

from activation.errors import InvalidSpecs
from activation.spec import load_specs
from tests.activation.test_spec import MODEL, causes, column, manifest


def with_column(name, meta=None, **sync):
    """Return a manifest whose sync sends one more column."""
    content = manifest(**sync)
    content["nodes"][MODEL]["columns"][name] = column(name) | {"config": {"meta": meta or {}}}
    return content


@pytest.mark.parametrize("name", ["property_next_order_probability", "property_Lifecycle_Stage"])
def test_what_we_think_of_somebody_is_no_content(name):
    """Neither a score nor a stage goes to a mail platform, where anybody may write it."""
    (cause,) = causes(with_column(name))

    assert cause == f"column {name} tells more than email may show: level 4, 3 at most"


def test_ones_own_orders_may_be_told_by_mail_but_not_on_a_locked_screen():
    """The same column, two channels."""
    (spec,) = load_specs(with_column("property_last_order_date"))
    push = manifest(destination="web_push", surface="messages", channel="push", target=None)
    columns = push["nodes"][MODEL]["columns"]
    del columns["email"], columns["first_name"]
    for name in ("endpoint", "auth", "p256dh", "payload_body"):
        columns[name] = column(name)

    assert "property_last_order_date" in {field.name for field in spec.fields}
    assert causes(push) == ["column payload_body tells more than push may show: level 3, 2 at most"]


def test_a_column_may_say_what_it_tells():
    """An interest is less than its name suggests; the name itself is never trusted upwards."""
    sound = load_specs(with_column("property_segment_colour", {"disclosure": 2}))

    assert len(sound) == 1
    assert causes(with_column("property_note", {"disclosure": 4})) == [
        "column property_note tells more than email may show: level 4, 3 at most"
    ]


@pytest.mark.parametrize("level", [-1, 5, "two", True, 1.5, None, [2]])
def test_a_level_is_one_of_five(level):
    """Anything else is told, not guessed."""
    assert causes(with_column("property_note", {"disclosure": level})) == [
        "disclosure of column property_note is not a level"
    ]


def test_what_is_sensitive_is_no_content():
    """By its name or because the column says so; a name that misleads can be put right."""
    told = "column property_diabetes_kit is sensitive and tells of a person: level 3, 1 at most"

    assert causes(with_column("property_diabetes_kit")) == [told]
    assert causes(with_column("property_gift", {"sensitive": True})) == [
        told.replace("diabetes_kit", "gift")
    ]
    assert load_specs(with_column("property_diabetes_kit", {"disclosure": 1}))
    assert load_specs(with_column("property_gay_lussac", {"sensitive": False}))


def test_our_own_reports_may_hold_everything():
    """A file that never leaves the company tells nobody anything new."""
    internal = {
        "destination": "file_drop", "surface": "file", "channel": "file",
        "purpose": "internal_reporting",
    }  # fmt: skip

    assert load_specs(with_column("churn_risk", {"sensitive": True}, **internal))


def test_the_remedy_says_where_to_declare_it():
    """One sentence that can be followed."""
    with pytest.raises(InvalidSpecs) as caught:
        load_specs(with_column("property_score"))

    assert "config.meta" in caught.value.problems[0].remedy
