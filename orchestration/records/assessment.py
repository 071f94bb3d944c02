"""Write a draft of the data protection impact assessment (GDPR article 35) out of the facts."""

from collections.abc import Iterator

from activation.spec import SyncSpec
from orchestration.records.facts import Facts, listed
from orchestration.records.processing import MEASURES, OPEN

ADVERTISING = frozenset({"ads_user_data", "ads_personalisation"})


def write_assessment(facts: Facts, drawn_up: str) -> str:
    """Return the draft as Markdown: what is done, why it may be needed, risks, measures."""
    lines = [
        "# Data protection impact assessment (GDPR article 35): draft",
        "",
        f"Drawn up on {drawn_up} from what is configured. It describes; to judge is for the "
        "controller, with the advice of the data protection officer (article 35(2)).",
        "",
        "## Is one needed?",
        "",
        *_triggers(facts),
        "",
        "## What is done (article 35(7)(a))",
        "",
        "See processing.md for sources, purposes, recipients and time limits. In short: "
        f"{len(facts.personal)} tables of personal data become one row per person; "
        f"{len(facts.predictions)} predictions are made of it; {len(facts.specs)} syncs pass it "
        "on.",
        "",
        "## Necessity and proportionality (article 35(7)(b))",
        "",
        *_necessity(facts),
        "",
        "## Risks to persons, and what meets them (article 35(7)(c) and (d))",
        "",
        *_risks(facts),
        "",
        "Measures that hold for all of it:",
        "",
        *(f"- {measure}" for measure in MEASURES),
        "",
        "## What persons think of it (article 35(9)), and the decision",
        "",
        OPEN,
    ]
    return "\n".join(lines) + "\n"


def _triggers(facts: Facts) -> Iterator[str]:
    profiled = listed(sorted(facts.predictions))
    yield f"- Systematic evaluation by profiling (35(3)(a)): yes, {profiled}."
    used = [name for name in sorted(facts.predictions) if facts.uses_of(name)]
    yield f"- Of these a sync selects or sends by: {listed(used)}."
    yield f"- Special categories of data on a large scale (35(3)(b)): {OPEN} by the columns"
    yield f"- Monitoring of a public area on a large scale (35(3)(c)): {OPEN}"


def _necessity(facts: Facts) -> Iterator[str]:
    for spec in facts.specs:
        fields = listed(field.name for field in spec.fields)
        yield f"- {spec.name} sends {fields} for {listed(spec.purposes)}: {OPEN} why each is needed"
    endless = sorted(name for name, clock in facts.clocks.items() if clock.days is None)
    if endless:
        yield f"- Without a time limit: {listed(endless)}. {OPEN} why"


def _risks(facts: Facts) -> Iterator[str]:
    yield from ("| risk | where | what meets it | what is left |", "|---|---|---|---|")
    for risk, syncs, measure in (
        (
            "somebody is told who objected",
            _outside(facts),
            "gate at dispatch, removals",
        ),
        (
            "an advertising platform learns who is a customer",
            [spec for spec in facts.specs if ADVERTISING & set(spec.purposes)],
            "consent per address, neutral list names, hashed identifiers, no scores",
        ),
        (
            "a person is judged by a prediction",
            [spec for name in facts.predictions for spec in facts.uses_of(name)],
            "cards, naive baseline to beat, reasons per person (`regulars explain`)",
        ),
    ):
        names = listed(sorted({spec.name for spec in syncs}))
        yield f"| {risk} | {names} | {measure} | {OPEN} |"
    yield f"| two persons are taken for one | all | evidence per link, reviews, splits | {OPEN} |"
    yield f"| data is kept for too long | all | clocks, counted and enforced | {OPEN} |"


def _outside(facts: Facts) -> list[SyncSpec]:
    return [spec for spec in facts.specs if not spec.is_internal]
