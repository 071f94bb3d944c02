"""Link records that only a postal address tells of; links re-enter dbt as source('ml', …)."""

from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pyarrow as pa

from orchestration.cards import FILE as CARD
from orchestration.progress import reporter
from orchestration.project import settings
from orchestration.warehouse import Connection, Warehouse

RECORDS = dg.AssetKey(["intermediate", "int_postal_records_chosen"])
LINKS = dg.AssetKey(["ml", "identity_links"])
RELATION = "intermediate.int_postal_records_chosen"
BATCH_ROWS = 100_000

TABLE = """
create table if not exists ml.identity_links (
    source_a varchar, source_record_key_a varchar, source_b varchar, source_record_key_b varchar,
    decision varchar, reason varchar, probability double, match_weight double, evidence varchar,
    threshold double, model_version varchar, scored_at timestamp
)
"""


@dg.asset(
    key=LINKS,
    deps=[RECORDS],
    group_name="identity",
    kinds={"python", "duckdb"},
    pool="duckdb_writer",
)
def identity_links(warehouse: dg.ResourceParam[Warehouse]) -> dg.MaterializeResult[Any]:
    """Link what no identifier connects, or refuse with a reason where there is too little of it."""
    step = "Link records by postal address"
    reporter().begin(step)
    with warehouse.connect(read_only=True) as connection:
        outcome = _link(connection)
    with warehouse.writing(), warehouse.connect() as connection:
        connection.execute("create schema if not exists ml")
        connection.execute(TABLE)
        with connection.transaction():
            connection.execute("delete from ml.identity_links")
            connection.insert("ml.identity_links", outcome.edges)
    metadata = _metadata(outcome) | _card(outcome)
    reporter().end(step, _phrase(outcome, metadata))
    return dg.MaterializeResult(metadata=metadata)


@dg.asset_check(asset=LINKS, blocking=True, pool="duckdb_writer")
def every_pair_is_decided_once(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
    """A pair stands once, in one order, with a probability between 0 and 1."""
    with warehouse.connect(read_only=True) as connection:
        rows, pairs, valid = connection.execute(
            "select count(*), count(distinct (a, b)), "
            "count(*) filter (where a < b and probability between 0 and 1) from ("
            "select row(source_a, source_record_key_a) as a, "
            "row(source_b, source_record_key_b) as b, probability from ml.identity_links)"
        )[0]
    metadata = {"rows": rows, "pairs": pairs, "valid": valid}
    return dg.AssetCheckResult(passed=rows == pairs == valid, metadata=metadata)


def _link(connection: Connection) -> Any:
    """Read the records only where there are enough of them to learn from."""
    from ml.models import identity_links

    counts = f"select count(*), count(*) filter (where is_linkable) from {RELATION}"
    refusal = identity_links.find_refusal(*connection.execute(counts)[0])
    if refusal:
        return identity_links.refuse(refusal)
    batches = connection.stream(f"select * from {RELATION}", BATCH_ROWS)
    now = datetime.now(UTC).replace(tzinfo=None)
    return identity_links.link(pa.Table.from_batches(batches), scored_at=now)


def _metadata(outcome: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "dagster/row_count": outcome.edges.num_rows,
        "status": "refused" if outcome.refusal else "linked",
        **{name: outcome.count(name) for name in ("link", "review", "vetoed")},
    }
    for name in ("refusal", "threshold", "expected_precision", "model_version"):
        if getattr(outcome, name) is not None:
            metadata[name] = getattr(outcome, name)
    if outcome.report:
        metadata["report"] = dg.MetadataValue.json(dict(outcome.report))
    return metadata


def _card(outcome: Any) -> dict[str, Any]:
    """Write the card beside the versions of predictions and return it for Dagster."""
    from ml.linking.card import render

    text = render(outcome)
    path = settings.models / "identity_links" / CARD
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return {"card": dg.MetadataValue.md(text), "card_file": dg.MetadataValue.path(path)}


def _phrase(outcome: Any, metadata: dict[str, Any]) -> str:
    if outcome.refusal:
        return f"none: {outcome.refusal}"
    sure = outcome.expected_precision
    share = f" ({sure:.1%} expected to be right)" if sure is not None else ""
    return (
        f"{metadata['link']:,} links{share}, {metadata['review']:,} to review, "
        f"{metadata['vetoed']:,} vetoed"
    )
