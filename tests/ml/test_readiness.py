"""Readiness says what to use and what is missing, on thin shops, real ones and rich ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from ml.evaluation import Gate
from ml.models import PREDICTIONS, next_order, uplift
from ml.prediction import Model, Prediction, Refused, Trained
from ml.readiness import LEARNED, RULE, SIMPLE, assess
from tests.ml.test_prediction import few_of, frames_of

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from tests.ml.conftest import Shop

FROM_ORDERS = ("features", "purchases", "lines", "customers")
AS_OF = pd.Timestamp("2026-11-01")


@pytest.fixture(scope="module", params=PREDICTIONS, ids=lambda prediction: prediction.NAME)
def prediction(request: pytest.FixtureRequest) -> Prediction:
    """Each prediction in turn."""
    return request.param


@pytest.fixture(scope="module")
def cdnow_shop(cdnow: pd.DataFrame, make_shop: Callable[..., Shop]) -> Shop:
    """The real customers of CDNOW: orders and nothing else."""
    occasions = cdnow.assign(occurred_at=cdnow["occurred_at"] + pd.Timedelta(hours=12))
    return make_shop(occasions[occasions["customer_id"] < "08000"], pd.Timestamp("1998-07-01"))


def orders_only(prediction: Prediction, shop: Shop) -> dict[str, pd.DataFrame]:
    """Return what a prediction reads in a shop that has orders, what they tell, and no more."""
    frames = frames_of(prediction, shop)
    return {
        name: frame if name in FROM_ORDERS else frame.iloc[:0] for name, frame in frames.items()
    }


def test_a_rich_shop_is_told_what_scores_and_why(prediction: Prediction, shop: Shop) -> None:
    """Counts, gates that pass, and the reason of the training."""
    outcome = prediction.fit(frames_of(prediction, shop), as_of=shop.clock)
    assert isinstance(outcome, Trained)

    found = assess(prediction, outcome)

    assert found.kind == outcome.champion.kind
    assert found.level == RULE or found.kind != outcome.report["baseline"]
    assert outcome.report["reason"] in found.why
    assert any(gate.is_passed for gate in found.gates)
    assert found.naive_rule


@pytest.mark.parametrize("name", ["retail_shop", "cdnow_shop"])
def test_real_shops_with_orders_only_are_told_what_to_use(
    name: str, prediction: Prediction, request: pytest.FixtureRequest
) -> None:
    """Either something scores, or a gate that failed says what is missing: no silent guess."""
    shop: Shop = request.getfixturevalue(name)

    outcome = prediction.fit(orders_only(prediction, shop), as_of=shop.clock)

    found = assess(prediction, outcome)
    assert (found.kind is None) == isinstance(outcome, Refused)
    if isinstance(outcome, Refused):
        assert found.level == RULE
        assert found.failed
        assert all(gate.reason in found.why for gate in found.failed)
    else:
        assert found.count_rows
    assert (prediction is uplift) <= (found.kind is None)


@pytest.mark.parametrize("customers", [0, 5, 60])
def test_a_thin_shop_is_refused_with_every_gate(
    customers: int, prediction: Prediction, shop: Shop
) -> None:
    """The rule is named, and each failed gate tells what is there and what is needed."""
    frames = few_of(prediction, frames_of(prediction, shop), customers)

    found = assess(prediction, prediction.fit(frames, as_of=shop.clock))

    assert (found.level, found.kind) == (RULE, None)
    assert found.failed
    assert all(gate.value < gate.minimum for gate in found.failed)
    assert all(f"{gate.minimum:,}" in found.why for gate in found.failed)
    assert found.naive_rule
    assert "nan" not in found.why


@pytest.mark.parametrize(
    ("kind", "level"),
    [("recency_baseline", RULE), ("logistic", SIMPLE), ("gradient_boosting", LEARNED)],
)
def test_the_kind_that_is_published_decides_the_level(kind: str, level: str) -> None:
    """The baseline is the rule even where a model was trained beside it."""
    model = Model("next_order", f"v-{kind}", kind, 90, AS_OF, (), {})
    report = {
        "champion": kind, "baseline": "recency_baseline", "reason": "Told.",
        "metrics": {kind: {"count": 900, "count_positives": 90}},
        "gates": [vars(Gate("history_days", 400, 180, "400 days"))],
    }  # fmt: skip

    found = assess(next_order, Trained(model, model, "evidence", report))

    assert found.level == level
    assert (found.count_rows, found.history_days, found.count_positives) == (900, 400, 90)
    assert found.why.endswith("Told.")
    assert found.why.startswith("There is enough data") == (level == RULE)


def test_a_prediction_names_its_own_rule() -> None:
    """What was added later needs no line here; without a name the baseline is told."""

    class Own:
        NAME = "own"
        NAIVE_RULE = "ask the shop assistant"

    class Silent:
        NAME = "silent"

    refused = Refused("own", 30, AS_OF, ("Too little.",))

    assert assess(Own(), refused).naive_rule == "ask the shop assistant"
    assert assess(Silent(), refused).naive_rule == "what you do today"
    assert assess(Silent(), refused).why == "Too little."
