"""The platforms hold exactly the people that consent, stage and model say, for every sync.

What is expected is put together here from the marts, in other words than the sync models, the
audience flags and the gate use; what is held is asked from the platforms over HTTP.
"""

import csv
import hashlib
import json
from pathlib import Path

import pytest
import yaml

from activation.content import content_digest
from activation.rows import payload
from activation.spec import load_specs
from activation.statements import md5_hex
from orchestration.warehouse import Warehouse

ROOT = Path(__file__).parents[2]

# Everyone the marts allow to be addressed for a purpose over a channel at an address.
ALLOWED = """
select point.contact_point_id, point.customer_id, point.address
from contact.contact_points as point
inner join (
    select contact_point_id from privacy.consents, raw.clock
    where purpose in ({purposes}) and channel = '{channel}' and is_allowed
    and (expires_at is null or expires_at > clock.as_of)
    group by 1 having count(distinct purpose) = {count}
) as consent using (contact_point_id)
where point.identifier_type = '{identifier_type}'
and ('{channel}' <> point.channel or point.is_deliverable)
and not exists (
    select 1 from privacy.suppressions as s
    where s.scope in ('all', '{channel}') and (
        s.suppression_key = sha256(point.identifier_type || '|' || point.address)
        or (s.customer_id = point.customer_id and s.reason <> 'hard_bounced')
    )
)
"""
HELD = "select customer_id from decisions.holds where is_active"

# Who has reason to stay away for a while: after a complaint, a lost parcel, a disputed payment, an
# opt-out that no consent followed, or, for those who buy for the price, after the lapse itself.
COOLING = """
with days as (select reason, cool_down_days as days from reference.win_back_cooldowns),
complaints as (
    select customer_id, 'complaint' as reason, closed_at as ended_at
    from core.service_cases
    where severity = 'high' or (closed_at is not null and satisfaction_score <= 2)
),
troubles as (
    select customer_id, reason, resolved_at as ended_at from decisions.holds
    where reason in ('delivery_failed', 'payment_disputed')
),
said_no as (
    select point.customer_id,
        if(consent.status = 'objected', 'objection', 'opt_out') as reason,
        consent.occurred_at as ended_at
    from privacy.consents as consent
    inner join contact.contact_points as point using (contact_point_id)
    where consent.purpose = 'marketing' and consent.status in ('withdrawn', 'objected')
),
hunters as (
    select customer_id, 'price' as reason, entered_at as ended_at
    from insight.lifecycle_stages where stage = 'lapsed' and is_price_sensitive
)
select distinct customer_id
from (
    from complaints union all by name from troubles
    union all by name from said_no union all by name from hunters
) as reasons
inner join days using (reason), raw.clock
where customer_id is not null
and (ended_at is null or ended_at + to_days(days) > clock.as_of)
"""


def allowed(purposes, channel, identifier_type):
    listed = ", ".join(f"'{purpose}'" for purpose in purposes)
    return ALLOWED.format(
        purposes=listed, count=len(purposes), channel=channel, identifier_type=identifier_type
    )


def customers(demo, condition, purposes, channel, *, promotional):
    """Return {customer_id: e-mail} of the people who belong into an e-mail or ads audience."""
    held = f"and customer_id not in ({HELD})" if promotional else ""
    return dict(
        demo.query(f"""
            with cooling as ({COOLING})
            select c.customer_id, contacts.email
            from core.customers as c
            inner join contact.customer_contacts as contacts using (customer_id)
            inner join insight.lifecycle_stages as s using (customer_id)
            inner join ({allowed(purposes, channel, "email")}) as a
                on a.contact_point_id = c.email_contact_point_id
            where not c.is_test and {condition} {held}
        """)
    )


MARKETING = ("marketing",)
ADS = ("ads_user_data", "ads_personalisation")
NUDGE = "s.stage = 'new_customer' and s.substage = 'second_chance'"
LAPSED = "s.phase = 'former_good' and customer_id not in (select customer_id from cooling)"
BUYERS = "c.count_orders > 0"
WIN_BACK = "klaviyo__win_back"


