"""Let a row pass only with a valid legal ground now; what is unknown is blocked, with a reason."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from activation.connection import Connection
from activation.news import NO_NEWS, forbidding
from activation.spec import SyncSpec
from activation.statements import json_text, literal, literals, render, sha256_hex


class BlockReason(StrEnum):
    """Why a row is withheld; the first that applies counts, in this order."""

    GATE_UNAVAILABLE = "gate_unavailable"
    NO_CUSTOMER = "no_customer"
    ERASED = "erased"
    OBJECTION = "objection"
    COMPLAINT = "complaint"
    SUPPRESSED = "suppressed"
    NO_CONTACT_POINT = "no_contact_point"
    CONTACT_POINT_MISMATCH = "contact_point_mismatch"
    UNDELIVERABLE = "undeliverable"
    NO_CONSENT = "no_consent"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    CONSENT_EXPIRED = "consent_expired"
    NOT_SIMILAR_GOODS = "not_similar_goods"
    SERVICE_HOLD = "service_hold"


NEWS_REASONS = frozenset(
    {
        BlockReason.ERASED,
        BlockReason.OBJECTION,
        BlockReason.COMPLAINT,
        BlockReason.CONSENT_WITHDRAWN,
        BlockReason.UNDELIVERABLE,
        BlockReason.SERVICE_HOLD,
    }
)
"""What may be known of a person before the models are built anew; it stands behind all else."""

_TABLES = (
    ("privacy", "suppressions"),
    ("privacy", "consents"),
    ("contact", "contact_points"),
    ("decisions", "holds"),
)

GATE_MODELS = frozenset(name for _, name in _TABLES)
"""The models the gate reads: with one of them broken, nobody knows who is forbidden."""

# One row per candidate, with what the gate's tables say about it. Suppressions of one address
# (hard_bounced) count for that address only; every other reason counts for the whole person.
_INTERNAL = """
select
    candidate.*,
    case
        when candidate.customer_id is null then 'no_customer'
        when erased.customer_id is not null then 'erased'
    end as block_reason
from {candidates} as candidate
left join (
    select distinct customer_id from privacy.suppressions
    where reason = 'erased' and customer_id is not null
) as erased on erased.customer_id = candidate.customer_id
"""

_PERSONAL = """
select
    candidate.*,
    case
        when candidate.customer_id is null then 'no_customer'
        when least(coalesce(person.severity, 9), coalesce(address.severity, 9)) = 1 then 'erased'
        when least(coalesce(person.severity, 9), coalesce(address.severity, 9)) = 2
            then 'objection'
        when least(coalesce(person.severity, 9), coalesce(address.severity, 9)) = 3
            then 'complaint'
        when least(coalesce(person.severity, 9), coalesce(address.severity, 9)) = 4
            then 'suppressed'
        when point.contact_point_id is null then 'no_contact_point'
        when {mismatch} then 'contact_point_mismatch'
        when address.severity = 5 then 'undeliverable'
        when point.channel = {channel} and not coalesce(point.is_deliverable, false)
            then 'undeliverable'
        when consent.obstacle = 1 then 'objection'
        when consent.obstacle = 2 then 'consent_withdrawn'
        when consent.obstacle = 3 then 'consent_expired'
        when consent.obstacle = 4 then 'undeliverable'
        when consent.obstacle = 6 then 'not_similar_goods'
        when consent.obstacle is null or consent.obstacle < 9 or not {every_purpose}
            then 'no_consent'
        when hold.customer_id is not null then 'service_hold'
        else news.reason
    end as block_reason
from {candidates} as candidate
left join (
    select * from contact.contact_points where 1 = 1 {only}
) as point on point.contact_point_id = candidate.contact_point_id
left join (
    select customer_id, min({severity}) as severity
    from privacy.suppressions
    where
        coalesce(scope, 'all') in ('all', {channel})
        and coalesce(reason, '') <> 'hard_bounced'
        and customer_id is not null
    group by customer_id
) as person on person.customer_id = candidate.customer_id
left join (
    select suppression_key, min({severity}) as severity
    from privacy.suppressions
    where coalesce(scope, 'all') in ('all', {channel})
    group by suppression_key
) as address on address.suppression_key = {suppression_key}
left join (
    select
        contact_point_id,
        min({obstacle}) as obstacle
        {purposes_seen}
    from privacy.consents
    where purpose in ({purposes}) and channel = {channel} {only}
    group by contact_point_id
) as consent on consent.contact_point_id = candidate.contact_point_id
left join (
    select distinct customer_id from decisions.holds
    where
        {is_marketing}
        and coalesce(is_active, true)
        and (starts_at is null or starts_at <= {as_of})
        and (ends_at is null or ends_at > {as_of})
) as hold on hold.customer_id = candidate.customer_id
left join {news} as news on news.customer_id = candidate.customer_id
"""

_CLOSED = """
select candidate.*, 'gate_unavailable' as block_reason from {candidates} as candidate
"""

_SEVERITY = """case reason
            when 'erased' then 1 when 'objected' then 2 when 'complained' then 3
            when 'hard_bounced' then 5 else 4 end"""

# What stands against each consent row; 9 = nothing. The worst of a contact point's rows counts. Who
# bought may be written to about similar goods, which is a ground for a sync about nothing else.
_OBSTACLE = """case
            when reason = 'objected' then 1
            when is_allowed and (expires_at is null or expires_at > {as_of}) and {fits} then 9
            when reason = 'withdrawn' then 2
            when reason = 'expired' or expires_at <= {as_of} then 3
            when reason = 'undeliverable' then 4
            when is_allowed then 6
            else 5
        end"""

_HAS_SUPPRESSION_KEYS = """
select 1 from information_schema.columns
where
    table_schema = 'contact'
    and table_name = 'contact_points'
    and column_name = 'suppression_key'
