"""What next_action measured, as a model card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml.markdown import table

LIMITS = (
    "Only visits that allow analytics, until it is known whose they are; others may behave in "
    "other ways.",
    "Bots are left out as far as their whole visit tells them; the first steps of one that is "
    "still open look like anybody's.",
    "It says what visitors do by themselves, not what a message on the page would change.",
)
MEASURES = (
    *("kind", "count", "top3_accuracy", "top3_probability", "log_loss", "brier"),
    *("expected_calibration_error", "calibration_ratio"),
)


def card(report: Mapping[str, Any]) -> str:
    """Return the model card in Markdown: data, measures, each action, limits."""
    windows = [{"visits of": name, **rows} for name, rows in report["windows"].items()]
    measures = [{"kind": kind, **values} for kind, values in report["metrics"].items()]
    sections = [
        f"# {report['model_name']} · {report['champion']} of {report['as_of'][:10]}",
        f"The next action of an anonymous visit. Status of this training: {report['status']}. "
        f"{report['reason']}",
        "## Data\n\n" + table(windows, ("visits of", "from", "to", "visits", "steps")),
        "## Measures on later visits\n\nA hit is an action among the three told.\n\n"
        + table(measures, MEASURES),
        "## Each action by the published kind\n\n"
        + table(report["actions"], ("action", "count", "mean_probability", "actual_rate")),
        "## Limits\n\n" + "\n".join(f"- {limit}" for limit in LIMITS),
    ]
    return "\n\n".join(sections) + "\n"
