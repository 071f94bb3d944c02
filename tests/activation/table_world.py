"""The scores' sync to a table, for the tests that deliver it to a real Postgres."""

from contextlib import contextmanager
from dataclasses import replace

from activation.destinations.table import TableSettings
from activation.pacing import Patience
from activation.spec import Field
from activation.syncs import run_sync
from tests.activation.world import AS_OF, KEYS, KLAVIYO, world_at

SCORES = replace(
    KLAVIYO,
    name="table__customer_scores",
    destination="table",
    surface="rows",
    target="shop.customer_scores",
    purposes=("internal_reporting",),
    channel="table",
    fields=(
        Field("customer_id", "varchar"),
        Field("stage", "varchar"),
        Field("probability", "decimal(5,4)"),
        Field("count_orders", "integer"),
        Field("is_lapsed", "boolean"),
        Field("last_ordered_at", "timestamp"),
        Field("score", "double"),
    ),
    has_contact_point=False,
    max_removal_share=1.0,
    max_size_change=100.0,
)
BRIEF = Patience(first_wait=0.01, attempts=2)
ROWS = "select * from shop.customer_scores order by customer_id"
CONTENT = "select customer_id, stage from shop.customer_scores order by customer_id"
TABLE = """
create table shop.customer_scores (
    customer_id text primary key, stage text, probability numeric(5,4), count_orders integer,
    is_lapsed boolean, last_ordered_at timestamp with time zone, score double precision,
    regulars_sync text, regulars_digest text)
"""


@contextmanager
def scores_at(tmp_path, server, **changes):
    """Open a world with the scores' sync, and settings that let it make its table."""
    with world_at(tmp_path / "w.duckdb", SCORES, **changes) as world:
        yield world, TableSettings(server.url(), "yes")


def score(number, **overrides):
    """Return one row of the scores."""
    values = {"stage": "active", "probability": 0.25, "count_orders": number, "is_lapsed": False}
    times = {"last_ordered_at": "2026-10-31 23:30:00", "score": 1 / 3}
    return {"customer_id": f"c{number}", **values, **times, **overrides}


def run(world, settings, **options):
    """Run the sync."""
    options = {"patience": BRIEF, **options}
    return run_sync(world.connection, world.spec, settings, as_of=AS_OF, keys=KEYS, **options)


def make_table(server, definition=TABLE):
    """Make the table as its owner would, for the user that writes."""
    server.run(definition)
    server.run("grant all on all tables in schema shop to writer")
