"""The daily job, its schedule, and the resources that everything shares."""

import dagster as dg

from orchestration.project import settings
from orchestration.warehouse import Warehouse

daily = dg.define_asset_job(
    "daily",
    selection=dg.AssetSelection.all() - dg.AssetSelection.groups("upkeep"),
    description="Load, build, predict, and bring every audience in step.",
)
every_morning = dg.ScheduleDefinition(
    name="every_morning",
    job=daily,
    cron_schedule="0 5 * * *",
    execution_timezone="Europe/Berlin",
)


@dg.definitions
def defs() -> dg.Definitions:
    """Return job, schedule, the warehouse and the executor that suits one writer."""
    return dg.Definitions(
        jobs=[daily],
        schedules=[every_morning],
        resources={"warehouse": Warehouse(settings.warehouse, memory_limit=settings.memory_limit)},
        executor=dg.in_process_executor,
    )
