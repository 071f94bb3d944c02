"""The documents say what is configured, all of it, and leave open what nobody can know from it."""

import json
from dataclasses import replace

import pytest

from activation.spec import load_specs
from ml.models import PREDICTIONS
from orchestration.records.assessment import write_assessment
from orchestration.records.facts import PROJECT, gather_facts, read_grounds
from orchestration.records.processing import OPEN, write_processing
from orchestration.retention.clocks import Clock

DAY = "2026-11-01"


@pytest.fixture(scope="module")
def manifest(parsed):
    """Return what dbt made of the project."""
    return json.loads((parsed / "manifest.json").read_text())


@pytest.fixture(scope="module")
def facts(manifest):
    """Return the facts of this project."""
    return gather_facts(manifest)


def rows(text, title):
    """Return the cells of the table under a heading, by the first one."""
    part = text.split(f"## {title}\n")[1].split("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[1:]]
    return {one[0]: one[1:] for one in cells}


def test_every_source_sync_prediction_and_clock_is_in_the_record(facts, manifest):
    """Of sources those about people: a price list is none."""
    text = write_processing(facts, DAY)

    data, recipients = rows(text, "Persons and data"), rows(text, "Recipients")
    assert data.keys() == {one.label for one in facts.contracts if one.ownerships}
    assert "shop/products" not in data
    assert "email" in data["shop/customers"][1]
    assert recipients.keys() == {spec.name for spec in load_specs(manifest)}
    assert recipients["klaviyo__win_back"][1:3] == ["marketing", "email, per address"]
    assert "first_name" in recipients["klaviyo__win_back"][4]
    assert rows(text, "Purposes").keys() == {one.NAME for one in PREDICTIONS}
    assert rows(text, "Purposes")["next_order"][1] == "file_drop__customer_scores"
    limits = rows(text, "Time limits for erasure")
    assert limits.keys() == facts.clocks.keys()
    assert limits["web_behaviour"][0] == str(facts.clocks["web_behaviour"].days)


def test_every_clock_has_its_ground_beside_it(facts):
    """The comment above a clock is its ground; a clock without one says nothing."""
    grounds = read_grounds(PROJECT.read_text())
    made = read_grounds(
        "vars:\n  retention_days:\n    # Why.\n    # So.\n    a: 1\n    b: 2\n  c: 3"
    )

    assert grounds.keys() == facts.clocks.keys()
    assert all(len(ground) > 20 for ground in grounds.values())
    assert made == {"a": "Why. So.", "b": ""}


def test_what_changes_in_the_configuration_changes_in_the_record(facts):
    """A controller, an endless clock, and syncs that are switched off."""
    controller = {"name": "Shop GmbH", "contact": "here", "data_protection_officer": "she"}
    clocks = {**facts.clocks, "web_behaviour": Clock("web_behaviour", None)}
    specs = tuple(replace(spec, is_enabled=False) for spec in facts.specs)
    changed = replace(facts, controller=controller, clocks=clocks, specs=specs)

    text = write_processing(changed, DAY)

    assert "- name: Shop GmbH" in text
    assert text.count(OPEN) == write_processing(facts, DAY).count(OPEN) - 3
    assert rows(text, "Time limits for erasure")["web_behaviour"][0] == "no end"
    assert "klaviyo__win_back (switched off)" in text
    before, after = (
        next(line for line in write_assessment(one, DAY).splitlines() if "time limit:" in line)
        for one in (facts, changed)
    )
    assert "web_behaviour" in after
    assert "web_behaviour" not in before


def test_the_assessment_names_who_profiles_and_who_advertises(facts):
    """It judges nothing: each risk ends in a place to fill in."""
    text = write_assessment(facts, DAY)

    assert all(name in text for name in facts.predictions)
    risks = [line for line in text.splitlines() if line.startswith("| ") and OPEN in line]
    assert len(risks) == 5
    advertising = next(line for line in risks if "advertising platform" in line)
    assert "meta_custom_audiences__win_back" in advertising
    assert "klaviyo" not in advertising
