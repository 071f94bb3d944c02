"""One sync asset per dbt exposure that carries `meta.sync`."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from activation.destinations import settings_for
from activation.errors import ActivationError
from activation.spec import SyncSpec, load_specs
from activation.syncs import SyncSummary, run_sync
from orchestration.ledger_keys import read_keys
from orchestration.progress import reporter
from orchestration.project import manifest
from orchestration.settings import read_settings
from orchestration.state import read_clock, read_model
from orchestration.warehouse import Warehouse


class SyncConfig(dg.Config):  # type: ignore[misc, unused-ignore]
    """What a person may decide for one run: that the plan of this digest is sent as it is."""

    plan: str | None = None


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
        return dg.MaterializeResult(metadata={**numbers, **told, "plan": summary.digest})

    return sync


def _gate_tables() -> list[dg.AssetKey]:
    """Return what gate and guards read: consent and sizes must be fresh before anything leaves."""
    return [
        dg.AssetKey(["privacy", "consents"]),
        dg.AssetKey(["privacy", "suppressions"]),
        dg.AssetKey(["decisions", "holds"]),
        dg.AssetKey(["core", "contact_points"]),
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
                progress=lambda done, total: reporter().advance(step, done, total),
            )
    except ActivationError as error:
        reporter().end(step, f"stopped: {error}")
        raise dg.Failure(str(error), allow_retries=False) from error
    reporter().end(step, phrase(summary))
    return summary


def phrase(summary: SyncSummary) -> str:
    """Say in a few words what a sync did."""
    blocked = sum(summary.blocked_by_reason.values())
    return (
        f"{'paused, ' if summary.paused_because else ''}{summary.desired:,} desired, "
        f"{blocked:,} blocked, "
        f"+{summary.added:,} ~{summary.changed:,} -{summary.removed:,}, "
        f"{summary.acknowledged:,} held"
    )


@dg.definitions
def defs() -> dg.Definitions:
    """Return one asset per sync of the manifest."""
    by_name = {exposure["name"]: exposure for exposure in manifest()["exposures"].values()}
    specs = load_specs(manifest())
    return dg.Definitions(assets=[build_sync(spec, by_name[spec.name]) for spec in specs])