def audience(sync):
    """Return what the platform calls the audience of a sync, as its exposure says."""
    twin = next((ROOT / "dbt_project/models/activation").rglob(f"sync_{sync}.yml"))
    return yaml.safe_load(twin.read_text())["exposures"][0]["config"]["meta"]["sync"]["target"]


@pytest.mark.parametrize(
    ("sync", "condition"),
    [("klaviyo__second_purchase_nudge", NUDGE), ("klaviyo__win_back", LAPSED)],
)
def test_klaviyo_lists_hold_exactly_the_right_people(demo, platforms, sync, condition):
    """Every member consents to e-mail, is in the right stage, and nobody else is there."""
    expected = customers(demo, condition, MARKETING, "email", promotional=True)

    members = platforms.members("klaviyo", audience(sync))

    assert expected
    assert {m["external_id"]: m["email"] for m in members} == expected
    assert len(members) == len(expected)


@pytest.mark.parametrize(
    ("vendor", "sync", "key"),
    [
        ("klaviyo", "klaviyo__win_back", "external_id"),
        ("meta", "meta_custom_audiences__win_back", "EXTERN_ID"),
    ],
)
def test_nobody_is_called_back_who_has_reason_to_stay_away(demo, platforms, vendor, sync, key):
    """Not by mail and not by advertising, though former good customers are among them."""
    spared = {
        customer
        for (customer,) in demo.query(f"""
            select customer_id from insight.lifecycle_stages
            where phase = 'former_good' and customer_id in ({COOLING})
        """)
    }

    members = {member[key] for member in platforms.members(vendor, audience(sync))}

    assert spared
    assert members
    assert members & spared == set()


def test_nobody_is_called_back_soon_after_a_trouble_that_really_was(demo, platforms):
    """The simulator knows who had it and when, whatever identity resolution made of them."""
    troubled = {
        email
        for (email,) in demo.query(f"""
            select distinct lower(trim(legal.identifier))
            from read_parquet('{demo.home}/truth/incidents/*.parquet') as incident
            inner join read_parquet('{demo.home}/truth/legal_state/*.parquet') as legal
                on legal.person_id = incident.person_id and legal.identifier_type = 'email'
            inner join reference.win_back_cooldowns as cool_down
                on cool_down.reason = replace(incident.kind, 'service_case', 'complaint')
            cross join raw.clock
            where incident.known_from <= clock.as_of
                and coalesce(incident.ends_at, clock.as_of) + to_days(cool_down_days)
                > clock.as_of
        """)
    }

    members = {member["email"] for member in platforms.members("klaviyo", audience(WIN_BACK))}

    assert len(troubled) > 5
    assert members & troubled == set()


def google_hash(email):
    name, domain = email.split("@")
    if domain in ("gmail.com", "googlemail.com"):
        name = name.split("+")[0].replace(".", "")
    return hashlib.sha256(f"{name}@{domain}".encode()).hexdigest()


def test_google_excludes_exactly_the_customers_who_allow_it(demo, platforms):
    """Every consenting buyer is on the exclusion list by the hash that Google expects."""
    expected = customers(demo, BUYERS, ADS, "ads", promotional=False)

    members = platforms.members("google", audience("google_customer_match__existing_customers"))

    assert expected
    assert sorted(m["identifiers"] for m in members) == sorted(
        [f"emailAddress:{google_hash(email)}"] for email in expected.values()
    )
    assert {m["ad_user_data"] for m in members} == {"CONSENT_GRANTED"}


@pytest.mark.parametrize(
    ("sync", "condition"),
    [
        ("meta_custom_audiences__existing_customers", BUYERS),
        ("meta_custom_audiences__win_back", LAPSED),
    ],
)
def test_meta_audiences_hold_exactly_the_right_people(demo, platforms, sync, condition):
    """Every member allows ads; the e-mail address arrives hashed and only hashed."""
    expected = customers(demo, condition, ADS, "ads", promotional=False)

    members = platforms.members("meta", audience(sync))

    assert expected
    assert {m["EXTERN_ID"]: m["EMAIL"] for m in members} == {
        customer: hashlib.sha256(email.encode()).hexdigest() for customer, email in expected.items()
    }
    assert len(members) == len(expected)


