"""The gate lets a row pass only with a valid ground now, and names one reason otherwise."""

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from activation.clearance import clearance
from activation.comparison import desired_rows
from activation.gate import BlockReason, gate_for, missing_tables
from activation.unchanged import cleared_rows
from tests.activation.world import AS_OF, KEYS, KLAVIYO, person, world_at

DAY = timedelta(days=1)


def reasons(world):
    """Return the reason of every desired row by key; None = passed.

    Those that pass are the ones that are cleared from a few columns alone.
    """
    gate = gate_for(world.connection, world.spec, AS_OF)
    found = judged(world, gate)
    passed = {key for key, reason in found.items() if reason is None}
    assert cleared(world, gate) == passed
    if gate.is_open:
        assert with_ready_keys(world) == (found, passed)
    return found


def judged(world, gate):
    """Return the gate's reason by key."""
    query = gate.judged(f"({desired_rows(world.spec)})")
    return dict(world.connection.execute(f"select row_key, block_reason from ({query}) as judged"))


def with_ready_keys(world):
    """Return reasons and cleared keys where contact points have their suppression key."""
    execute = world.connection.execute
    execute("alter table contact.contact_points add column suppression_key varchar")
    execute(
        "update contact.contact_points"
        " set suppression_key = sha256(identifier_type || '|' || address)"
    )
    gate = gate_for(world.connection, world.spec, AS_OF)
    found = judged(world, gate), cleared(world, gate)
    execute("alter table contact.contact_points drop column suppression_key")
    return found


def cleared(world, gate):
    """Return the keys of the rows that pass without being judged one by one."""
    few = clearance(gate)
    if few is None:
        return set()
    query = cleared_rows(world.spec, few, KEYS.row_rule, "'digest'")
    found = world.connection.execute(f"select row_key from ({query}) as cleared where is_cleared")
    return {key for (key,) in found}


def suppress(world, reason, *, scope="all", customer=None, key=None):
    """Add one suppression."""
    world.connection.execute(
        "insert into privacy.suppressions values (?, ?, ?, ?, null)", (key, customer, scope, reason)
    )


def key_of(email):
    """Return the suppression key of an e-mail address."""
    return hashlib.sha256(f"email|{email}".encode()).hexdigest()


def test_row_with_consent_passes(world):
    """A deliverable contact point with consent for purpose and channel passes."""
    world.desire([person(1)])
    world.allow([person(1)])

    assert reasons(world) == {"c1": None}


def test_unknown_consent_blocks(world):
    """No consent row is no consent."""
    world.desire([person(1)])
    world.add_contact_point("p1", "c1", "person1@example.com")

    assert reasons(world) == {"c1": "no_consent"}


@pytest.mark.parametrize(("declares", "expected"), [(True, None), (False, "not_similar_goods")])
def test_similar_goods_are_a_ground_for_nothing_else(world, declares, expected):
    """Who bought may be told of the like, by a sync that says it does no more."""
    world.spec = replace(world.spec, similar_goods=declares)
    world.desire([person(1), person(2)])
    world.allow([person(2)])
    world.add_contact_point("p1", "c1", "person1@example.com")
    world.add_consent("p1", "marketing", legal_ground="similar_goods")

    assert reasons(world) == {"c1": expected, "c2": None}


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({"is_allowed": False, "reason": "withdrawn"}, "consent_withdrawn"),
        ({"is_allowed": False, "reason": "objected"}, "objection"),
        ({"is_allowed": True, "reason": "objected"}, "objection"),
        ({"is_allowed": False, "reason": "expired"}, "consent_expired"),
        ({"is_allowed": True, "expires_at": AS_OF}, "consent_expired"),
        ({"is_allowed": True, "expires_at": AS_OF + DAY}, None),
        ({"is_allowed": False, "reason": "undeliverable"}, "undeliverable"),
        ({"is_allowed": False, "reason": "something new"}, "no_consent"),
        ({"is_allowed": None, "reason": None}, "no_consent"),
    ],
)
def test_consent_must_be_valid_now(world, overrides, expected):
    """What stands in the consent decides, at the run's clock."""
    world.desire([person(1)])
    world.add_contact_point("p1", "c1", "person1@example.com")
    world.add_consent("p1", "marketing", **overrides)

    assert reasons(world) == {"c1": expected}


def test_consent_for_another_purpose_does_not_count(world):
    """Service consent never allows marketing."""
    world.desire([person(1)])
    world.add_contact_point("p1", "c1", "person1@example.com")
    world.add_consent("p1", "service")

    assert reasons(world) == {"c1": "no_consent"}


def test_contradicting_consents_block(world):
    """One refusal beside a grant blocks."""
    world.desire([person(1)])
    world.allow([person(1)])
    world.add_consent("p1", "marketing", is_allowed=False, reason="withdrawn")

    assert reasons(world) == {"c1": "consent_withdrawn"}


def test_every_purpose_is_needed(tmp_path):
    """A sync with two purposes needs consent for both."""
    purposes = ("ads_user_data", "ads_personalisation")
    with world_at(tmp_path / "w.duckdb", purposes=purposes, channel="ads") as world:
        world.desire([person(1), person(2)])
        world.allow([person(1)])
        world.add_contact_point("p2", "c2", "person2@example.com")
        world.add_consent("p2", "ads_user_data")

        assert reasons(world) == {"c1": None, "c2": "no_consent"}


def test_consent_of_one_address_never_allows_another(world):
    """The address sent must be the one the consent is about."""
    world.desire([person(1, email="other@example.com")])
    world.allow([person(1)])

    assert reasons(world) == {"c1": "contact_point_mismatch"}


