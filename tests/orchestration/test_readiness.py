"""The warehouse remembers how ready each prediction is, and the command tells it."""

import pandas as pd
import pytest

from ml.evaluation import Gate
from ml.models import PREDICTIONS
from ml.readiness import Readiness
from orchestration.readiness import as_markdown, read_readiness, replace_readiness, show_readiness
from orchestration.settings import read_settings
from orchestration.terminal import console
from orchestration.warehouse import Warehouse

THIN = Gate("count_buyers", 12, 500, "12 customers with a purchase; at least 500 are needed.")
LONG = Gate("history_days", 400, 180, "400 days since the first purchase; at least 180 are needed.")


def ready(name: str, level: str = "rule", kind: str | None = None) -> Readiness:
    """Return how ready a prediction is."""
    return Readiness(
        name, pd.Timestamp("2026-11-01"), level, kind, "rank by recency", THIN.reason,
        None, 400, None, (THIN, LONG),
    )  # fmt: skip


@pytest.fixture
def settings(tmp_path):
    """A state folder with an empty warehouse."""
    settings = read_settings({"REGULARS_HOME": str(tmp_path)})
    with Warehouse(settings.warehouse).connect() as connection:
        connection.execute("create schema ml")
    return settings


def test_one_row_per_prediction_is_kept(settings):
    """The newest training's verdict replaces the one before, gates and all."""
    with Warehouse(settings.warehouse).connect() as connection:
        assert read_readiness(connection) == []
        replace_readiness(connection, ready("next_order"))
        replace_readiness(connection, ready("next_order", "simple", "logistic"))
        replace_readiness(connection, ready("uplift"))
        rows = read_readiness(connection)

    assert [(row["model_name"], row["level"], row["kind"]) for row in rows] == [
        ("next_order", "simple", "logistic"),
        ("uplift", "rule", None),
    ]
    assert [gate["is_passed"] for gate in rows[0]["gates"]] == [False, True]


def test_the_command_tells_what_is_missing_and_what_to_use_until_then(settings):
    """For one prediction every gate stands there, too."""
    with Warehouse(settings.warehouse).connect() as connection:
        for prediction in PREDICTIONS:
            replace_readiness(connection, ready(prediction.NAME))

    with console.capture() as told:
        show_readiness(settings, "next_order")
    text = " ".join(told.get().split())

    assert "next_order: use the rule. 12 customers with a purchase; at least 500" in text
    assert "The rule: rank by recency." in text
    assert "uplift" not in text
    assert "500" in text.split("Gates of next_order")[1]


def test_before_a_training_the_command_says_so(settings):
    """An empty warehouse is no error."""
    with console.capture() as told:
        show_readiness(settings, None)

    assert "Nothing was trained yet" in told.get()


def test_dagster_shows_verdict_rule_and_gates():
    """The same in Markdown."""
    text = as_markdown(ready("next_order"))

    assert text.startswith("**Use the rule.** 12 customers")
    assert "| count buyers | 12 | 500 | no |" in text
