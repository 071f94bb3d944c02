"""Every dbt model is an asset; its data tests are asset checks that block what comes after."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from dagster_dbt import (
    DagsterDbtTranslator,
    DagsterDbtTranslatorSettings,
    DbtProject,
    dbt_assets,
)
from dagster_dbt.asset_utils import get_subset_selection_for_context
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage

from orchestration.contracts import read_contracts
from orchestration.dbt_runner import Outcome, build
from orchestration.dbt_selection import data_tests_of
from orchestration.news import write_news
from orchestration.progress import reporter
from orchestration.project import DBT_PROJECT, MANIFEST, manifest, settings
from orchestration.state import read_failures
from orchestration.warehouse import Warehouse, is_disk_full

LANDING_CLOCK = dg.AssetKey(["landing", "clock"])
EVERYTHING = "fqn:*"
GATE_IS_BUILT = "landed_files"
STORED = ("table", "incremental", "snapshot", "seed")


class Translator(DagsterDbtTranslator):
    """Group dbt assets by the room they live in."""

    def __init__(self) -> None:
        # Source tests stay out: an op that checks ml/next_order itself is exempt from the
        # blocking checks on it.
        super().__init__(DagsterDbtTranslatorSettings(enable_asset_checks=True))

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """Return the schema; intermediate models stand with the area they work for."""
        schema, path = str(dbt_resource_props["schema"]), dbt_resource_props["fqn"]
        return str(path[2]) if schema == "intermediate" and len(path) > 3 else schema

    def get_asset_spec(
        self, manifest: Mapping[str, Any], unique_id: str, project: Any
    ) -> dg.AssetSpec:
        """Let seeds wait for the landing: a step of their own would start dbt once more."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        if unique_id.startswith("seed."):
            return spec.merge_attributes(deps=[LANDING_CLOCK])
        return spec


translator = Translator()
manifest()
dbt_project = DbtProject(
    project_dir=DBT_PROJECT, profiles_dir=DBT_PROJECT, target_path=settings.dbt_target
)


@dbt_assets(
    manifest=MANIFEST,
    project=dbt_project,
    dagster_dbt_translator=translator,
    name="dbt",
    pool="duckdb_writer",
)
def dbt_models(
    context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]
) -> Iterator[Any]:
    """Build the selected models and test them."""
    step = "Build models"
    # dbt tells of a finished node in a thread of its own, which knows of no reporter.
    listener = reporter()
    listener.begin(step)
    total = len(context.selected_asset_keys) + len(context.selected_asset_check_keys)
    names, indirect_selection = _selection(context)
    with warehouse.writing():
        outcome = build(
            names,
            settings.logs / "dbt.log",
            lambda done: listener.advance(step, done, total),
            indirect_selection,
        )
    events = [event for said in outcome.events for event in _translate(said, context)]
    _judge(outcome)
    if any(_name(unique_id) == GATE_IS_BUILT for _, unique_id, _ in outcome.results):
        with warehouse.writing(), warehouse.connect() as connection:
            write_news(connection, read_contracts(DBT_PROJECT))
    listener.end(step, _phrase(events))
    with warehouse.connect(read_only=True) as connection:
        for event in events:
            yield _with_row_count(event, connection)


def _selection(context: dg.AssetExecutionContext) -> tuple[list[str], str]:
    """Return the names of the selected assets and checks, and whether others' tests come along."""
    (_, names), indirect = get_subset_selection_for_context(
        context, manifest(), EVERYTHING, None, None, translator, None
    )
    chosen = names.split()
    if indirect is not None or EVERYTHING in chosen:
        return chosen, indirect or "eager"
    return [*chosen, *data_tests_of(chosen, manifest())], "empty"


def _translate(said: dict[str, Any], context: dg.AssetExecutionContext) -> Iterator[Any]:
    event = DbtCoreCliEventMessage(raw_event=said, event_history_metadata={})
    yield from event.to_default_asset_events(manifest(), translator, context)


def _judge(outcome: Outcome) -> None:
    """Remember what failed; raise when a model could not be built."""
    remember_failures(outcome.results)
    problems = [said for status, _, said in outcome.results if status == "error"]
    if problems:
        raise dg.Failure(_failure(problems))


def _phrase(events: list[Any]) -> str:
    models = sum(isinstance(event, dg.Output | dg.AssetMaterialization) for event in events)
    failed = sum(not getattr(event, "passed", True) for event in events)
    tail = f", {failed} tests failed" if failed else ""
    return f"{models} models, {len(events) - models} tests{tail}"


def remember_failures(results: list[tuple[str, str, str]]) -> None:
    """Note which models must not be sent: those that failed, and those whose test failed.

    Models that this run touched are judged anew; what other runs said of others stands.
    """
    judged = {_name(model) for _, unique_id, _ in results for model in _models_of(unique_id)}
    failed = {
        _name(model)
        for status, unique_id, _ in results
        if status in ("fail", "error")
        for model in _models_of(unique_id)
    }
    known = (read_failures(settings.failing_models) - judged) | failed
    settings.failing_models.write_text(json.dumps(sorted(known)))


def _models_of(unique_id: str) -> list[str]:
    if unique_id.startswith("model."):
        return [unique_id]
    node = manifest()["nodes"].get(unique_id, {})
    return [up for up in node.get("depends_on", {}).get("nodes", ()) if up.startswith("model.")]


def _name(unique_id: str) -> str:
    return unique_id.rsplit(".", 1)[-1]


def _failure(problems: list[str]) -> str:
    if any(is_disk_full(problem) for problem in problems):
        return "The disk is full. Free some space or move REGULARS_HOME, then run again."
    return f"{len(problems)} models failed; the first says: {problems[0]}"


def _with_row_count(event: Any, connection: Any) -> Any:
    if not isinstance(event, dg.Output) or "unique_id" not in event.metadata:
        return event
    node = manifest()["nodes"].get(str(event.metadata["unique_id"].value), {})
    if node.get("config", {}).get("materialized") not in STORED:
        return event
    rows = connection.execute(f"select count(*) from {node['relation_name']}")[0][0]
    return event.with_metadata({**event.metadata, "dagster/row_count": rows})


@dg.definitions
def defs() -> dg.Definitions:
    """Return the models as assets."""
    return dg.Definitions(assets=[dbt_models])