def test_case_and_spaces_are_no_mismatch(world):
    """Addresses are compared as platforms compare them."""
    world.desire([person(1, email=" Person1@Example.com ")])
    world.allow([person(1)])

    assert reasons(world) == {"c1": None}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (person(1, contact_point_id=None), "no_contact_point"),
        (person(1, contact_point_id="unknown"), "no_contact_point"),
        (person(1, customer_id=None), "no_customer"),
    ],
)
def test_row_without_identity_is_blocked(world, row, expected):
    """Nothing can be proved about a row without customer or contact point."""
    world.allow([person(1)])
    world.desire([row])

    assert list(reasons(world).values()) == [expected]


def test_undeliverable_contact_point_blocks(world):
    """A bounced address is not written to."""
    world.desire([person(1)])
    world.allow([person(1)])
    world.connection.execute("update contact.contact_points set is_deliverable = false")

    assert reasons(world) == {"c1": "undeliverable"}


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("erased", "erased"),
        ("objected", "objection"),
        ("complained", "complaint"),
        ("staff", "suppressed"),
        (None, "suppressed"),
    ],
)
def test_suppressed_customer_is_blocked_everywhere(world, reason, expected):
    """A person-level suppression wins over consent."""
    world.desire([person(1)])
    world.allow([person(1)])
    suppress(world, reason, customer="c1")

    assert reasons(world) == {"c1": expected}


def test_suppressed_address_blocks_by_its_hash(world):
    """A suppression needs no clear text and no customer."""
    world.desire([person(1), person(2)])
    world.allow([person(1), person(2)])
    suppress(world, "complained", key=key_of("person1@example.com"))

    assert reasons(world) == {"c1": "complaint", "c2": None}


def test_bounce_of_one_address_leaves_the_others(world):
    """A hard bounce concerns one address, not the person."""
    world.desire([person(1)])
    world.allow([person(1)])
    suppress(world, "hard_bounced", customer="c1", key=key_of("old@example.com"))

    assert reasons(world) == {"c1": None}


@pytest.mark.parametrize(("scope", "expected"), [("push", None), ("email", "objection")])
def test_suppression_counts_for_its_channel(world, scope, expected):
    """An objection to push does not stop e-mail."""
    world.desire([person(1)])
    world.allow([person(1)])
    suppress(world, "objected", scope=scope, customer="c1")

    assert reasons(world) == {"c1": expected}


@pytest.mark.parametrize(
    ("starts", "ends", "active", "expected"),
    [
        (AS_OF - DAY, None, True, "service_hold"),
        (AS_OF - DAY, AS_OF + DAY, True, "service_hold"),
        (AS_OF - DAY, AS_OF, True, None),
        (AS_OF + DAY, None, True, None),
        (AS_OF - DAY, None, False, None),
        (AS_OF - DAY, None, None, "service_hold"),
    ],
)
def test_active_hold_blocks_marketing(world, starts, ends, active, expected):
    """A customer with an open case gets no marketing while the hold lasts."""
    world.desire([person(1)])
    world.allow([person(1)])
    hold = ("c1", "open case", starts, ends, active)
    world.connection.execute("insert into decisions.holds values (?, ?, ?, ?, ?)", hold)

    assert reasons(world) == {"c1": expected}


def test_hold_does_not_block_other_purposes(tmp_path):
    """Ads exclusion lists keep customers with an open case."""
    purposes = ("ads_user_data", "ads_personalisation")
    with world_at(tmp_path / "w.duckdb", purposes=purposes, channel="ads") as world:
        world.desire([person(1)])
        world.allow([person(1)])
        world.connection.execute(
            "insert into decisions.holds values ('c1', 'open case', null, null, true)"
        )

        assert reasons(world) == {"c1": None}


def test_internal_reporting_needs_no_consent_but_respects_erasure(tmp_path):
    """Rows that stay in the company pass, except those of erased persons."""
    with world_at(tmp_path / "w.duckdb", purposes=("internal_reporting",)) as world:
        world.desire([person(1), person(2)])
        suppress(world, "erased", customer="c2")
        suppress(world, "objected", customer="c1")

        assert reasons(world) == {"c1": None, "c2": "erased"}


@pytest.mark.parametrize(
    "table",
    ["privacy.suppressions", "privacy.consents", "contact.contact_points", "decisions.holds"],
)
def test_missing_table_closes_the_gate(world, table):
    """Without proof nobody passes."""
    world.desire([person(1)])
    world.allow([person(1)])
    world.connection.execute(f"drop table {table}")

    assert reasons(world) == {"c1": "gate_unavailable"}
    assert missing_tables(world.connection, world.spec) == (table,)


def test_reading_only_the_candidates_gives_the_same_answer(world):
    """The recheck at dispatch judges like the plan."""
    world.desire([person(number) for number in range(4)])
    world.allow([person(1), person(2)])
    suppress(world, "objected", customer="c2")
    gate = gate_for(world.connection, world.spec, AS_OF)
    rows = f"({desired_rows(world.spec)})"

    all_rows = world.connection.execute(f"select row_key, block_reason from ({gate.judged(rows)})")
    few = gate.judged(rows, are_few=True)

    assert sorted(world.connection.execute(f"select row_key, block_reason from ({few})")) == sorted(
        all_rows
    )


def test_every_reason_given_is_in_the_enumeration(world):
    """The reasons written in SQL are the documented ones."""
    text = gate_for(world.connection, KLAVIYO, AS_OF).judged("candidates")
    known = {str(reason) for reason in BlockReason} - {"gate_unavailable"}

    assert {reason for reason in known if f"'{reason}'" in text} == known