def test_push_topic_holds_exactly_the_loyal_devices(demo, platforms):
    """Every allowed device of a loyal customer is subscribed, and no other."""
    expected = {
        token
        for (token,) in demo.query(f"""
            select a.address from ({allowed(MARKETING, "push", "push_token")}) as a
            inner join insight.lifecycle_stages as s using (customer_id)
            inner join core.customers as c using (customer_id)
            where s.stage = 'loyal' and not c.is_test and customer_id not in ({HELD})
        """)
    }

    topics = platforms.audiences("fcm")
    members = platforms.members("fcm", topics[0]["name"])

    assert expected
    assert len(topics) == 1
    assert "loyal" not in topics[0]["name"].lower()
    assert sorted(m["token"] for m in members) == sorted(expected)


def test_the_file_holds_every_customer_with_stage_and_score(demo):
    """The in-house file says of everyone what the marts say."""
    expected = demo.query("""
        select s.customer_id, s.stage, p.probability
        from insight.lifecycle_stages as s
        left join insight.predictions as p using (customer_id)
    """)
    files = list((demo.home / "outbox").rglob("*.csv"))

    with files[0].open(newline="") as handle:
        rows = list(csv.DictReader(handle))

    assert len(files) == 1
    found = {row["customer_id"]: (row["stage"], row["next_order_probability"]) for row in rows}
    assert len(found) == len(rows) == len(expected)
    for customer_id, stage, probability in expected:
        assert found[customer_id][0] == stage
        told = found[customer_id][1]
        assert (told == "") == (probability is None)
        assert probability is None or float(told) == pytest.approx(probability, abs=5.1e-5)


def test_nobody_is_addressed_against_the_truth(demo, platforms):
    """The simulator knows who really allowed what: no e-mail audience holds anyone else."""
    legal = f"read_parquet('{demo.home}/truth/legal_state/*.parquet', union_by_name = true)"
    permitted = {
        row[0]
        for row in demo.query(f"""
            select distinct lower(trim(identifier)) from {legal}, raw.clock
            where purpose = 'marketing' and channel = 'email' and is_allowed
            and valid_from <= clock.as_of and (valid_to is null or valid_to > clock.as_of)
        """)
    }
    addressed = {
        member["email"]
        for sync in ("klaviyo__second_purchase_nudge", "klaviyo__win_back")
        for member in platforms.members("klaviyo", audience(sync))
    }

    assert addressed
    assert addressed - permitted == set()


def test_every_planned_row_has_exactly_one_end(demo):
    """Planned rows are the sum of their final states, in every run of every sync."""
    for row in demo.summary["syncs"]:
        planned = row["added"] + row["changed"] + row["removed"] + row["retried"]
        ended = sum(
            row[name]
            for name in ("delivered", "rejected", "invalid", "unknown", "blocked_at_dispatch")
        )

        assert row["status"] == "ok"
        assert planned == ended
        assert row["desired"] == row["acknowledged"] + sum(row["blocked_by_reason"].values()) + (
            row["rejected"] + row["invalid"]
        )


def test_every_sync_carries_the_digest_that_a_plan_reads(demo):
    """dbt digests of each row what activation would digest, whatever the columns' types."""
    project = json.loads((demo.home / "dbt/manifest.json").read_text())
    with Warehouse(demo.home / "warehouse.duckdb").connect(read_only=True) as connection:
        for spec in load_specs(project):
            unlike = f"row_digest is distinct from {md5_hex(payload(spec))}"
            count = f"select count(*), count(*) filter ({unlike}) from {spec.relation}"
            ((rows, others),) = connection.execute(count)

            assert rows > 0
            assert others == 0
            assert content_digest(connection, spec) == "row_digest"
