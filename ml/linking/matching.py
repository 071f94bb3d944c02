"""Compare pairs of records with Splink and learn, without labels, what each agreement is worth."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from pandas.api.types import is_bool_dtype
from splink import DuckDBAPI, Linker

from ml.linking.blocking import Key, choose_keys
from ml.linking.comparing import HOUSEHOLD_KEYS, PERSON_KEYS, settings
from ml.linking.training import SAMPLED_PAIRS, Level, learn

# Fields whose equal values count for more when they are rare.
NAMES = ("first_name", "last_name")


@dataclass(frozen=True)
class Compared:
    """Compared pairs and the levels they can reach.

    `pairs` has a < b (row numbers), level_<field> (0: different, -1: missing), rarity_<field>
    (bits that a rare name adds to an equal one), and is_found_by_address: a key without the given
    name led to the pair. `count_left_out` pairs agree in nothing but what too many agree in.
    """

    pairs: pd.DataFrame
    levels: tuple[Level, ...]
    count_left_out: int = 0


def compare(
    records: pd.DataFrame,
    more: Sequence[str],
    *,
    has_households: bool,
    seed: int,
    pair_budget: int,
) -> Compared:
    """Train on the records and compare every pair that shares a key and has a linkable record.

    Takes one row per record: unique_id (0, 1, …), is_linkable, first_name, last_name, street,
    house_number, postal_code, city and the columns `more`; texts are compared as they are written.
    u is counted in random pairs; m is learned among pairs that agree on one field. Where people
    share an address that field is the given name: hardly anybody among those is a relative. The
    database in memory ends with the call.
    """
    guides = (*(NAMES[:1] if has_households else NAMES), *more)
    known_keys = (*HOUSEHOLD_KEYS, *((name,) for name in more), *PERSON_KEYS)
    blocking = choose_keys(records, known_keys, pair_budget)
    keys, count_by_address = _ordered(blocking.keys, more)
    marks = {
        **{f"sampled_{field}": _sample(records, field, seed) for field in guides},
        **blocking.marks,
    }
    with _silence():
        database = DuckDBAPI()
        try:
            database.duckdb_con.execute("set threads = 1")  # one order of adding, one result
            table = database.register(_arrow(records.assign(**marks)))
            linker = _linker(table, more, keys, has_households)
            linker.training.estimate_u_using_random_sampling(
                max_pairs=SAMPLED_PAIRS, seed=seed, min_count_per_level=None, num_chunks=1
            )
            levels = tuple(_levels(linker.misc.save_model_to_json()))
            fields = tuple(dict.fromkeys(level.field for level in levels))
            sessions = {
                guide: _patterns(_linker(table, more, keys, has_households, guide), fields)
                for guide in guides
            }
            scored = linker.inference.predict(warning_mode="never")
            pairs = _fetch(scored, _selection(fields, count_by_address))
        finally:
            database.duckdb_con.close()
    pairs = pairs.sort_values(["a", "b"], ignore_index=True)
    return Compared(pairs, learn(levels, sessions), blocking.count_left_out)


def _ordered(keys: Sequence[Key], more: Sequence[str]) -> tuple[list[Key], int]:
    """Return the keys and how many of them have nothing but last name and address.

    These come first: what they find is found whatever the given names are.
    """
    others = {NAMES[0], *more}
    by_address = [key for key in keys if not others & {*key.columns}]
    return [*by_address, *(key for key in keys if others & {*key.columns})], len(by_address)


def _arrow(records: pd.DataFrame) -> pa.Table:
    """Return the records with texts as texts, also where a column is empty."""
    numbers = {"unique_id": pa.int64()}
    schema = pa.schema(
        (str(name), numbers.get(str(name), pa.bool_() if is_bool_dtype(kind) else pa.string()))
        for name, kind in records.dtypes.items()
    )
    return pa.Table.from_pandas(records, schema=schema, preserve_index=False)


def _sample(records: pd.DataFrame, field: str, seed: int) -> npt.NDArray[np.bool_]:
    """Mark linkable records that make about SAMPLED_PAIRS pairs with an equal field."""
    counts = records.groupby(field)[field].transform("size").fillna(0).to_numpy()
    order = np.random.default_rng(seed).permutation(np.flatnonzero(records["is_linkable"]))
    chosen = order[np.cumsum(counts[order]) <= max(SAMPLED_PAIRS, counts[order[:1]].sum())]
    return np.isin(np.arange(len(records)), chosen)


def _linker(
    table: Any, more: Sequence[str], keys: Sequence[Key], has_households: bool, sampled: str = ""
) -> Linker:
    description = settings(more, keys, has_households=has_households, sampled=sampled)
    return Linker(table, description, log_level=None)


def _patterns(linker: Linker, fields: Sequence[str]) -> pd.DataFrame:
    """Count the pairs of each combination of levels."""
    columns = ", ".join(f"gamma_{field} as level_{field}" for field in fields)
    scored = linker.inference.predict(warning_mode="never")
    frame = _fetch(scored, f"select {columns}, count(*) as pairs from {{this}} group by all")
    return frame.sort_values([f"level_{field}" for field in fields], ignore_index=True)


def _fetch(scored: Any, sql: str) -> pd.DataFrame:
    frame: pd.DataFrame = scored.query_sql(sql).as_pyarrow_table().to_pandas()
    return frame


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


def _selection(fields: Sequence[str], count_by_address: int) -> str:
    columns = [
        "least(unique_id_l, unique_id_r) as a",
        "greatest(unique_id_l, unique_id_r) as b",
        f"cast(match_key as integer) < {count_by_address} as is_found_by_address",
        *(f"gamma_{field} as level_{field}" for field in fields),
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
                bool(level.get("fix_m_probability")),
            )
