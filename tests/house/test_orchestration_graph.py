"""The asset graph: one connected DAG, one job, one asset per sync."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DESCRIBE = """
import json, sys
import dagster as dg
from orchestration.definitions import defs
from orchestration.defs.retention import RetentionConfig
from orchestration.project import manifest

definitions = defs()
graph = definitions.resolve_asset_graph()
keys = graph.get_all_asset_keys()
job = definitions.resolve_job_def("daily")
upkeep = definitions.resolve_job_def("retention").run_config["ops"]["raw__retention_runs"]
json.dump({
    "edges": [
        [k.to_user_string(), c.to_user_string()] for k in keys for c in graph.get(k).child_keys
    ],
    "keys": [k.to_user_string() for k in keys],
    "groups": sorted({graph.get(k).group_name for k in keys}),
    "materializable": [k.to_user_string() for k in keys if graph.get(k).is_materializable],
    "checks": len(graph.asset_check_keys),
    "steps": [n.name for n in job.graph.nodes],
    "deletes": [RetentionConfig().deletes, upkeep["config"]["deletes"]],
    "schedules": [s.name for s in definitions.schedules],
    "exposures": [e["name"] for e in manifest()["exposures"].values()],
}, sys.stdout)
"""


@pytest.fixture(scope="module")
def graph(parsed):
    """Return what Dagster sees, loaded in a process of its own."""
    environment = {**os.environ, "REGULARS_HOME": str(parsed.parent)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", DESCRIBE],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_everything_hangs_together(graph):
    """From any asset every other asset can be reached along the edges: there is one graph."""
    neighbours = {key: set() for key in graph["keys"]}
    for parent, child in graph["edges"]:
        neighbours[parent].add(child)
        neighbours[child].add(parent)
    seen, todo = set(), [graph["keys"][0]]
    while todo:
        key = todo.pop()
        if key not in seen:
            seen.add(key)
            todo += neighbours[key]

    assert seen == set(graph["keys"])


def test_the_daily_job_resolves_and_makes_every_asset(graph):
    """A cycle would only show when the job is resolved; what deletes for good is not in it."""
    assert {"load_landing", "ml__next_order"} <= set(graph["steps"])
    assert set(graph["keys"]) == set(graph["materializable"])
    assert "activation__retired_syncs" in graph["steps"]
    assert "raw__retention_runs" not in graph["steps"]


def test_only_the_job_of_retention_deletes(graph):
    """Whoever materializes all assets in the UI gets counts."""
    assert graph["deletes"] == [False, True]


def test_every_exposure_is_one_asset_after_its_gate(graph):
    """A sync comes after its own model and after the consents it is judged by."""
    parents = {}
    for parent, child in graph["edges"]:
        parents.setdefault(child, set()).add(parent)

    assert len(graph["exposures"]) >= 7
    for name in graph["exposures"]:
        assert "privacy/consents" in parents[f"activation/{name}"]
        assert f"activation/sync_{name}" in parents[f"activation/{name}"]


def test_predictions_and_links_come_back_into_dbt(graph):
    """What was made from models re-enters them; tests are checks; there is a schedule."""
    edges = {tuple(edge) for edge in graph["edges"]}

    assert ("insight/customer_features", "ml/next_order_model") in edges
    assert ("intermediate/int_purchase_margins_computed", "ml/orders_and_value_model") in edges
    assert ("intermediate/int_purchase_lines_joined", "ml/next_offer_model") in edges
    for name in (
        *("next_order", "orders_and_value", "second_purchase", "next_offer"),
        *("uplift", "lead_score", "next_action"),
    ):
        assert (f"ml/{name}_model", f"ml/{name}") in edges
        assert (f"ml/{name}", f"staging/stg_ml__{name}s") in edges
    assert ("intermediate/int_postal_records_chosen", "ml/identity_links") in edges
    assert ("ml/identity_links", "staging/stg_ml__identity_links") in edges
    assert graph["checks"] > 50
    assert sorted(graph["schedules"]) == ["every_morning", "every_sunday"]
