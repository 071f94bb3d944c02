"""A training and a scoring asset per prediction; results re-enter dbt as source('ml', …)."""

import json
from contextlib import ExitStack
from typing import Any

import dagster as dg

from ml.models import PREDICTIONS
from ml.prediction import Prediction, entity
from ml.readiness import assess
from orchestration import predicting, scoring
from orchestration.cards import describe, inline, path_of
from orchestration.progress import reporter
from orchestration.project import settings
from orchestration.readiness import as_markdown, replace_readiness
from orchestration.warehouse import Warehouse

CUSTOMERS = dg.AssetKey(["core", "customers"])
KINDS = {"python", "scikitlearn"}
MEASURES = (
    *("auc", "brier", "log_loss", "gini", "deviance"),
    *("new_item_recall", "all_item_recall", "qini_per_1000"),
    *("explained_variance", "hour_hit_rate", "weekday_hit_rate", "channel_hit_rate"),
)


def build_training(prediction: Prediction) -> dg.AssetsDefinition:
    """Return the asset that trains a prediction, or notes why its data is too thin."""

    @dg.asset(
        key=_model_key(prediction),
        deps=[dg.AssetKey(read.relation.split(".")) for read in prediction.TRAINING.values()],
        group_name="predictions",
        kinds=KINDS,
        description=f"What was learnt for {prediction.NAME}, or why nothing was.",
        pool="duckdb_writer",
    )
    def model(warehouse: dg.ResourceParam[Warehouse]) -> dg.MaterializeResult[Any]:
        step = f"Train {prediction.NAME}"
        reporter().begin(step)
        with warehouse.connect(read_only=True) as connection:
            outcome = predicting.train(connection, prediction)
            outcome = predicting.inherit(connection, prediction, outcome, settings.models)
        row = predicting.remember(outcome, settings.models, about=describe(prediction))
        readiness = assess(prediction, outcome)
        with warehouse.writing(), warehouse.connect() as connection:
            predicting.replace_training(connection, row)
            replace_readiness(connection, readiness)
        reporter().end(step, _phrase(row))
        metadata = _metadata(row)
        metadata |= {
            "use": readiness.level,
            "readiness": dg.MetadataValue.md(as_markdown(readiness)),
        }
        return dg.MaterializeResult(metadata=metadata)

    return model


def build_scoring(prediction: Prediction) -> dg.AssetsDefinition:
    """Return the asset that applies the published model to whatever it is about."""
    entities = f"{entity(prediction).removesuffix('_id')}s"
    reads = [dg.AssetKey(read.relation.split(".")) for read in prediction.SCORING.values()]

    @dg.asset(
        key=_result_key(prediction),
        deps=[_model_key(prediction), *reads, CUSTOMERS],
        group_name="predictions",
        kinds={*KINDS, "duckdb"},
        description=f"{prediction.NAME} of {entities}; empty when training was refused.",
        pool="duckdb_writer",
    )
    def scores(warehouse: dg.ResourceParam[Warehouse]) -> dg.MaterializeResult[Any]:
        step = f"Score {prediction.NAME}"
        reporter().begin(step)
        with ExitStack() as spool:
            with warehouse.connect(read_only=True) as connection:
                results = scoring.score(connection, prediction, settings.models)
                folder = warehouse.path.parent
                scored = spool.enter_context(scoring.spooled(results, prediction, folder))
            with warehouse.writing(), warehouse.connect() as connection:
                scoring.replace_result(connection, prediction, scored.rows)
                count, told = scoring.count_rows(connection, prediction)
        reporter().end(
            step, f"refused: {scored.refusal}" if scored.refusal else f"{told:,} {entities}"
        )
        metadata: dict[str, Any] = {"dagster/row_count": count}
        if scored.refusal:
            metadata["refused"] = scored.refusal
        return dg.MaterializeResult(metadata=metadata)

    return scores


def build_check(prediction: Prediction) -> dg.AssetChecksDefinition:
    """Return the check that stops everything after a result that cannot be right."""

    @dg.asset_check(
        asset=_result_key(prediction),
        name="every_row_is_valid_and_there_once",
        description=f"One row per {' and '.join(prediction.KEY)}, each value within its limits.",
        blocking=True,
        pool="duckdb_writer",
    )
    def check(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
        with warehouse.connect(read_only=True) as connection:
            counts = scoring.count_result(connection, prediction)
        return dg.AssetCheckResult(passed=len(set(counts.values())) == 1, metadata=counts)

    return check


def _model_key(prediction: Prediction) -> dg.AssetKey:
    return dg.AssetKey(["ml", f"{prediction.NAME}_model"])


def _result_key(prediction: Prediction) -> dg.AssetKey:
    return dg.AssetKey(["ml", prediction.NAME])


def _phrase(row: dict[str, Any]) -> str:
    """Say in one line what was published and how good it is beside the baseline."""
    report = json.loads(row["report"])
    if row["status"] == "refused":
        return "refused: " + "; ".join(json.loads(row["reasons"]))
    measure, kind = report["measure"], report["champion"]
    reached, naive = (report["metrics"][name][measure] for name in (kind, report["baseline"]))
    name = {"auc": "AUC"}.get(measure, measure.replace("_", " "))
    leaks = ", ".join(leak["feature"] for leak in report.get("left_out", ()))
    without = f"; left out, as it knows the future: {leaks}" if leaks else ""
    if kind == report["baseline"]:
        return f"{kind}, {name} {reached:.3f}, and nothing proved better{without}"
    return f"{kind}, {name} {reached:.3f} (baseline {naive:.3f}){without}"


def _metadata(row: dict[str, Any]) -> dict[str, Any]:
    report = json.loads(row["report"])
    metadata: dict[str, Any] = {"status": row["status"], "reasons": row["reasons"]}
    if row["model_version"]:
        path = path_of(settings.models, row["model_name"], row["model_version"])
        text = inline(path.read_text(encoding="utf-8"), path.parent)
        metadata |= {"card": dg.MetadataValue.md(text), "card_file": dg.MetadataValue.path(path)}
    if report.get("left_out"):
        told = [one["reason"] for one in report["left_out"]]
        metadata["left_out"] = dg.MetadataValue.md("\n".join(f"- {reason}" for reason in told))
    for kind, measures in report.get("metrics", {}).items():
        for name in MEASURES:
            if measures.get(name) is not None:
                metadata[f"{kind}/{name}"] = float(measures[name])
    return metadata


@dg.definitions
def defs() -> dg.Definitions:
    """Return the assets and checks of every registered prediction."""
    builders = (build_training, build_scoring)
    return dg.Definitions(
        assets=[build(prediction) for prediction in PREDICTIONS for build in builders],
        asset_checks=[build_check(prediction) for prediction in PREDICTIONS],
    )
