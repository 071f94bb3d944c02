"""The model card: a page a person can read about one version of a prediction.

The head is the same for all, from what every report has; the sections below are the prediction's
own. A card holds numbers about the shop, never one about a person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ml.markdown import table, words
from ml.prediction import Model
from ml.promotion import EVIDENCE

Report = Mapping[str, Any]
# What a reader who knows the trade, but not the model, asks first.
MEASURES = {
    "auc": "AUC, of a pair how often who came is put first",
    "log_loss": "log loss, lower is better",
    "brier": "Brier score, lower is better",
    "deviance": "deviance of orders, lower is better",
    "new_item_recall": "share of new purchases among ten offers",
    "qini_per_1000": "orders won per 1,000 persons by the ranking (Qini)",
}
LEFT_OUT_NONE = "Every column was looked at; none knows what came later."
LIMITS = (
    "The measures are those of the recipe on a season it had not seen; the stored model is the "
    "same recipe fitted on every complete window.",
    "A probability says what a customer would do when treated as customers were treated in the "
    "training windows. It does not say whom a message would change.",
    "Seasons move the level. They are reckoned with where the shop's own are known, after three "
    "years of purchases.",
    "Purchases cancelled later are absent from past snapshots, too.",
)


@dataclass(frozen=True)
class Picture:
    """A picture beside a card: its file, what it is called, and how to read it."""

    file: str
    title: str
    reading: str


@dataclass(frozen=True)
class Card:
    """A page in Markdown, and the bytes of the pictures it shows, by file."""

    text: str
    pictures: Mapping[str, bytes] = field(default_factory=dict)


def compose(model: Model, report: Report, about: str, pictures: Sequence[Picture]) -> str:
    """Return the card of a version: verdict, facts, pictures, gates, and its own sections.

    `about` says in a sentence what is predicted; a report that lacks something leaves it out.
    """
    sections = [
        f"# {words(model.name)}",
        about,
        _verdict(model, report),
        _facts(model, report),
        *(f"## {one.title}\n\n![{one.title}]({one.file})\n\n{one.reading}" for one in pictures),
        _drift(report),
        _left_out(report),
        _gates(report),
        _own(model, report),
    ]
    return "\n\n".join(section for section in sections if section).rstrip() + "\n"


def render(model: Model, report: Report) -> str:
    """Return a version's own sections, which start at the first heading of second degree."""
    if "card" in report:
        return str(report["card"])
    sections = [
        f"# {model.name} · {model.version}",
        "## Data\n\n" + table(report["windows"], ("as_of", "ends_at", "count", "count_positives")),
        f"Tested on the window of {report['test_as_of'][:10]}; "
        f"learnt for the test from {', '.join(day[:10] for day in report['training_as_of'])}.",
        *_season(report),
        "## Measures on the test window\n\n" + _measures(report),
        "## Calibration of the published model, by tenth\n\n"
        + table(report["calibration"], ("count", "mean_probability", "actual_rate")),
        "## Features it leans on most\n\n"
        + table(report["features"], ("feature", "log_loss_increase", "direction")),
        "## Limits\n\n" + "\n".join(f"- {limit}" for limit in LIMITS),
    ]
    return "\n\n".join(sections) + "\n"


def _season(report: Report) -> list[str]:
    """Say where the days ahead are of another season than those that were learnt from."""
    coming, learnt = report.get("season", 1.0), report.get("season_learnt", 1.0)
    if f"{coming:.2f}" == f"{learnt:.2f}":
        return []
    return [
        f"The days ahead bring {coming:.2f} times the usual purchases, those that were learnt from "
        f"{learnt:.2f} times: probabilities are moved to the season that comes."
    ]


def moved(report: Report) -> list[Mapping[str, Any]]:
    """Return the columns whose distribution moved by more than chance explains."""
    return [row for row in report.get("drift", ()) if row["stability_index"] > row["limit"]]


def _own(model: Model, report: Report) -> str:
    _, mark, rest = render(model, report).partition("\n## ")
    return mark.lstrip() + rest if mark else ""


