"""Compare pairs of records with Splink and learn, without labels, what each agreement is worth."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa
from splink import DuckDBAPI, Linker

from ml.comparing import HOUSEHOLD_KEYS, equal, settings

SAMPLED_PAIRS = 1e6 + 1  # Splink warns of its own default, exactly a million
# Fields whose equal values count for more when they are rare.
NAMES = ("first_name", "last_name")


@dataclass(frozen=True)
class Level:
    """How often records of one person (m) and of two (u) reach a level; None: never observed."""

    field: str
    value: int
    label: str
    m: float | None
    u: float | None


@dataclass(frozen=True)
class Compared:
    """Compared pairs and the levels they can reach.

    `pairs` has a < b (row numbers), level_<field> (0: different, -1: missing), rarity_<field>
    (bits that a rare name adds to an equal one), and is_found_by_address: a key without the given
    name led to the pair.
    """

    pairs: pd.DataFrame
    levels: tuple[Level, ...]


def compare(
    records: pd.DataFrame, more: Sequence[str], *, has_households: bool, seed: int
) -> Compared:
    """Train on the records and compare every pair that shares a key and has a linkable record.

    Takes one row per record: unique_id (0, 1, …), is_linkable, first_name, last_name, street,
    house_number, postal_code, city and the columns `more`; texts are compared as they are written.
    The database in memory ends with the call.
    """
    with _silence():
        database = DuckDBAPI()
        try:
            database.duckdb_con.execute("set threads = 1")  # one order of adding, one result
            table = database.register(pa.Table.from_pandas(records, preserve_index=False))
            description = settings(more, has_households=has_households)
            linker = Linker(table, description, log_level=None)
            _train(linker, more, has_households, seed)
            model = linker.misc.save_model_to_json()
            scored = linker.inference.predict(warning_mode="never")
            found: Any = scored.query_sql(_selection(more))
            pairs = found.as_pyarrow_table().to_pandas()
        finally:
            database.duckdb_con.close()
    return Compared(pairs.sort_values(["a", "b"], ignore_index=True), tuple(_levels(model)))


@contextmanager
def _silence() -> Iterator[None]:
    """Keep Splink's log to itself: its statements can hold what was compared."""
    logger = logging.getLogger("splink")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)


def _train(linker: Linker, more: Sequence[str], has_households: bool, seed: int) -> None:
    """Learn u from random pairs, m by expectation maximisation among pairs with one field equal.

    Among equal given names hardly anybody is somebody else of the same household.
    """
    linker.training.estimate_u_using_random_sampling(
        max_pairs=SAMPLED_PAIRS, seed=seed, min_count_per_level=None
    )
    names = ("first_name",) if has_households else NAMES
    for field in (*names, *more):
        linker.training.estimate_parameters_using_expectation_maximisation(
            equal(field), max_pairs=SAMPLED_PAIRS, record_sample_proportion=1.0
        )


def _selection(more: Sequence[str]) -> str:
    columns = [
        "least(unique_id_l, unique_id_r) as a",
        "greatest(unique_id_l, unique_id_r) as b",
        f"cast(match_key as integer) < {len(HOUSEHOLD_KEYS)} as is_found_by_address",
        *(f"gamma_{field} as level_{field}" for field in (*NAMES, "address", *more)),
        *(f"mw_tf_adj_{field} as rarity_{field}" for field in NAMES),
    ]
    return f"select {', '.join(columns)} from {{this}}"


def _levels(model: Mapping[str, Any]) -> Iterator[Level]:
    for comparison in model["comparisons"]:
        told = [level for level in comparison["comparison_levels"] if "is_null_level" not in level]
        for value, level in enumerate(reversed(told)):
            yield Level(
                comparison["output_column_name"],
                value,
                level["label_for_charts"],
                level.get("m_probability"),
                level.get("u_probability"),
            )
