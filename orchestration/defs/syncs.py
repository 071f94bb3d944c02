"""One sync asset per dbt exposure that carries `meta.sync`."""

from collections.abc import Collection, Mapping
from typing import Any

import dagster as dg

from activation.destinations import settings_for
from activation.errors import ActivationError
from activation.pacing import Patience
from activation.spec import SyncSpec, load_specs
from activation.syncs import SyncSummary, run_sync
from orchestration.contracts import read_contracts
from orchestration.ledger_keys import read_keys
from orchestration.news import LandedNews
from orchestration.progress import reporter
from orchestration.project import DBT_PROJECT, manifest
from orchestration.retired import Surroundings, Withdrawn, retired_syncs, withdraw
from orchestration.settings import read_settings
from orchestration.state import read_clock, read_model
from orchestration.warehouse import Warehouse

CONTRACTS = read_contracts(DBT_PROJECT)
RETIRED = ["activation", "retired_syncs"]


class SyncConfig(dg.Config):  # type: ignore[misc, unused-ignore]
    """What a person may decide for one run: that the plan of this digest is sent as it is."""

    plan: str | None = None


class RetiredConfig(SyncConfig):
    """Which of the retired syncs to run; all, if none is named."""

    sync: str | None = None


def build_sync(spec: SyncSpec, exposure: Mapping[str, Any]) -> dg.AssetsDefinition:
    """Return the asset that keeps one audience in step."""

    @dg.asset(
        key=["activation", spec.name],
        deps=[dg.AssetKey(spec.relation.split(".")), *_gate_tables()],
        group_name="syncs",
        kinds={"httpx", spec.destination},
        owners=[spec.owner_email] if spec.owner_email else None,
        description=exposure.get("description") or f"{spec.target} at {spec.destination}.",
        tags={"destination": spec.destination, "mode": spec.mode},
        metadata={"dbt/exposure": str(exposure["unique_id"]), "target": spec.target},
        pool="duckdb_writer",
    )
    def sync(
        config: SyncConfig, warehouse: dg.ResourceParam[Warehouse]
    ) -> dg.MaterializeResult[Any]:
        summary = _run(spec, config, warehouse)
        numbers = {k: v for k, v in summary.to_dict().items() if isinstance(v, int)}
        blocked = dg.MetadataValue.json(summary.blocked_by_reason)
        told: dict[str, Any] = {"blocked_by_reason": blocked}
        if summary.paused_because:
            told["paused_because"] = dg.MetadataValue.text(summary.paused_because)
        if summary.coverage is not None:
            told["coverage"] = summary.coverage
        return dg.MaterializeResult(metadata={**numbers, **told, "plan": summary.digest})

    return sync


def build_retired(specs: Collection[SyncSpec]) -> dg.AssetsDefinition:
    """Return the asset that takes people back where no sync of the project does it any more."""

    @dg.asset(
        key=RETIRED,
        deps=_gate_tables(),
        group_name="syncs",
        kinds={"httpx"},
        description=(
            "Removals at the accounts of syncs that were taken out of the project, or that went to "
            "another account since: whoever may not be held any more is removed there, too."
        ),
        pool="duckdb_writer",
    )
    def retired(
        config: RetiredConfig, warehouse: dg.ResourceParam[Warehouse]
    ) -> dg.MaterializeResult[Any]:
        told = _withdraw(specs, config, warehouse)
        return dg.MaterializeResult(
            metadata={
                "syncs": dg.MetadataValue.json([one.to_dict() for one in told.summaries]),
                "unreached": dg.MetadataValue.json(told.unreached),
                "removed": sum(one.removed for one in told.summaries),
            }
        )

    return retired


def _gate_tables() -> list[dg.AssetKey]:
    """Return what gate and guards read: consent and sizes must be fresh before anything leaves."""
    return [
        dg.AssetKey(["privacy", "consents"]),
        dg.AssetKey(["privacy", "suppressions"]),
        dg.AssetKey(["decisions", "holds"]),
        dg.AssetKey(["contact", "contact_points"]),
        dg.AssetKey(["insight", "segment_deviations"]),
    ]


def _run(spec: SyncSpec, config: SyncConfig, warehouse: Warehouse) -> SyncSummary:
    step, settings = f"Sync {spec.name}", read_settings()
    reporter().begin(step)
    try:
        with warehouse.writing(), warehouse.connect() as connection:
            summary = run_sync(
                connection,
                spec,
                settings_for(spec.destination, settings.variables),
                as_of=read_clock(connection),
                keys=read_keys(settings),
                model=read_model(connection, settings.failing_models),
                named=config.plan,
                patience=Patience(rates_folder=settings.rates),
                progress=lambda done, total: reporter().advance(step, done, total),
                news=LandedNews(connection, settings, CONTRACTS),
            )
    except ActivationError as error:
        reporter().end(step, f"stopped: {error}")
        raise dg.Failure(str(error), allow_retries=False) from error
    reporter().end(step, phrase(summary))
    return summary


def phrase(summary: SyncSummary) -> str:
    """Say in a few words what a sync did."""
    blocked = sum(summary.blocked_by_reason.values())
    state = "paused, " if summary.paused_because else ""
    state = "switched off, " if summary.is_switched_off else state
    return (
        f"{state}{summary.desired:,} desired, "
        f"{blocked:,} blocked, "
        f"+{summary.added:,} ~{summary.changed:,} -{summary.removed:,}, "
        f"{summary.acknowledged:,} held"
    )


def _withdraw(
    specs: Collection[SyncSpec], config: RetiredConfig, warehouse: Warehouse
) -> Withdrawn:
    step, settings = "Take back from retired syncs", read_settings()
    reporter().begin(step)
    with warehouse.writing(), warehouse.connect() as connection:
        found = [
            one
            for one in retired_syncs(connection, specs, settings.variables)
            if config.sync in (None, one.holder.sync)
        ]
        around = Surroundings(
            settings.variables, read_clock(connection), read_keys(settings), settings.rates
        )
        _hear(LandedNews(connection, settings, CONTRACTS))
        told = withdraw(connection, found, around, config.plan)
    removed = sum(one.removed for one in told.summaries)
    reporter().end(step, f"{len(found)} retired, -{removed:,}, {len(told.unreached)} not reached")
    if told.stopped:
        reasons = " ".join(f"{name}: {reason}" for name, reason in told.stopped.items())
        raise dg.Failure(reasons, allow_retries=False)
    return told


def _hear(news: LandedNews) -> None:
    try:
        news()
    except ActivationError as error:
        raise dg.Failure(str(error), allow_retries=False) from error


@dg.definitions
def defs() -> dg.Definitions:
    """Return one asset per sync of the manifest, and one for those that are gone from it."""
    by_name = {exposure["name"]: exposure for exposure in manifest()["exposures"].values()}
    specs = load_specs(manifest())
    syncs = [build_sync(spec, by_name[spec.name]) for spec in specs]
    return dg.Definitions(assets=[*syncs, build_retired(specs)])
