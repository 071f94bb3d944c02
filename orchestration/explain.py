"""Tell everything known of one person or visit, and why each sync holds or blocks a person."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from activation.explain import explain_sync
from activation.spec import load_specs
from ml.models import PREDICTIONS
from orchestration.evidence import NO_IDENTIFIER, CustomerNotFound
from orchestration.grounds import describe_audiences, describe_relations, received
from orchestration.predicting import explain as explain_score
from orchestration.project import manifest, settings
from orchestration.warehouse import Connection

FIND = """
select distinct customer_id from contact.customer_identities
where not is_shared and (customer_id = ? or lower(identifier_value) = lower(?))
order by 1
"""


class SeveralCustomers(LookupError):
    """More than one customer has this identifier."""


@dataclass(frozen=True)
class Explanation:
    """One person: tables of plain rows, reasons by score, and one sentence per sync."""

    customer_id: str
    identifiers: list[dict[str, Any]]
    consents: list[dict[str, Any]]
    stage: dict[str, Any]
    scores: list[dict[str, Any]]
    values: list[dict[str, Any]]
    second_purchases: list[dict[str, Any]]
    offers: list[dict[str, Any]]
    effects: list[dict[str, Any]]
    times: list[dict[str, Any]]
    groups: list[dict[str, Any]]
    reasons: Mapping[str, tuple[str, ...]]
    leads: list[dict[str, Any]]
    lead_odds: list[dict[str, Any]]
    declines: list[dict[str, Any]]
    holds: list[dict[str, Any]]
    cool_downs: list[dict[str, Any]]
    syncs: Mapping[str, str] = field(default_factory=dict)
    received: tuple[str, ...] = ()


@dataclass(frozen=True)
class Visit:
    """An anonymous visit that is going on: its likeliest next actions, best first, and why."""

    session_id: str
    actions: list[dict[str, Any]]
    reasons: Mapping[str, tuple[str, ...]]


def explain_visit(connection: Connection, session_id: str) -> Visit | None:
    """Return what a visit that is going on will do next; None when there is no such visit."""
    if not connection.table_exists("insight", "next_actions"):
        return None
    actions = _rows(connection, "insight.next_actions", session_id.strip(), key="session_id")
    if not actions:
        return None
    actions.sort(key=lambda action: action["action_rank"])
    visit = str(actions[0]["session_id"])
    return Visit(visit, actions, _reasons(connection, visit, actions[:1]))


def find_customer(connection: Connection, text: str) -> str:
    """Return the customer with this id, e-mail address, phone number or card.

    Raises CustomerNotFound or SeveralCustomers; neither repeats what was typed.
    """
    found = [row[0] for row in connection.execute(FIND, (text.strip(), text.strip()))]
    if not found:
        raise CustomerNotFound(NO_IDENTIFIER)
    if len(found) > 1:
        msg = f"{len(found)} customers have this identifier: {', '.join(found[:5])}. Give an id."
        raise SeveralCustomers(msg)
    return str(found[0])


def explain(connection: Connection, customer_id: str, as_of: datetime) -> Explanation:
    """Return what is known of a customer at `as_of`."""
    specs = load_specs(manifest())
    syncs = {
        spec.name: explain_sync(connection, spec, customer_id, as_of=as_of).sentence
        for spec in specs
    }
    audiences = describe_audiences(specs, describe_relations(manifest()["nodes"]))
    scores = _rows(connection, "insight.predictions", customer_id)
    values = _rows(connection, "insight.customer_values", customer_id)
    seconds = _rows(connection, "insight.second_purchase_odds", customer_id)
    offers = _rows(connection, "decisions.next_best_offers", customer_id)
    offers.sort(key=lambda offer: offer["offer_rank"])
    effects = _rows(connection, "decisions.contact_effects", customer_id)
    times = _rows(connection, "decisions.contact_times", customer_id)
    groups = _rows(connection, "staging.stg_ml__segments", customer_id)
    lead_odds = _rows(connection, "insight.lead_odds", customer_id)
    stages = _rows(connection, "insight.lifecycle_stages", customer_id)
    return Explanation(
        customer_id=customer_id,
        identifiers=_rows(connection, "contact.customer_identities", customer_id),
        consents=_rows(connection, "privacy.consents", customer_id),
        stage=stages[0] if stages else {},
        scores=scores,
        values=values,
        second_purchases=seconds,
        offers=offers,
        effects=effects,
        times=times,
        groups=groups,
        reasons=_reasons(
            connection,
            customer_id,
            [*scores, *values, *seconds, *offers[:1], *effects, *times, *groups, *lead_odds],
        ),
        leads=_rows(connection, "insight.scores", customer_id),
        lead_odds=lead_odds,
        declines=_rows(connection, "insight.activity_declines", customer_id),
        holds=_rows(connection, "decisions.holds", customer_id),
        cool_downs=_rows(connection, "decisions.cool_downs", customer_id),
        syncs=syncs,
        received=tuple(one.sentence for one in received(connection, customer_id, audiences)),
    )


def _reasons(
    connection: Connection, entity_id: str, scores: list[dict[str, Any]]
) -> dict[str, tuple[str, ...]]:
    """Return the strongest reasons for each score, from the version that gave it."""
    predictions = {prediction.NAME: prediction for prediction in PREDICTIONS}
    told = {}
    for score in scores:
        name, version = score["model_name"], score["model_version"]
        if name in predictions:
            reasons = explain_score(
                connection, predictions[name], settings.models,
                entity_id=entity_id, version=version,
            )  # fmt: skip
            told[name] = tuple(reason.sentence for reason in reasons)
    return told


def _rows(
    connection: Connection, table: str, value: str, *, key: str = "customer_id"
) -> list[dict[str, Any]]:
    names = [str(row[0]) for row in connection.execute(f"describe {table}")]
    found = connection.execute(f"select * from {table} where {key} = ?", (value,))
    return [dict(zip(names, row, strict=True)) for row in found]
