"""Train and apply the prediction models; scores re-enter dbt as source('ml', …)."""

import json
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pandas as pd
import pyarrow as pa

from orchestration.progress import reporter
from orchestration.project import settings
from orchestration.warehouse import Connection, Warehouse

FEATURES = dg.AssetKey(["insight", "customer_features"])
OCCASIONS = dg.AssetKey(["intermediate", "int_purchase_occasions"])
CUSTOMERS = dg.AssetKey(["core", "customers"])
MODEL = dg.AssetKey(["ml", "next_order_model"])
PREDICTIONS = dg.AssetKey(["ml", "predictions"])

TABLES = """
create schema if not exists ml;
create table if not exists ml.predictions (
    customer_id varchar, model_name varchar, horizon_days bigint, as_of timestamp,
    probability double, model_version varchar, scored_at timestamp
);
create table if not exists ml.trainings (
    model_name varchar, as_of timestamp, status varchar, reasons varchar, report varchar,
    model_version varchar, sha256 varchar, trained_at timestamp
);
"""


@dg.asset(
    key=MODEL,
    deps=[FEATURES, OCCASIONS],
    group_name="predictions",
    kinds={"python", "scikitlearn"},
    pool="duckdb_writer",
)
def next_order_model(warehouse: dg.ResourceParam[Warehouse]) -> dg.MaterializeResult[Any]:
    """Train next_order on past snapshots, or refuse with a reason when the data is too thin."""
    from ml.models import next_order

    step = "Train next_order"
    reporter().begin(step)
    with warehouse.connect(read_only=True) as connection:
        features = connection.frame("select * from insight.customer_features")
        occasions = connection.frame(
            "select customer_id, occurred_at from intermediate.int_purchase_occasions"
        )
        as_of = pd.Timestamp(connection.execute("select max(as_of) from raw.clock")[0][0])
    outcome = next_order.train(features, occasions, as_of=as_of)
    row = _remember(outcome)
    with warehouse.writing(), warehouse.connect() as connection:
        _replace_training(connection, row)
    reporter().end(step, _phrase(row))
    return dg.MaterializeResult(metadata=_metadata(row))


@dg.asset(
    key=PREDICTIONS,
    deps=[MODEL, FEATURES, CUSTOMERS],
    group_name="predictions",
    kinds={"python", "scikitlearn", "duckdb"},
    pool="duckdb_writer",
)
def predictions(warehouse: dg.ResourceParam[Warehouse]) -> dg.MaterializeResult[Any]:
    """Score every customer with the champion; no rows when training was refused."""
    step = "Score customers"
    reporter().begin(step)
    with warehouse.connect(read_only=True) as connection:
        training = _read_training(connection)
        current = connection.frame("select * from insight.customer_features where is_current")
    scores = _score(training, current)
    with warehouse.writing(), warehouse.connect() as connection, connection.transaction():
        connection.execute("delete from ml.predictions where model_name = 'next_order'")
        if len(scores):
            rows = pa.Table.from_pandas(scores, preserve_index=False)
            connection.insert("ml.predictions", rows)
    reporter().end(step, f"{len(scores):,} customers")
    return dg.MaterializeResult(metadata={"dagster/row_count": len(scores)})


@dg.asset_check(asset=PREDICTIONS, blocking=True, pool="duckdb_writer")
def probabilities_are_probabilities(
    warehouse: dg.ResourceParam[Warehouse],
) -> dg.AssetCheckResult:
    """Every customer has one score between 0 and 1."""
    with warehouse.connect(read_only=True) as connection:
        rows, customers, valid = connection.execute(
            "select count(*), count(distinct customer_id), "
            "count(*) filter (where probability between 0 and 1) from ml.predictions"
        )[0]
    metadata = {"rows": rows, "customers": customers, "valid": valid}
    return dg.AssetCheckResult(passed=rows == customers == valid, metadata=metadata)


def _remember(outcome: Any) -> dict[str, Any]:
    """Store a trained model and return the row that says what came of the training."""
    from ml.models import next_order
    from ml.registry import Registry

    now = datetime.now(UTC).replace(tzinfo=None)
    if isinstance(outcome, next_order.Refused):
        return {
            "model_name": outcome.model_name, "as_of": outcome.as_of.to_pydatetime(),
            "status": "refused", "reasons": json.dumps(list(outcome.reasons)), "report": "{}",
            "model_version": None, "sha256": None, "trained_at": now,
        }  # fmt: skip
    report = dict(outcome.report)
    sums = Registry(settings.models).publish(outcome.champion, outcome.challenger, report)
    return {
        "model_name": outcome.champion.name, "as_of": outcome.champion.as_of.to_pydatetime(),
        "status": outcome.status, "reasons": json.dumps([report.get("reason", "")]),
        "report": json.dumps(report, default=str), "model_version": outcome.champion.version,
        "sha256": sums["champion"], "trained_at": now,
    }  # fmt: skip


def _replace_training(connection: Connection, row: dict[str, Any]) -> None:
    """Keep one row per model and clock: training again on the same day replaces it."""
    for statement in TABLES.split(";"):
        if statement.strip():
            connection.execute(statement)
    with connection.transaction():
        connection.execute(
            "delete from ml.trainings where model_name = ? and as_of = ?",
            (row["model_name"], row["as_of"]),
        )
        marks = ", ".join("?" for _ in row)
        connection.execute(f"insert into ml.trainings values ({marks})", tuple(row.values()))


def _read_training(connection: Connection) -> dict[str, Any]:
    found = connection.execute(
        "select status, model_version, sha256 from ml.trainings "
        "where model_name = 'next_order' order by as_of desc, trained_at desc limit 1"
    )
    return dict(zip(("status", "model_version", "sha256"), found[0], strict=True))


def _score(training: dict[str, Any], current: pd.DataFrame) -> pd.DataFrame:
    from ml.models import next_order
    from ml.registry import Registry

    if training["status"] == "refused":
        return pd.DataFrame()
    version, sha256 = training["model_version"], training["sha256"]
    model = Registry(settings.models).load("next_order", version, sha256=sha256)
    return next_order.score(model, current, scored_at=pd.Timestamp.now("UTC").tz_localize(None))


def _phrase(row: dict[str, Any]) -> str:
    report = json.loads(row["report"])
    if row["status"] == "refused":
        return "refused: " + "; ".join(json.loads(row["reasons"]))
    kind = report["champion"]
    measures, naive = report["metrics"][kind], report["metrics"]["recency_baseline"]
    return f"{kind}, AUC {measures['auc']:.3f} (baseline {naive['auc']:.3f})"


def _metadata(row: dict[str, Any]) -> dict[str, Any]:
    report = json.loads(row["report"])
    metadata: dict[str, Any] = {"status": row["status"], "reasons": row["reasons"]}
    for kind, measures in report.get("metrics", {}).items():
        for name in ("auc", "brier", "log_loss"):
            if measures[name] is not None:
                metadata[f"{kind}/{name}"] = float(measures[name])
    return metadata
