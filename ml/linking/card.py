"""The card of identity_links: how many records were linked, how surely, and by what evidence."""

from __future__ import annotations

from ml.markdown import table
from ml.models.identity_links import LINK, REVIEW, VETOED, LinkOutcome

LIMITS = (
    "It learns without labels: the expected precision is the model's own, checked on simulated "
    "shops only.",
    "It links records of one name and postal address that no identifier connects, and no others.",
    "Twins and namesakes under one roof are told apart by dates of birth and personal numbers, "
    "where records have them; else they wait for a person.",
    "What somebody declared in a seed wins over every link.",
)


def render(outcome: LinkOutcome) -> str:
    """Return the card in Markdown; a refusal is told with its reason. It holds no record's value.

    The evidence is what agreeing on a field is worth in bits: each one doubles the odds.
    """
    title = "# identity links\n\nWhich records are of one person, by their names and addresses."
    if outcome.refusal:
        return f"{title}\n\n**Refused: nothing is linked.** {outcome.refusal}.\n"
    report, sure = outcome.report, outcome.expected_precision
    threshold = "none reaches the target" if outcome.threshold is None else (
        f"{outcome.threshold:.4f}"
    )  # fmt: skip
    facts = {
        "Version": outcome.model_version,
        "Records": f"{report['count_records']:,}, {report['count_linkable']:,} without identifier",
        "Pairs compared": f"{report['count_pairs']:,}",
        "Links": f"{outcome.count(LINK):,}",
        "For a person to look at": f"{outcome.count(REVIEW):,}",
        "Vetoed": f"{outcome.count(VETOED):,}",
        "Lowest probability that links": threshold,
        "Expected share of right links": "-" if sure is None else f"{sure:.1%}",
        "Asked for": f"{report['settings']['target_precision']:.1%}",
    }
    rows = [{"fact": name, "value": value} for name, value in facts.items()]
    levels = [
        {"field": one["field"], "agreement": one["label"], "same_person": one["m"],
         "two_persons": one["u"]}
        for one in report["levels"]
    ]  # fmt: skip
    columns = ("field", "agreement", "same_person", "two_persons")
    sections = [
        title,
        table(rows, ("fact", "value")),
        "## How often records agree\n\n" + table(levels, columns),
        "## Limits\n\n" + "\n".join(f"- {limit}" for limit in LIMITS),
    ]
    return "\n\n".join(sections) + "\n"
