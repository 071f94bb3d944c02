"""The contract of the feature frame: which columns, what they mean, when they may be null."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from ml.errors import FeatureError
from ml.names import coded
from ml.times import naive_utc

Kind = Literal["integer", "number", "boolean"]
Matrix = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Feature:
    """One column of the feature frame; `null_meaning` is empty when null is not allowed."""

    name: str
    kind: Kind
    description: str
    null_meaning: str = ""


KEYS = ("customer_id", "as_of", "is_current")
REMEDY = "Build insight.customer_features with the columns of ml.features.FEATURES."

FEATURES: tuple[Feature, ...] = (
    Feature("days_since_last_order", "integer", "Days from the last purchase to as_of"),
    Feature("days_since_first_order", "integer", "Days from the first purchase to as_of"),
    Feature("days_first_to_last_order", "integer", "Days from the first to the last purchase"),
    Feature("count_orders", "integer", "Purchases before as_of"),
    Feature("count_orders_30d", "integer", "Purchases in the 30 days before as_of"),
    Feature("count_orders_90d", "integer", "Purchases in the 90 days before as_of"),
    Feature("count_orders_180d", "integer", "Purchases in the 180 days before as_of"),
    Feature("count_orders_365d", "integer", "Purchases in the 365 days before as_of"),
    Feature("revenue_90d", "number", "Net amount of the purchases of 90 days, before refunds"),
    Feature("revenue_365d", "number", "Net amount of the purchases of 365 days, before refunds"),
    Feature("revenue_total", "number", "Net amount of all purchases, before refunds"),
    Feature("average_order_value", "number", "Net amount of a purchase on average"),
    Feature("mean_gap_days", "number", "Mean days between purchases", "only one purchase"),
    Feature("last_gap_days", "integer", "Days between the last two purchases", "only one purchase"),
    Feature(
        "overdue_ratio",
        "number",
        "Days since the last purchase / mean days between purchases",
        "only one purchase, or all purchases on one day",
    ),
    Feature("count_categories", "integer", "Distinct known product categories bought"),
    Feature("discount_share", "number", "Discount / amount before discount, 0 to 1"),
    Feature("return_share", "number", "Returned / bought pieces of purchases 30 days old or more"),
    Feature("count_store_orders_365d", "integer", "Purchases in a store in 365 days"),
    Feature("is_business", "boolean", "Buys for a company"),
    Feature("has_app", "boolean", "Has used the app or allowed push messages"),
    Feature("count_sessions_30d", "integer", "Sessions on web site and app in 30 days"),
    Feature("count_sessions_90d", "integer", "Sessions on web site and app in 90 days"),
    Feature("count_product_views_30d", "integer", "Product views in 30 days"),
    Feature("count_carts_30d", "integer", "Products put into a cart in 30 days"),
    Feature("days_since_last_event", "integer", "Days from the last event to as_of", "no event"),
    Feature(
        "activity_trend_ratio",
        "number",
        "(Events of 30 days + 1) / (events of 60 before / 2 + 1)",
    ),
    Feature("count_sends_90d", "integer", "E-mails sent to the person in 90 days"),
    Feature("count_clicks_90d", "integer", "E-mail clicks in 90 days"),
    Feature("count_human_opens_90d", "integer", "E-mail opens by a person in 90 days"),
    Feature("count_cases_180d", "integer", "Service cases opened in 180 days"),
    Feature("has_open_case", "boolean", "A service case is open at as_of"),
)
NAMES: tuple[str, ...] = tuple(feature.name for feature in FEATURES)
NULLABLE: tuple[str, ...] = tuple(feature.name for feature in FEATURES if feature.null_meaning)


def describe() -> list[dict[str, Any]]:
    """Return the contract as plain data, one mapping per feature."""
    return [asdict(feature) for feature in FEATURES]


def fingerprint() -> str:
    """Return 12 hex digits that change with any feature's name, kind, meaning or null rule."""
    return hashlib.sha256(json.dumps(describe()).encode()).hexdigest()[:12]


def validate(frame: pd.DataFrame) -> pd.DataFrame:
    """Check a feature frame and return it in the contract's column order and types.

    Takes the key columns and every feature in any order. Returns customer_id text, as_of naive
    UTC, is_current bool and float64 features (null is NaN), rows ordered by as_of, customer_id.
    Raises FeatureError naming the columns and the number of rows, never a record's values.
    """
    _check_columns(frame)
    _check_keys(frame)
    customers, moments = frame["customer_id"].astype("str"), naive_utc(frame["as_of"]).to_numpy()
    order = _order(moments, customers)
    columns: dict[str, Any] = {
        "customer_id": customers.array.take(order),
        "as_of": moments[order],
        "is_current": frame["is_current"].to_numpy(dtype=bool)[order],
    }
    columns |= {feature.name: _number(frame[feature.name], feature)[order] for feature in FEATURES}
    return pd.DataFrame(columns)


