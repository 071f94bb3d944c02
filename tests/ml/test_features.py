"""The contract of the feature frame is kept by every caller or refused with one clear error."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.errors import FeatureError
from ml.features import FEATURES, KEYS, NAMES, NULLABLE, fingerprint, matrix, validate

AS_OF = pd.Timestamp("2026-11-01")


def frame_of(count: int = 3) -> pd.DataFrame:
    """Return a small frame that keeps the contract, typed as a warehouse returns it."""
    columns: dict[str, object] = {
        "customer_id": [f"c{number}" for number in range(count)],
        "as_of": [AS_OF] * count,
        "is_current": [True] * count,
    }
    dtypes = {"integer": "int64", "number": "float64", "boolean": "bool"}
    for position, feature in enumerate(FEATURES):
        values = np.arange(count) + position
        columns[feature.name] = (values % 2 if feature.kind == "boolean" else values).astype(
            dtypes[feature.kind]
        )
    return pd.DataFrame(columns)


@settings(max_examples=25)
@given(order=st.permutations([*KEYS, *NAMES]), rows=st.permutations(range(4)))
def test_order_of_columns_and_rows_does_not_matter(order: list[str], rows: list[int]) -> None:
    """A frame means the same in any order of columns and rows."""
    frame = frame_of(4)

    shuffled = validate(frame.iloc[list(rows)][list(order)])

    pd.testing.assert_frame_equal(shuffled, validate(frame))


def test_a_missing_column_is_named() -> None:
    """The error names the column that is not there."""
    frame = frame_of().drop(columns=["count_orders", "is_business"])

    with pytest.raises(FeatureError, match=r"misses columns: count_orders, is_business\. Build"):
        validate(frame)


def test_an_unknown_column_is_named() -> None:
    """A column outside the contract is refused: it could be an outcome in disguise."""
    frame = frame_of().assign(next_order_probability=0.5)

    with pytest.raises(FeatureError, match="has unknown columns: next_order_probability"):
        validate(frame)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("count_orders", ["a", "b", "c"]),
        ("revenue_total", [Decimal("1.5")] * 3),
        ("has_app", [0, 1, 2]),
        ("count_orders", [True, False, True]),
        ("days_since_last_order", pd.to_datetime(["2026-01-01"] * 3)),
        ("is_current", ["yes", "no", "yes"]),
        ("as_of", ["soon", "later", "never"]),
        ("as_of", ["2026-01-01"] * 3),
        ("as_of", [20260101] * 3),
    ],
)
def test_a_mistyped_column_is_named(column: str, values: object) -> None:
    """The error names the column whose type breaks the contract, and shows no value."""
    frame = frame_of().assign(**{column: values})

    with pytest.raises(FeatureError, match=column) as caught:
        validate(frame)

    assert not any(value in str(caught.value) for value in ("soon", "yes", "1.5", "2026"))


def test_two_rows_for_one_customer_and_date_are_counted() -> None:
    """A repeated key is refused with the number of rows, not with whose they are."""
    frame = pd.concat([frame_of(), frame_of(2)])

    with pytest.raises(FeatureError, match=r"^2 rows repeat") as caught:
        validate(frame)

    assert "c0" not in str(caught.value)


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinite_values_are_refused(value: float) -> None:
    """A division without a guard is found before a model learns from it."""
    frame = frame_of()
    frame.loc[1, "overdue_ratio"] = value

    with pytest.raises(FeatureError, match="overdue_ratio is infinite in 1 rows"):
        validate(frame)


def test_null_is_allowed_only_where_it_has_a_meaning() -> None:
    """Every nullable feature takes null; every other one refuses it by name."""
    allowed = frame_of().astype(dict.fromkeys(NULLABLE, "float64"))
    allowed[list(NULLABLE)] = np.nan
    forbidden = frame_of().astype({"count_carts_30d": "Int64"})
    forbidden.loc[0, "count_carts_30d"] = pd.NA

    assert np.isnan(matrix(validate(allowed))).sum() == 3 * len(NULLABLE)
    with pytest.raises(FeatureError, match="count_carts_30d is null in 1 rows"):
        validate(forbidden)


def test_null_keys_are_refused() -> None:
    """A row that belongs to nobody is refused."""
    frame = frame_of().assign(customer_id=["a", None, "b"])

    with pytest.raises(FeatureError, match="customer_id is null in 1 rows"):
        validate(frame)


def test_an_empty_frame_keeps_the_contract() -> None:
    """A shop without customers gives an empty, typed frame."""
    frame = pd.DataFrame(columns=[*KEYS, *NAMES])

    checked = validate(frame)

    assert checked.empty
    assert matrix(checked).shape == (0, len(NAMES))
    assert checked["as_of"].dtype == "datetime64[us]"


def test_zones_are_turned_into_utc() -> None:
    """A date with a zone means the same moment as one without."""
    frame = frame_of().assign(as_of=pd.Timestamp("2026-11-01 01:00", tz="Europe/Berlin"))

    assert (validate(frame)["as_of"] == AS_OF).all()


def test_every_feature_is_described_once() -> None:
    """Names are unique and descriptions are there, so the list can stand in a card."""
    assert len(set(NAMES)) == len(NAMES)
    assert all(feature.description for feature in FEATURES)
    assert len(fingerprint()) == 12


@pytest.mark.parametrize("module", ["ml.features", "ml.registry", "ml.models.next_order"])
def test_importing_does_not_load_the_learning_library(module: str) -> None:
    """Starting up costs nothing that only training needs."""
    code = f"import sys, {module}; sys.exit('sklearn' in sys.modules or 'skops' in sys.modules)"

    finished = subprocess.run([sys.executable, "-c", code], check=False)

    assert finished.returncode == 0


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("days_")])
def test_days_that_run_backwards_are_refused(name: str) -> None:
    """An event after as_of was not known then: the column is named, the values are not."""
    frame = frame_of(4)
    frame[name] = [5, -77, 3, -1]

    with pytest.raises(FeatureError, match=f"{name} is below 0 in 2 rows") as caught:
        validate(frame)

    assert "77" not in str(caught.value)
