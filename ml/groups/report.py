"""Which groups of customers were found, how stable they are, and what each has in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ml.groups.clusters import LEAST_SHARE, LEAST_STRENGTH, Trial
from ml.markdown import table

GROUPS, BASELINE, MEASURE = "groups", "one_group", "explained_variance"
LIMITS = (
    "Groups are proposals. None of them is an audience before somebody approves it by name: "
    "`regulars segments`.",
    "Ten facts about purchases and activity decide who is alike; what they do not tell is not "
    "seen.",
    "A rule describes its group as far as precision and recall say. What is approved is the rule.",
    "That a group differs says nothing about what a contact changes for it.",
)


def reason_of(count: int, trials: Sequence[Trial]) -> str:
    """Say why there are so many groups, or none."""
    if not trials:
        return "The customers do not differ in anything: no segments."
    if count > 1:
        chosen = next(trial for trial in trials if trial.count == count)
        return (
            f"{count} groups are the most that are stable: prediction strength "
            f"{chosen.strength:.2f} of {LEAST_STRENGTH} needed, the smallest has "
            f"{chosen.smallest_share:.1%}; they leave {chosen.spread:.0%} of the spread, slices "
            f"of fewer groups at least {chosen.reference:.0%}."
        )
    best = max(trials, key=lambda trial: trial.strength)
    if best.is_stable:
        return (
            f"No segments: {best.count} groups would be stable, but leave {best.spread:.0%} of the "
            f"spread, and slices of one cloud without groups {best.reference:.0%}."
        )
    if best.strength >= LEAST_STRENGTH:
        return (
            f"No segments: of {best.count} groups the smallest has {best.smallest_share:.1%} of "
            f"the customers; {LEAST_SHARE:.0%} are needed."
        )
    return (
        f"No segments: no number of groups is found again in another half of the customers; the "
        f"best is {best.count} with a prediction strength of {best.strength:.2f}, "
        f"{LEAST_STRENGTH} is needed."
    )


def card(report: Mapping[str, Any]) -> str:
    """Return the model card in Markdown: how many groups, what each is, limits."""
    names = ("count", "strength", "smallest_share", "spread", "reference", "is_proven")
    groups = [
        {
            "group": one["name"],
            "share": one["share"],
            "rule": one["rule"]["words"] if one["rule"] else "none was found",
            "precision": one["rule"]["precision"] if one["rule"] else None,
            "recall": one["rule"]["recall"] if one["rule"] else None,
        }
        for one in report["proposals"]
    ]
    sections = [
        f"# {report['model_name']} · {report['champion']} of {report['as_of'][:10]}",
        f"{report['count_customers']:,} customers. Status of this training: {report['status']}. "
        f"{report['reason']}",
        "## How many\n\n" + table(report["trials"], names),
    ]
    if groups:
        sections.append("## Proposals\n\n" + table(groups, tuple(groups[0])))
    sections.append("## Limits\n\n" + "\n".join(f"- {limit}" for limit in LIMITS))
    return "\n\n".join(sections) + "\n"
