"""What is proven about hours, weekdays and channels, in numbers and as a model card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ml.habits.answers import Answers
from ml.habits.habit import STRENGTHS, TRAITS, Habit, spanned
from ml.habits.verdict import Verdict
from ml.markdown import table
from ml.promotion import EVIDENCE, NO_EVIDENCE, Gain

PERSONAL, SHOP = "personal", "shop"
SHOPS = "the shop's own choice for everybody"
LIMITS = (
    "Hours and weekdays are the shop's local ones: no source tells a person's time zone.",
    "Mails are opened after they were sent, so the shop's best hour is that of visits where there "
    "are enough; opens count against what is usual for opens.",
    "Use of the app speaks for push: no source tells who opened a push message.",
    "Whether an answer at the chosen hour brings an order is not shown; that needs an experiment.",
    "Whether somebody may be written to at all, and through which channel, the gate of a sync "
    "decides: nothing here is a consent.",
)


def describe(
    verdicts: Mapping[str, Verdict], learnt: Mapping[str, Habit], answers: Answers
) -> dict[str, Any]:
    """Return the part of the report about what is usual, what is personal and what is proven."""
    proven = [trait for trait in TRAITS if verdicts[trait].is_proven]
    champion, challenger = (PERSONAL, SHOP) if proven else (SHOP, PERSONAL)
    metrics: dict[str, dict[str, float]] = {PERSONAL: {}, SHOP: {}}
    for trait, verdict in verdicts.items():
        metrics[PERSONAL] |= {
            f"{trait}_hit_rate": verdict.hit_rate,
            f"{trait}_log_loss": verdict.log_loss,
        }
        metrics[SHOP] |= {
            f"{trait}_hit_rate": verdict.shop_hit_rate,
            f"{trait}_log_loss": verdict.shop_log_loss,
        }
    return {
        "champion": champion,
        "challenger": challenger,
        "status": EVIDENCE if proven else NO_EVIDENCE,
        "reason": " ".join(_sentence(trait, verdicts[trait]) for trait in TRAITS),
        "measure": f"{(proven or TRAITS)[0]}_hit_rate",
        "baseline": SHOP,
        "metrics": metrics,
        "gains": [_gain(trait, verdicts[trait]) for trait in TRAITS],
        "habits": {trait: _habit(learnt[trait], verdicts[trait]) for trait in TRAITS},
        "kinds": {
            kind: int((answers.kind == code).sum()) for code, kind in enumerate(answers.kinds)
        },
    }


def card(report: Mapping[str, Any]) -> str:
    """Return the model card in Markdown: what is usual, how far persons differ, proof, limits."""
    rows = [
        {
            "habit": trait,
            "shop's best": habit["shop_best"],
            "its share": habit["shop_share"],
            "strength": habit["strength"],
            "persons judged": habit["count_persons"],
            "more hits": habit["hits"]["mean"],
            "lower": habit["hits"]["lower"],
            "upper": habit["hits"]["upper"],
            "personal": "yes" if habit["is_personal"] else "no evidence",
        }
        for trait, habit in report["habits"].items()
    ]
    kinds = [{"kind": kind, "answers": count} for kind, count in sorted(report["kinds"].items())]
    sections = [
        f"# {report['model_name']} · {report['champion']} of {report['as_of'][:10]}",
        f"When and through what {report['count_persons']:,} persons answered. Status of this "
        f"training: {report['status']}. {report['reason']}",
        "## What was learnt, and what it met in the newest days\n\nStrength: the answers that what "
        "is usual weighs as much as; the more, the less persons differ.\n\n"
        + table(rows, tuple(rows[0])),
        "## Answers\n\n" + table(kinds, ("kind", "answers")),
        "## Limits\n\n" + "\n".join(f"- {limit}" for limit in LIMITS),
    ]
    return "\n\n".join(sections) + "\n"


def _habit(habit: Habit, verdict: Verdict) -> dict[str, Any]:
    """Return what is known of one habit."""
    told = asdict(verdict)
    return {
        "is_personal": verdict.is_proven,
        "strength": habit.strength,
        "is_strength_at_limit": habit.strength > 0.98 * STRENGTHS[1],
        "shop_best": habit.values[habit.best],
        "shop_share": float(spanned(habit.target, habit.span)[habit.best]),
        "hits": told["hits"],
        "loss": told["loss"],
        "count_persons": verdict.count_persons,
    }


def _gain(trait: str, verdict: Verdict) -> dict[str, Any]:
    """Return how many more answers the personal choice of one habit meets."""
    hits = (verdict.hits.mean, verdict.hits.lower, verdict.hits.upper)
    return asdict(Gain(trait, "more answers met, as a share of all", *hits, against=SHOPS))


def _sentence(trait: str, verdict: Verdict) -> str:
    """Say what is proven of one habit."""
    hits = verdict.hits
    told = (
        f"{100 * hits.mean:+.1f} points of the answers of {verdict.count_persons:,} persons (joint "
        f"95 % interval {100 * hits.lower:+.1f} to {100 * hits.upper:+.1f})."
    )
    if verdict.is_proven:
        return f"The {trait} is personal: it meets {told}"
    return f"No evidence that the best {trait} differs between persons: choosing it meets {told}"
