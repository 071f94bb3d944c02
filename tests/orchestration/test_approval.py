"""A group becomes a segment by approval and in no other way."""

import json
import shutil
from dataclasses import replace
from datetime import date

import duckdb
import pytest
import yaml

from orchestration.approval import FOLDER, LIST, NotApproved, Proposal, approve, read_proposals
from orchestration.project import DBT_PROJECT
from orchestration.warehouse import Warehouse

TODAY = date(2026, 11, 1)
FOUND = Proposal(
    group="g2",
    version="2026-11-01-groups-ab12cd34",
    share=0.12,
    count_customers=6_000,
    words="share of discounts above 0.052 and purchases at most 3 or visits in 90 days above 8",
    condition="(discount_share > 0.052 and count_orders <= 3) or (count_sessions_90d > 8)",
    precision=0.98,
    recall=0.95,
)


@pytest.fixture
def project(tmp_path):
    """A copy of the folder of segments and of the list of them."""
    shutil.copytree(DBT_PROJECT / FOLDER, tmp_path / FOLDER)
    (tmp_path / LIST).parent.mkdir(parents=True)
    shutil.copy(DBT_PROJECT / LIST, tmp_path / LIST)
    return tmp_path


def files(project):
    """Return all files and what is in them."""
    return {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}


def test_an_approved_group_is_a_model_with_its_rule(project):
    """Model, description and list tell the rule, its group, who approved it, and when."""
    sql, described, members = approve(
        project, FOUND, name="discount_hunters", by="Anna Berg", on=TODAY
    )
    model = yaml.safe_load(described.read_text())["models"][0]
    text = sql.read_text()

    assert sql == project / FOLDER / "segment_discount_hunters.sql"
    assert "Approved by Anna Berg on 2026-11-01: g2 of version 2026-11-01-groups-ab12cd34" in text
    assert (
        " ".join(text.split()).count(
            "where ( discount_share > 0.052 and count_orders <= 3 ) or ( count_sessions_90d > 8 )"
        )
        == 1
    )
    assert model["name"] == "segment_discount_hunters"
    assert model["config"]["meta"] == {"has_history": False}
    assert "Approved by Anna Berg on 2026-11-01" in " ".join(model["description"].split())
    assert "98% of whom it meets" in " ".join(model["description"].split())
    assert "'discount_hunters', 'existing_customers'" in " ".join(members.read_text().split())
    assert members.read_text().count("{%- set segments = [") == 1


def test_the_segment_is_whom_the_rule_meets(project):
    """The written query gives them in a database, each once."""
    sql, _, _ = approve(project, FOUND, name="discount_hunters", by="Anna Berg", on=TODAY)
    query = sql.read_text().replace("{{ ref('customer_features') }}", "features")
    query = query.replace("{{ dbt.type_timestamp() }}", "timestamp")
    with duckdb.connect() as connection:
        connection.execute("""
            create table features as select * from (values
                ('hunter', true, 0.2, 2, 0), ('looker', true, 0.0, 9, 12),
                ('both', true, 0.2, 1, 9), ('neither', true, 0.2, 9, 3),
                ('former', false, 0.2, 2, 0)
            ) as f (customer_id, is_current, discount_share, count_orders, count_sessions_90d)""")
        rows = connection.execute(query[query.index("with") :]).fetchall()

    assert sorted(rows) == [(name, None, None) for name in ("both", "hunter", "looker")]


def test_a_second_approval_keeps_the_first(project):
    """Two segments of two approvals are both listed, each once, and the rest is as it was."""
    before = (project / LIST).read_text()
    approve(project, FOUND, name="discount_hunters", by="Anna Berg", on=TODAY)
    approve(project, replace(FOUND, group="g1"), name="window_shoppers", by="Bo", on=TODAY)
    after = (project / LIST).read_text()

    for name in ("discount_hunters", "window_shoppers", "win_back"):
        assert after.count(f"'{name}'") == 1
    assert after.split("] -%}", 1)[1] == before.split("] -%}", 1)[1]


@pytest.mark.parametrize(
    ("change", "name", "by", "cause"),
    [
        ({}, "win_back", "Anna", "already"),
        ({}, "../elsewhere", "Anna", "small letters"),
        ({}, "", "Anna", "small letters"),
        ({}, "diabetes_care", "Anna", "reveals"),
        ({}, "in_debt", "Anna", "reveals"),
        ({}, "fine", "", "Nobody is named"),
        ({}, "fine", "{{ var('x') }}", "Nobody is named"),
        ({}, "fine", 'Anna" #}', "Nobody is named"),
        ({"condition": ""}, "fine", "Anna", "No rule"),
    ],
)
def test_what_cannot_be_approved_leaves_no_file(project, change, name, by, cause):
    """The reason is said before anything is written."""
    before = files(project)

    with pytest.raises(NotApproved, match=cause):
        approve(project, replace(FOUND, **change), name=name, by=by, on=TODAY)

    assert files(project) == before


def test_a_list_that_was_rewritten_stops_the_approval(project):
    """Rather no segment than one that is in no list."""
    (project / LIST).write_text("select 1")
    before = files(project)

    with pytest.raises(NotApproved, match="no list"):
        approve(project, FOUND, name="discount_hunters", by="Anna", on=TODAY)

    assert files(project) == before


def test_no_model_of_this_repository_passes_proposals_on():
    """Only staging reads them, and what staging has is private to its group."""
    readers = [
        path.name
        for path in (DBT_PROJECT / "models").rglob("*.sql")
        if "stg_ml__segments" in path.read_text() or "'ml', 'segments'" in path.read_text()
    ]
    settings = yaml.safe_load((DBT_PROJECT / "dbt_project.yml").read_text())

    assert readers == ["stg_ml__segments.sql"]
    assert settings["models"]["regulars"]["staging"]["+access"] == "private"


def test_proposals_come_with_the_customers_they_have_today(tmp_path):
    """The newest training counts; a group that no rule describes is told, too."""
    report = {
        "proposals": [
            {"name": "g1", "share": 0.7, "rule": None},
            {"name": "g2", "share": 0.3, "rule": {
                "words": "purchases above 3", "condition": "(count_orders > 3)",
                "precision": 0.9, "recall": 0.8}},
        ]
    }  # fmt: skip
    with Warehouse(tmp_path / "warehouse.duckdb").connect() as connection:
        assert read_proposals(connection)[1].startswith("segments: nothing was trained")
        connection.execute("create schema ml")
        connection.execute(
            "create table ml.trainings as select 'segments' as model_name, timestamp '2026-11-01'"
            " as as_of, 'evidence' as status, '[\"2 groups\"]' as reasons, ? as report,"
            " 'v1' as model_version, 'x' as sha256, timestamp '2026-11-01' as trained_at",
            (json.dumps(report),),
        )
        connection.execute(
            "create table ml.segments as select 'a' as customer_id, 'g2' as group_name"
        )
        found, told = read_proposals(connection)

    assert told == "2 groups"
    assert [(one.group, one.count_customers, one.words) for one in found] == [
        ("g1", 0, ""),
        ("g2", 1, "purchases above 3"),
    ]
