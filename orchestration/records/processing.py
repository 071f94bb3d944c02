"""Write the record of processing activities (GDPR article 30) out of the facts."""

from collections.abc import Iterator, Sequence

from activation.spec import SyncSpec
from orchestration.records.facts import CONTROLLER, Facts, listed

OPEN = "**to be filled in**"
MEASURES = (
    "Names and addresses stand in one schema (`contact`); analysts' tables and the serving copy "
    "hold customer_id and region.",
    "A row leaves only if consent or another legal ground allows it at that moment; unknown is no.",
    "The ledger compares by keyed digests; identifiers needed for a removal go with it.",
    "Logs, errors and histories hold no personal values; a test looks for all that landed.",
    "Erasure is proven by a scan of tables, files and bytes; tombstones block what lands again.",
    "Credentials come from the environment and are stored nowhere; the key of the digests may lie "
    "in a file that its owner alone can read. Transport is encrypted (TLS).",
)


def write_processing(facts: Facts, drawn_up: str) -> str:
    """Return the record as Markdown; what nobody can know from here is marked as open."""
    lines = [
        "# Record of processing activities (GDPR article 30)",
        "",
        f"Drawn up on {drawn_up} from what is configured; `regulars records` writes it anew.",
        "",
        *_controller(facts),
        *_data(facts),
        *_purposes(facts),
        *_recipients(facts),
        *_clocks(facts),
        "## Security (article 32)",
        "",
        *(f"- {measure}" for measure in MEASURES),
        f"- Access rights to the machine, backups, and who may run the platform: {OPEN}",
    ]
    return "\n".join(lines) + "\n"


def _controller(facts: Facts) -> Iterator[str]:
    yield from ("## Controller", "")
    for name in CONTROLLER:
        told = facts.controller[name] or f"{OPEN} (var `controller` in dbt_project.yml)"
        yield f"- {name.replace('_', ' ')}: {told}"
    yield ""


def _data(facts: Facts) -> Iterator[str]:
    yield from (
        "## Persons and data",
        "",
        "Customers, prospects and visitors, as these sources tell of them. Tables without persons, "
        "such as prices, are left out.",
        "",
    )
    yield from _table(
        ("source", "holds", "identifies by", "columns", "erased", "kept"),
        [
            (
                one.label,
                facts.descriptions.get(one.label, ""),
                listed(sorted({kind for _, kind in one.identifiers})),
                listed(one.column_names),
                f"all but {listed(sorted(one.kept))}" if one.kept else "whole row",
                _kept_for(facts, one.retention.category if one.retention else None),
            )
            for one in facts.personal
        ],
    )


def _kept_for(facts: Facts, category: str | None) -> str:
    if category is None:
        return "as long as the person is a customer"
    days = facts.clocks[category].days
    return f"{category}: {'no end' if days is None else f'{days} days'}"


def _purposes(facts: Facts) -> Iterator[str]:
    yield from (
        "## Purposes",
        "",
        "Whatever leaves the company needs the person's consent, or another ground that "
        "`privacy.consents` holds, at the moment of sending (recipients). Inside it:",
        "",
        "- one customer out of all sources' records, so that consent and objection reach all;",
        "- stages, segments and figures of the shop;",
        "- evidence of consent, objection and erasure (articles 5(2), 7(1), 17).",
        "",
        "Profiling (article 4(4)):",
        "",
    )
    yield from _table(
        ("prediction", "says", "used by"),
        [
            (name, about, listed(spec.name for spec in facts.uses_of(name)))
            for name, about in sorted(facts.predictions.items())
        ],
    )


def _recipients(facts: Facts) -> Iterator[str]:
    yield from ("## Recipients", "")
    yield from _table(
        ("sync", "recipient", "what for", "ground asked for", "whom", "fields", "third country"),
        [_recipient(facts, spec) for spec in facts.specs],
    )


def _recipient(facts: Facts, spec: SyncSpec) -> Sequence[str]:
    ground = "none: it stays inside" if spec.is_internal else f"{spec.channel}, per address"
    whom = facts.descriptions.get(spec.relation, "")
    state = "" if spec.is_enabled else " (switched off)"
    fields = listed(field.name for field in spec.fields)
    return (
        spec.name + state, f"{spec.destination}: {spec.target}", listed(spec.purposes), ground,
        whom, fields, "no" if spec.is_internal else OPEN,
    )  # fmt: skip


def _clocks(facts: Facts) -> Iterator[str]:
    yield from ("## Time limits for erasure", "")
    yield from _table(
        ("category", "days", "ground, and why so long"),
        [
            (name, "no end" if clock.days is None else str(clock.days), facts.grounds.get(name, ""))
            for name, clock in sorted(facts.clocks.items())
        ],
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", r"\|") or "–" for cell in row) + " |"
    yield ""