def current(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the current rows of a validated frame, numbered anew."""
    is_current = frame["is_current"]
    return frame if is_current.all() else frame[is_current].reset_index(drop=True)


def matrix(frame: pd.DataFrame) -> Matrix:
    """Return the features of a validated frame as rows x FEATURES, NaN where null."""
    values: Matrix = frame.loc[:, list(NAMES)].to_numpy(dtype=np.float64)
    return values


def _check_columns(frame: pd.DataFrame) -> None:
    """Refuse missing, extra and repeated columns."""
    expected = (*KEYS, *NAMES)
    missing = [name for name in expected if name not in frame.columns]
    extra = [str(name) for name in frame.columns if name not in expected]
    repeated = sorted({str(name) for name in frame.columns[frame.columns.duplicated()]})
    for problem, names in (("misses", missing), ("has unknown", extra), ("repeats", repeated)):
        if names:
            message = f"The feature frame {problem} columns: {', '.join(names)}. {REMEDY}"
            raise FeatureError(message)


def _check_keys(frame: pd.DataFrame) -> None:
    """Refuse null keys and an is_current that is not a boolean."""
    for name in KEYS:
        count = int(frame[name].isna().sum())
        if count:
            raise FeatureError(
                f"Column {name} is null in {count} rows; keys are never null. {REMEDY}"
            )
    if len(frame) and not _is_boolean(frame["is_current"]):
        kind = frame["is_current"].dtype
        raise FeatureError(f"Column is_current is {kind}, not boolean. {REMEDY}")


def _order(moments: npt.NDArray[Any], customers: pd.Series) -> npt.NDArray[np.int64]:
    """Return the order of rows by moment and customer, refusing two of both."""
    customer, names = coded(customers)
    _, moment = np.unique(moments.astype(np.int64), return_inverse=True)
    keys = moment * len(names) + customer
    order = np.argsort(keys)
    ordered = keys[order]
    count = int((ordered[1:] == ordered[:-1]).sum())
    if count:
        raise FeatureError(
            f"{count} rows repeat a (customer_id, as_of) that another row has. "
            "Give every customer one row per as_of."
        )
    return order


def _number(values: pd.Series, feature: Feature) -> Numbers:
    """Return a feature as float64, refusing wrong types, infinities, the future and nulls."""
    if values.isna().all():
        numbers = np.full(len(values), np.nan)
    elif _has_kind(values, feature.kind):
        numbers = values.astype("float64").to_numpy()
    else:
        raise FeatureError(
            f"Column {feature.name} is {values.dtype}, not {feature.kind}. "
            "Cast it in insight.customer_features (decimals to double)."
        )
    infinite = int(np.isinf(numbers).sum())
    if infinite:
        raise FeatureError(
            f"Column {feature.name} is infinite in {infinite} rows. "
            "Guard the division in insight.customer_features."
        )
    early = int((numbers < 0).sum()) if feature.name.startswith("days_") else 0
    if early:
        raise FeatureError(
            f"Column {feature.name} is below 0 in {early} rows: what it counts from lies after "
            "as_of. Cut it at as_of in insight.customer_features."
        )
    nulls = int(np.isnan(numbers).sum())
    if nulls and not feature.null_meaning:
        raise FeatureError(
            f"Column {feature.name} is null in {nulls} rows, where null has no meaning. "
            "Use 0 or false for an absent source in insight.customer_features."
        )
    return numbers


def _has_kind(values: pd.Series, kind: Kind) -> bool:
    """Tell whether a column's type fits the feature's kind."""
    if kind == "boolean":
        return _is_boolean(values)
    is_numeric = bool(pd.api.types.is_numeric_dtype(values.dtype))
    return is_numeric and not pd.api.types.is_bool_dtype(values.dtype)


def _is_boolean(values: pd.Series) -> bool:
    """Tell whether a column is boolean, or numbers that are all 0 or 1."""
    if pd.api.types.is_bool_dtype(values.dtype):
        return True
    is_numeric = bool(pd.api.types.is_numeric_dtype(values.dtype))
    return is_numeric and bool(values.dropna().isin([0, 1]).all())
