"""Exposures become specs, or a complete list of what is wrong and how to mend it."""

from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest

from activation.errors import InvalidSpecs
from activation.spec import Field, load_specs

FILE = "models/activation/klaviyo/sync_klaviyo__win_back.yml"
MODEL = "model.regulars.sync_klaviyo__win_back"


def column(name, data_type="varchar"):
    """Return a column as the manifest has it."""
    return {"name": name, "data_type": data_type}


def key_test(name, model=MODEL, column_name="customer_id"):
    """Return a generic test as the manifest has it."""
    return {
        "resource_type": "test",
        "name": f"{name}_{column_name}",
        "test_metadata": {"name": name},
        "attached_node": model,
        "column_name": column_name,
    }


def manifest(**sync: Any) -> dict[str, Any]:
    """Return a manifest with one sync; settings override or, when None, drop the usual ones."""
    settings = {
        "destination": "klaviyo",
        "surface": "list",
        "target": "Win back",
        "key": "customer_id",
        "mode": "mirror",
        "purpose": "marketing",
        "channel": "email",
        **sync,
    }
    settings = {name: value for name, value in settings.items() if value is not None}
    names = ("customer_id", "contact_point_id", "email", "first_name")
    model = {
        "resource_type": "model",
        "unique_id": MODEL,
        "name": "sync_klaviyo__win_back",
        "schema": "activation",
        "alias": "sync_klaviyo__win_back",
        "config": {"contract": {"enforced": True}},
        "columns": {name: column(name) for name in names},
        "depends_on": {"nodes": ["model.regulars.customers"]},
    }
    customers = {
        "resource_type": "model",
        "unique_id": "model.regulars.customers",
        "name": "customers",
        "depends_on": {"nodes": ["model.regulars.identifiers", "source.regulars.shop.customers"]},
    }
    identifiers = {"resource_type": "model", "name": "identifiers", "depends_on": {"nodes": []}}
    exposure = {
        "name": "klaviyo__win_back",
        "original_file_path": FILE,
        "owner": {"name": "CRM", "email": "crm@example.com"},
        "depends_on": {"nodes": [MODEL]},
        "config": {"meta": {"sync": settings}},
    }
    return {
        "nodes": {
            MODEL: model,
            "model.regulars.customers": customers,
            "model.regulars.identifiers": identifiers,
            "test.1": key_test("unique"),
            "test.2": key_test("not_null"),
        },
        "exposures": {"exposure.regulars.klaviyo__win_back": exposure},
    }


def causes(content):
    """Return the causes found in a manifest."""
    with pytest.raises(InvalidSpecs) as caught:
        load_specs(content)
    return [problem.cause for problem in caught.value.problems]


def test_sound_exposure_becomes_a_spec():
    """Everything a run needs is in the spec."""
    (spec,) = load_specs(manifest(max_removal_share=0.5, max_size_change=2, max_age_hours=6))

    assert spec.name == "klaviyo__win_back"
    assert spec.relation == "activation.sync_klaviyo__win_back"
    assert spec.fields == (Field("email", "varchar"), Field("first_name", "varchar"))
    assert spec.purposes == ("marketing",)
    assert spec.upstream == {"customers", "identifiers"}
    assert (spec.max_removal_share, spec.max_age) == (0.5, timedelta(hours=6))
    assert (spec.max_size_change, spec.segments) == (2, frozenset())
    assert (spec.owner_email, spec.file) == ("crm@example.com", FILE)


def test_a_sync_may_be_switched_off():
    """By one word, which is a yes or a no."""
    (usual,) = load_specs(manifest())
    (off,) = load_specs(manifest(enabled=False))

    assert (usual.is_enabled, off.is_enabled) == (True, False)
    assert causes(manifest(enabled="no")) == ["enabled is neither true nor false"]


@pytest.mark.parametrize("destination", ["brevo", "hubspot", "klaviyo"])
def test_a_list_may_be_kept_at_any_mail_platform(destination):
    """The same exposure names another destination; a field it does not know is told."""
    (spec,) = load_specs(manifest(destination=destination))
    content = manifest(destination=destination)
    content["nodes"][MODEL]["columns"]["token"] = column("token")

    assert (spec.destination, spec.capabilities.name) == (destination, destination)
    assert causes(content) == [f"{destination} does not know column token"]


@pytest.mark.parametrize(
    ("destination", "name"),
    [("brevo", "attribute_SMS"), ("brevo", "attribute_email"), ("hubspot", "property_email")],
)
def test_an_address_is_no_attribute(destination, name):
    """A prefix must not lead past the comparison of the address with the one consented to."""
    content = manifest(destination=destination)
    content["nodes"][MODEL]["columns"][name] = column(name)

    assert causes(content) == [f"{destination} does not know column {name}"]