"""

_ONLY = """
    and contact_point_id in (select contact_point_id from {candidates} as narrowed)
"""


@dataclass(frozen=True)
class Gate:
    """The checks of one sync at one moment, as a query over candidate rows."""

    spec: SyncSpec
    as_of: datetime
    is_open: bool
    news: str = NO_NEWS
    has_suppression_keys: bool = False

    def suppression_key(self, prefix: str = "") -> str:
        """Return the hash by which suppressions know a contact point, whose columns have a prefix.

        A warehouse built by an older release has none ready.
        """
        made = sha256_hex(f"{prefix}identifier_type || '|' || {prefix}address")
        ready = f"coalesce({prefix}suppression_key, {made})"
        return ready if self.has_suppression_keys else made

    def judged(self, candidates: str, *, are_few: bool = False, are_held: bool = False) -> str:
        """Return a query that adds `block_reason` (null = may pass) to the rows of a relation.

        The relation has `customer_id`, `contact_point_id` and `payload`, a JSON text of the fields.
        `are_few` reads only the candidates' part of the large tables. Of rows that `are_held` the
        payload is what the ledger keeps of them, which need not hold the address.
        """
        if not self.is_open:
            return render(_CLOSED, candidates=candidates)
        if self.spec.is_internal:
            return render(_INTERNAL, candidates=candidates)
        moment = literal(self.as_of)
        only = render(_ONLY, candidates=candidates) if are_few else ""
        return render(
            _PERSONAL,
            candidates=candidates,
            mismatch=_mismatch(self.spec, are_held),
            channel=literal(self.spec.channel),
            suppression_key=self.suppression_key("point."),
            severity=_SEVERITY,
            obstacle=obstacle(self.spec, self.as_of),
            as_of=moment,
            purposes=literals(self.spec.purposes),
            purposes_seen=_purposes_seen(self.spec.purposes),
            every_purpose=_every_purpose(self.spec.purposes),
            is_marketing="1 = 1" if "marketing" in self.spec.purposes else "1 = 0",
            only=only,
            news=self.news,
        )


def gate_for(connection: Connection, spec: SyncSpec, as_of: datetime) -> Gate:
    """Return the gate of a sync; closed for every row when one of its tables is missing."""
    has_keys = bool(connection.execute(_HAS_SUPPRESSION_KEYS))
    is_open = not missing_tables(connection, spec)
    return Gate(spec, as_of, is_open, forbidding(connection, spec), has_keys)


def missing_tables(connection: Connection, spec: SyncSpec) -> tuple[str, ...]:
    """Return the tables the gate needs and the warehouse does not have."""
    needed: Iterable[tuple[str, str]] = _TABLES[:1] if spec.is_internal else _TABLES
    return tuple(
        f"{schema}.{name}" for schema, name in needed if not connection.table_exists(schema, name)
    )


def _mismatch(spec: SyncSpec, are_held: bool) -> str:
    """Compare the address sent with the address the consent is about: one never allows another.

    What was held passed this once; if the ledger keeps no address, there is none to compare.
    """
    sent = {field.name for field in spec.fields}
    compared = [
        f"(point.identifier_type = {literal(kind)}"
        f"{f' and {text} is not null' if are_held else ''}"
        f" and {address_differs(text, 'point.address')})"
        for kind, field in spec.capabilities.addresses.items()
        if field in sent and (text := json_text("candidate.payload", field))
    ]
    return " or ".join(compared) or "1 = 0"


def _purposes_seen(purposes: tuple[str, ...]) -> str:
    return "".join(
        f", max(case when purpose = {literal(purpose)} then 1 else 0 end) as has_{number}"
        for number, purpose in enumerate(purposes)
    )


def _every_purpose(purposes: tuple[str, ...]) -> str:
    return "(" + " and ".join(f"consent.has_{number} = 1" for number in range(len(purposes))) + ")"


def obstacle(spec: SyncSpec, as_of: datetime) -> str:
    """Return the expression for what stands against a consent row at a moment; 9 is nothing."""
    fits = "1 = 1" if spec.similar_goods else "coalesce(legal_ground, '') <> 'similar_goods'"
    return render(_OBSTACLE, as_of=literal(as_of), fits=fits)


def address_differs(one: str, other: str) -> str:
    """Compare as platforms do; case and spaces are looked at only where the texts differ."""
    folded = f"coalesce(lower(trim({one})), '') <> coalesce(lower(trim({other})), '')"
    return f"case when {one} = {other} then false else {folded} end"
