"""The clocks of retention in a job of their own: it deletes for good, so it is no daily one."""

from typing import Any

import dagster as dg

from orchestration.contracts import read_contracts
from orchestration.progress import reporter
from orchestration.project import DBT_PROJECT
from orchestration.retention import command
from orchestration.settings import read_settings

GROUP = "upkeep"
RETAINED = [one for one in read_contracts(DBT_PROJECT).values() if one.retention]


class RetentionConfig(dg.Config):
    """Whether to delete: whoever materializes all assets at once has not decided that."""

    deletes: bool = False


@dg.asset(
    key=["raw", "retention_runs"],
    deps=[
        dg.AssetKey(["landing", "quarantine"]),
        *(dg.AssetKey([one.source, one.name]) for one in RETAINED),
    ],
    group_name=GROUP,
    kinds={"duckdb", "file"},
    pool="duckdb_writer",
)
def retention(config: RetentionConfig) -> dg.MaterializeResult[Any]:
    """Count what is older than its clock; delete it from landed files and state if that is set."""
    step = "Delete what is older than its clock" if config.deletes else "Count what is due"
    reporter().begin(step)
    done = (command.enforce if config.deletes else command.count)(read_settings())
    deleted = sum(one.count_deleted for one in done)
    reporter().end(step, f"{deleted:,} rows and files")
    return dg.MaterializeResult(
        metadata={
            "deleted": deleted,
            "due": sum(one.count_due for one in done if not one.is_counted_only),
            "counted_only": sum(one.count_due for one in done if one.is_counted_only),
            "categories": dg.MetadataValue.json(command.rows(done)),
        }
    )


job = dg.define_asset_job(
    "retention",
    selection=dg.AssetSelection.groups(GROUP),
    config={"ops": {"raw__retention_runs": {"config": {"deletes": True}}}},
    description="Delete what is older than its clock. Count first: regulars retention.",
)
every_sunday = dg.ScheduleDefinition(
    name="every_sunday",
    job=job,
    cron_schedule="0 4 * * 0",
    execution_timezone="Europe/Berlin",
)


@dg.definitions
def defs() -> dg.Definitions:
    """Return the asset, its job, and the schedule that somebody has to switch on."""
    return dg.Definitions(assets=[retention], jobs=[job], schedules=[every_sunday])