def with_segment(*macros):
    """Return a manifest whose sync reads a segment, through macros or by its ref."""
    content = manifest()
    segment = "model.regulars.segment_win_back"
    content["nodes"][segment] = {
        "resource_type": "model",
        "name": "segment_win_back",
        "fqn": ["regulars", "marts", "segments", "segment_win_back"],
        "depends_on": {"nodes": []},
    }
    content["nodes"][MODEL]["depends_on"]["nodes"].append(segment)
    content["nodes"][MODEL]["depends_on"]["macros"] = list(macros)
    return content


def test_segments_that_a_sync_reads_are_known():
    """Their deviations pause it."""
    (spec,) = load_specs(with_segment("macro.regulars.members_of"))

    assert spec.segments == {"win_back"}


def test_a_segment_is_read_through_its_present_members_only():
    """Its model holds those who have left, too."""
    assert causes(with_segment("macro.dbt.ref")) == [
        "model sync_klaviyo__win_back reads a segment with those who have left it"
    ]


def test_exposures_without_sync_are_left_alone():
    """A dashboard is an exposure too."""
    content = manifest()
    (exposure,) = content["exposures"].values()
    exposure["config"]["meta"] = {}

    assert load_specs(content) == ()


def test_meta_may_stand_outside_config():
    """Older manifests carry meta on the exposure itself."""
    content = manifest()
    (exposure,) = content["exposures"].values()
    exposure["meta"] = exposure.pop("config")["meta"]

    assert len(load_specs(content)) == 1


def test_several_purposes_are_all_kept():
    """A purpose is a word or a list."""
    (spec,) = load_specs(manifest(purpose=["marketing", "personalisation"]))

    assert spec.purposes == ("marketing", "personalisation")


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"destination": None}, "destination is missing"),
        ({"destination": "mailpigeon"}, "destination mailpigeon is unknown"),
        ({"surface": "pigeonhole"}, "klaviyo has no surface pigeonhole"),
        ({"target": None}, "target is missing"),
        ({"key": None}, "key is missing"),
        ({"mode": "sometimes"}, "mode sometimes is unknown"),
        ({"purpose": None}, "purpose is missing"),
        ({"purpose": ["marketing", "fun"]}, "purpose fun is unknown"),
        ({"channel": "telepathy"}, "channel telepathy is unknown"),
        ({"channel": None}, "channel is missing"),
        ({"colour": "red"}, "colour is not a sync setting"),
        ({"max_removal_share": 30}, "max_removal_share is not a share"),
        ({"max_size_change": 0}, "max_size_change is not a share"),
        ({"max_size_change": "much"}, "max_size_change is not a share"),
        ({"max_age_hours": "soon"}, "max_age_hours is not a number of hours"),
    ],
)
def test_wrong_setting_is_named(change, cause):
    """Each setting is checked by itself."""
    assert causes(manifest(**change)) == [cause]


@pytest.mark.parametrize(
    ("spoil", "cause"),
    [
        (
            lambda m: m["nodes"][MODEL]["config"].clear(),
            "model sync_klaviyo__win_back has no enforced contract",
        ),
        (
            lambda m: m["nodes"][MODEL]["columns"].pop("contact_point_id"),
            "model sync_klaviyo__win_back has no column contact_point_id",
        ),
        (lambda m: m["nodes"].pop("test.1"), "key customer_id has no unique test"),
        (lambda m: m["nodes"].pop("test.2"), "key customer_id has no not_null test"),
        (
            lambda m: m["nodes"][MODEL]["columns"].update(shoe_size=column("shoe_size")),
            "klaviyo does not know column shoe_size",
        ),
        (
            lambda m: m["nodes"][MODEL]["columns"].pop("email"),
            "no column identifies a person at the platform",
        ),
        (
            lambda m: m["nodes"][MODEL]["columns"].update(email=column("email", None)),
            "column email has no data_type",
        ),
        (
            lambda m: next(iter(m["exposures"].values()))["depends_on"]["nodes"].clear(),
            "the exposure does not depend on exactly one model",
        ),
    ],
)
def test_wrong_model_is_named(spoil, cause):
    """The model must be able to carry the sync."""
    content = manifest()
    spoil(content)

    assert causes(content) == [cause]


def test_tests_of_another_column_do_not_count():
    """The key itself must be tested."""
    content = manifest()
    content["nodes"]["test.1"] = key_test("unique", column_name="email")

    assert causes(content) == ["key customer_id has no unique test"]


def test_a_destination_names_the_columns_it_cannot_do_without():
    """A push message needs a whole subscription, and a key of our own is not sent with it."""
    content = manifest(destination="web_push", surface="messages", channel="push", target=None)
    columns = content["nodes"][MODEL]["columns"]
    columns["endpoint"] = column("endpoint")
    columns["payload_title"] = column("payload_title") | {"meta": {"disclosure": 1}}
    del columns["email"], columns["first_name"]
    assert causes(content) == ["web_push needs column auth", "web_push needs column p256dh"]

    columns |= {"auth": column("auth"), "p256dh": column("p256dh")}
    (spec,) = load_specs(content)

    assert (spec.sends_messages, spec.target) == (True, "klaviyo__win_back")
    assert {field.name for field in spec.fields} == {
        "endpoint", "payload_title", "auth", "p256dh",
    }  # fmt: skip


