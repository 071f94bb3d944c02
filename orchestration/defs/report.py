"""The report as an asset: the page for people, and each chart beside the mart it was drawn from."""

from typing import Any

import dagster as dg

from orchestration.progress import reporter
from orchestration.project import manifest, settings
from orchestration.warehouse import Warehouse

SCHEMAS = ("insight", "decisions")


def _asked() -> list[dg.AssetKey]:
    """Return the keys of the models that a report may ask."""
    return [
        dg.AssetKey([node["schema"], node["alias"]])
        for node in manifest()["nodes"].values()
        if node["resource_type"] == "model" and node["schema"] in SCHEMAS
    ]


@dg.asset(
    key=["serving", "report"],
    deps=_asked(),
    group_name="serving",
    kinds={"html"},
    pool="duckdb_writer",
)
def report(
    context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]
) -> dg.MaterializeResult[Any]:
    """Write report.html, and show each chart on the mart it was drawn from."""
    # Drawing is loaded when something is drawn: half a second that no other run has to wait.
    from orchestration.report import write_report

    step = "Write the report"
    reporter().begin(step)
    with warehouse.connect(read_only=True) as connection:
        parts = write_report(connection, settings.report)
    for part in parts:
        if part.svg:
            key = dg.AssetKey(part.section.relation.split("."))
            chart = dg.MetadataValue.md(part.markdown)
            context.log_event(dg.AssetObservation(key, metadata={"chart": chart}))
    count = sum(part.svg is not None for part in parts)
    reporter().end(step, f"{count} charts")
    metadata = {part.section.name: dg.MetadataValue.md(part.markdown) for part in parts}
    page = dg.MetadataValue.path(settings.report)
    return dg.MaterializeResult(metadata={"page": page, "charts": count, **metadata})
