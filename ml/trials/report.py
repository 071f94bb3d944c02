"""What an experiment proved, in numbers and as a model card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ml.evaluation import Interval, paired_interval
from ml.markdown import table
from ml.promotion import EVIDENCE, Gain
from ml.trials.crossfit import CrossFit
from ml.trials.trial import Trial

MEASURE = "qini_per_1000"
LIMITS = (
    "It holds for the contact of this experiment and for people like those who were drawn; others "
    "are ranked by what they have in common with them.",
    "Who bought nothing before the draw is left out; orders in the days after it count, whatever "
    "brought them (intention to treat).",
    "Whom a contact puts off, and what it earns later than the days, is known as far as the days "
    "tell. The cost is that of the contact; without one it is taken to be free.",
    "The intervals hold for the rankings as they were learnt; learning them again on other persons "
    "would vary more.",
    "Whether somebody may be contacted at all the gate of a sync decides.",
)


def describe(
    trial: Trial,
    fitted: CrossFit,
    intervals: Mapping[str, Interval],
    ranked: Sequence[str],
    rule: str,
) -> dict[str, Any]:
    """Return the part of the report about the experiment and the rankings."""
    best, told = intervals[ranked[0]], "Qini per 1,000 persons"
    return {
        "champion": ranked[0],
        "challenger": ranked[1],
        "status": EVIDENCE,
        "reason": (
            f"{ranked[0]} puts those first whom {trial.variant} moves: Qini {1000 * best.mean:.2f} "
            f"per 1,000 persons (joint 95 % interval of all rankings {1000 * best.lower:.2f} to "
            f"{1000 * best.upper:.2f})."
        ),
        "gains": [
            asdict(Gain(kind, told, 1000 * one.mean, 1000 * one.lower, 1000 * one.upper, "chance"))
            for kind, one in intervals.items()
        ],
        "measure": MEASURE,
        "metrics": {
            kind: {
                MEASURE: 1000 * one.mean,
                "lower": 1000 * one.lower,
                "upper": 1000 * one.upper,
            }
            for kind, one in intervals.items()
        },
        "rule": rule,
        "experiment": {
            "name": trial.experiment,
            "variant": trial.variant,
            "first_assigned_at": str(trial.assigned_at.min()),
            "last_assigned_at": str(trial.assigned_at.max()),
            "count_contacted": int(trial.is_contacted.sum()),
            "count_control": int((~trial.is_contacted).sum()),
            "order_rate_contacted": float(trial.ordered[trial.is_contacted].mean()),
            "order_rate_control": float(trial.ordered[~trial.is_contacted].mean()),
            "contact_cost": trial.contact_cost,
        },
        "average_uplift": asdict(paired_interval(fitted.effect, seed=0)),
    }


def card(report: Mapping[str, Any]) -> str:
    """Return the model card in Markdown: experiment, rankings, bands, policy, limits."""
    trial, policy = report["experiment"], report["policy"]
    cost = "not told" if trial["contact_cost"] is None else f"{trial['contact_cost']:.2f}"
    measures = [{"ranking": kind, **values} for kind, values in report["metrics"].items()]
    bands = ("band", "count", "order_rate_without", "uplift", "lower", "upper")
    rows = [
        {"policy": name, **policy[key]}
        for name, key in (
            ("where the expected gain is above 0", "value"),
            ("everybody", "value_of_all"),
            ("the first less the second", "against_all"),
        )
    ]
    sections = [
        f"# {report['model_name']} · {report['champion']} of {report['as_of'][:10]}",
        f"What a contact changes about ordering within {report['horizon_days']} days. "
        f"Status of this training: {report['status']}. {report['reason']}",
        f"## The experiment\n\n{trial['name']}: {trial['count_contacted']:,} persons got "
        f"{trial['variant']}, {trial['count_control']:,} nothing, drawn "
        f"{trial['first_assigned_at'][:10]} to {trial['last_assigned_at'][:10]}. "
        f"{trial['order_rate_contacted']:.2%} and {trial['order_rate_control']:.2%} ordered. "
        f"Cost of a contact: {cost}.",
        "## Rankings, each person scored by models that did not see them\n\n"
        f"The rule: {report['rule']} first.\n\n"
        + table(measures, ("ranking", MEASURE, "lower", "upper")),
        "## Fifths of the experiment by the published ranking\n\n" + table(report["bands"], bands),
        f"## Margin less cost per person, against contacting nobody\n\nContacted by the policy: "
        f"{policy['share_contacted']:.1%}.\n\n" + table(rows, ("policy", "mean", "lower", "upper")),
        "## Limits\n\n" + "\n".join(f"- {limit}" for limit in LIMITS),
    ]
    return "\n\n".join(sections) + "\n"