def test_a_webhook_takes_any_column_and_sends_its_key():
    """The receiver knows a row by it."""
    (spec,) = load_specs(manifest(destination="webhook", surface="rows", target=None))

    assert [field.name for field in spec.fields] == ["customer_id", "email", "first_name"]


def test_ads_need_their_purposes():
    """Customer Match asks for consent to both uses of the data."""
    found = causes(
        manifest(destination="google_customer_match", surface="user_list", channel="ads")
    )

    assert found == ["google_customer_match needs purpose ads_personalisation, ads_user_data"]


def test_internal_file_needs_no_contact_point_and_sends_its_key():
    """A file for the company itself has any columns, its key first of all."""
    content = manifest(
        destination="file_drop",
        surface="file",
        target=None,
        purpose="internal_reporting",
        channel="file",
    )
    content["nodes"][MODEL]["columns"] = {
        name: column(name) for name in ("customer_id", "stage", "probability")
    }

    (spec,) = load_specs(content)

    assert [field.name for field in spec.fields] == ["customer_id", "stage", "probability"]
    assert (spec.has_contact_point, spec.is_internal) == (False, True)
    assert spec.target == "klaviyo__win_back"


def test_all_problems_of_all_syncs_are_told_at_once():
    """One run of the check shows everything, each with file, sync and remedy."""
    content = manifest(mode="sometimes", channel=None)
    other = deepcopy(next(iter(content["exposures"].values())))
    other["name"] = "klaviyo__other"
    other["config"]["meta"]["sync"] = "yes"
    content["exposures"]["exposure.regulars.klaviyo__other"] = other

    with pytest.raises(InvalidSpecs) as caught:
        load_specs(content)

    assert [str(problem) for problem in caught.value.problems] == [
        f"{FILE}: klaviyo__win_back: channel is missing. Add channel under config.meta.sync.",
        f"{FILE}: klaviyo__win_back: mode sometimes is unknown. Use one of mirror, upsert.",
        f"{FILE}: klaviyo__other: meta.sync is not a mapping. Write it as key: value pairs.",
    ]


def table_manifest(*columns):
    """Return a manifest with a sync to a table of these columns."""
    content = manifest(
        destination="table",
        surface="rows",
        target="crm.scores",
        purpose="internal_reporting",
        channel="table",
    )
    content["nodes"][MODEL]["columns"] = {name: column(name) for name in columns}
    return content


def test_a_table_takes_any_columns_and_knows_rows_by_the_key():
    """The key is the identity, whatever it is called."""
    (spec,) = load_specs(table_manifest("customer_id", "stage"))

    assert spec.capabilities.identities == (("customer_id",),)
    assert spec.layout.columns == (("customer_id", "varchar"), ("stage", "varchar"))
    assert (spec.layout.sync, spec.layout.key) == ("klaviyo__win_back", "customer_id")


@pytest.mark.parametrize("name", ["regulars_sync", "regulars_digest", "row_number"])
def test_a_column_the_table_has_for_itself_is_refused(name):
    """Whose row it is is not for a model to say."""
    with pytest.raises(InvalidSpecs, match=f"does not know column {name}. Rename it"):
        load_specs(table_manifest("customer_id", name))


@pytest.mark.parametrize("readers", [1, 2])
def test_groups_that_nobody_approved_are_never_sent(readers):
    """Neither by reading the prediction's table nor through models in between."""
    content = manifest()
    proposals = "source.regulars.ml.segments"
    between = {
        "resource_type": "model",
        "name": "groups",
        "unique_id": "model.regulars.groups",
        "depends_on": {"nodes": [proposals]},
    }
    content["nodes"]["model.regulars.groups"] = between
    content["nodes"][MODEL]["depends_on"]["nodes"].append(
        proposals if readers == 1 else "model.regulars.groups"
    )

    assert causes(content) == ["model sync_klaviyo__win_back reads groups that nobody approved"]


@pytest.mark.parametrize(
    "target", ["Diabetes patients", "in debt", "Gesundheit 2026", "Low income"]
)
def test_a_targets_name_tells_nothing_of_health_or_money(target):
    """The name reaches the platform: what it must not reveal is refused."""
    assert "reveals what it must not" in causes(manifest(target=target))[0]


@pytest.mark.parametrize("target", ["Christmas gifts", "Armchairs", "Big spenders", "Bed linen"])
def test_innocent_names_are_not_taken_for_others(target):
    """A part of a word is not the word."""
    assert load_specs(manifest(target=target))[0].target == target
