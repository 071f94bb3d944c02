"""The model card: a page a person can read about one version of a probability."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml.markdown import table
from ml.prediction import Model

LIMITS = (
    "The measures are those of the recipe on a season it had not seen; the stored model is the "
    "same recipe fitted on every complete window.",
    "A probability says what a customer would do when treated as customers were treated in the "
    "training windows. It does not say whom a message would change.",
    "Seasons move the level: with less than two years of history, no year before is known.",
    "Purchases cancelled later are absent from past snapshots, too.",
)


def render(model: Model, report: Mapping[str, Any]) -> str:
    """Return a model card in Markdown: data, measures, calibration, features, drift, limits."""
    sections = [
        f"# {model.name} · {model.version}",
        f"Probability to order again within {model.horizon_days} days. Kind: {model.kind}. "
        f"Status of this training: {report['status']}. {report['reason']}",
        "## Data\n\n" + table(report["windows"], ("as_of", "ends_at", "count", "count_positives")),
        f"Tested on the window of {report['test_as_of'][:10]}; "
        f"learnt for the test from {', '.join(day[:10] for day in report['training_as_of'])}.",
        "## Measures on the test window\n\n" + _measures(report),
        "## Calibration of the published model, by tenth\n\n"
        + table(report["calibration"], ("count", "mean_probability", "actual_rate")),
        "## Features it leans on most\n\n"
        + table(report["features"], ("feature", "log_loss_increase", "direction")),
        "## Features that moved since the test window\n\n"
        + table(report["drift"], ("feature", "stability_index", "limit")),
        "## Limits\n\n" + "\n".join(f"- {limit}" for limit in LIMITS),
    ]
    return "\n\n".join(sections) + "\n"


def _measures(report: Mapping[str, Any]) -> str:
    """Return the measures of every kind, the base rate included."""
    columns = ("auc", "brier", "log_loss", "expected_calibration_error", "calibration_ratio")
    measured = {"base_rate": report["metrics_base_rate"], **report["metrics"]}
    rows = [{"kind": kind, **values} for kind, values in measured.items()]
    return table(rows, ("kind", *columns, "lift_at_10_percent"))