def _verdict(model: Model, report: Report) -> str:
    """Say whether it may be used, and what is used otherwise."""
    reason = str(report.get("reason", ""))
    kind, champion = words(model.kind), report.get("champion")
    if model.kind != champion:
        published = f"{words(champion)} is." if champion else "another kind is."
        return f"**Runner-up: {kind} is not published, {published}** {reason}"
    if report.get("status") == EVIDENCE:
        return f"**Published: {kind}. It is proven better than the naive rule.** {reason}"
    return f"**Published: {kind}, the naive rule, because nothing proved better.** {reason}"


def _facts(model: Model, report: Report) -> str:
    """Return what one wants to know first, as a table."""
    measures = report.get("metrics", {}).get(model.kind, {})
    window = report.get("window", {})
    base_rate, rows = measures.get("base_rate"), measures.get("count", window.get("count"))
    judged = report.get("test_as_of") or window.get("as_of")
    facts = {
        "Version": model.version,
        "Looks ahead": f"{model.horizon_days} days",
        "Learnt from data until": f"{model.as_of:%Y-%m-%d}",
        "Sampled": _sampled(report),
        "Judged on": (f"{rows:,} rows" if rows else "")
        + (f" as of {judged[:10]}, by what came after it" if judged else ""),
        "Base rate": f"{base_rate:.1%} of them" if base_rate is not None else "",
        **_compared(model, report),
    }
    rows_told = [{"fact": name, "value": value} for name, value in facts.items() if value]
    return table(rows_told, ("fact", "value"))


def _sampled(report: Report) -> str:
    """Say how many of all it has learnt from, where not from all."""
    sampled = report.get("sampled")
    if not sampled:
        return ""
    count, every = sampled["customers"], sampled["of"]
    return f"learnt from about {count:,} of {every:,}, {count / every:.1%}, drawn by chance"


def _compared(model: Model, report: Report) -> dict[str, str]:
    """Return the measure beside the naive rule's, and the gain with its interval."""
    measure, metrics, baseline = (report.get(name) for name in ("measure", "metrics", "baseline"))
    told = {}
    value = (metrics or {}).get(model.kind, {}).get(measure)
    naive = (metrics or {}).get(baseline, {}).get(measure)
    if value is not None:
        beside = f"; the naive rule, {words(baseline)}: {naive:.4f}" if naive is not None else ""
        told[f"Measure: {MEASURES.get(str(measure), words(measure))}"] = f"{value:.4f}{beside}"
    for gain in report.get("gains", ()):
        if gain["kind"] == model.kind:
            ends = f"95 % interval {gain['lower']:+.4f} to {gain['upper']:+.4f}"
            against = f", against {gain['against']}" if gain.get("against") else ""
            told[f"Gain: {gain['measure']}"] = f"{gain['mean']:+.4f} ({ends}{against})"
    return told


def _drift(report: Report) -> str:
    """Say in words what moved since the newest closed window."""
    if "drift" not in report:
        return "## Has the shop changed since?\n\nNot measured in this training."
    rows = moved(report)
    names = ", ".join(f"{words(row['feature'])}" for row in rows)
    count = f"{len(report['drift'])} columns"
    found = f"{len(rows)} of {count} moved by more than chance explains: {names}." if rows else (
        f"None of {count} moved by more than chance explains."
    )  # fmt: skip
    return f"Today against the newest closed window: {found}"


def _left_out(report: Report) -> str:
    if "left_out" not in report:
        return ""
    rows = [f"- **{row['feature']}** was left out. {row['reason']}" for row in report["left_out"]]
    return "## Columns that know the future\n\n" + ("\n".join(rows) or LEFT_OUT_NONE)


def _gates(report: Report) -> str:
    """Return what was needed beside what was there."""
    if not report.get("gates"):
        return ""
    rows = [
        {"gate": words(gate["name"]), "there": gate["value"], "needed": gate["minimum"]}
        for gate in report["gates"]
    ]
    return "## What it needed, and what was there\n\n" + table(rows, ("gate", "there", "needed"))


def _measures(report: Report) -> str:
    """Return the measures of every kind, the base rate included."""
    columns = ("auc", "brier", "log_loss", "expected_calibration_error", "calibration_ratio")
    measured = {"base_rate": report["metrics_base_rate"], **report["metrics"]}
    rows = [{"kind": kind, **values} for kind, values in measured.items()]
    return table(rows, ("kind", *columns, "lift_at_10_percent"))
