"""Unchanged rows are left out of a plan early, and the plan is the one that reads them all."""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activation import plan
from activation.comparison import Comparison
from activation.content import content_digest
from activation.gate import gate_for
from activation.ledger import Ledger
from activation.rows import payload
from activation.spec import Field
from activation.statements import md5_hex
from tests.activation.world import (
    AS_OF,
    FCM,
    KEYS,
    KLAVIYO,
    LANDED,
    people,
    person,
    world_in_memory,
)  # fmt: skip
from tests.benchmarks.filling import fill

META = replace(
    KLAVIYO,
    name="meta_custom_audiences__existing_customers",
    destination="meta_custom_audiences",
    surface="custom_audience",
    purposes=("ads_user_data", "ads_personalisation"),
    channel="ads",
    fields=(Field("external_id", "varchar"), Field("email", "varchar"), Field("phone", "varchar")),
)
ADDED = replace(KLAVIYO, mode="upsert")
INTERNAL = replace(KLAVIYO, purposes=("internal_reporting",), channel="file")
SIMILAR = replace(KLAVIYO, similar_goods=True)
SPECS = (KLAVIYO, META, FCM, ADDED, INTERNAL, SIMILAR)
KEYS_OF_ROWS = 8

# One row of an audience: whose identifiers it has, which values, and what stands against it.
ROW = st.tuples(
    st.integers(0, KEYS_OF_ROWS - 1),
    st.sampled_from(["Ada", "Ada", "Grace", None]),
    st.sampled_from(
        [
            None,
            None,
            None,
            "consent",
            "point",
            "suppressed",
            "hold",
            "bounced",
            "case",
            "news",
            "ground",
        ]
    ),
)
AUDIENCE = st.dictionaries(st.integers(0, KEYS_OF_ROWS - 1), ROW)
STATES = st.lists(
    st.sampled_from(["acknowledged", "acknowledged", "rejected", "invalid", "unknown"]),
    min_size=KEYS_OF_ROWS,
    max_size=KEYS_OF_ROWS,
)


def put(world, audience):
    """Desire an audience, with a contact point per row and what stands against some."""
    fields = {field.name for field in world.spec.fields}
    rows, against = [], []
    for key, (owner, name, problem) in audience.items():
        email = f"person{owner}@example.com"
        row = person(key, email=email, external_id=f"x{owner}", first_name=name)
        row |= {"phone": f"+46{owner}", "token": f"t{owner}"}
        if problem == "case":
            row["email"] = email.upper()
        rows.append({name: row[name] for name in row if name in fields or name in world.columns})
        against.append((key, owner, problem))
    world.desire(rows)
    digest(world)
    world.connection.execute(LANDED)
    for table in ("contact.contact_points", "privacy.consents", "privacy.suppressions",
                  "decisions.holds", "raw.landed_news"):  # fmt: skip
        world.connection.execute(f"delete from {table}")
    for key, owner, problem in against:
        refuse_or_allow(world, key, owner, problem)


def carry_digests(world):
    """Give the model a digest of its own, as dbt does."""
    world.connection.execute(f"alter table {world.spec.relation} add column row_digest varchar")


def digest(world, of=None):
    """Fill the model's digest, where it has one, as dbt does."""
    columns = f"pragma table_info('{world.spec.relation}')"
    if "row_digest" in {name for _, name, *_ in world.connection.execute(columns)}:
        world.connection.execute(
            f"update {world.spec.relation} set row_digest = {of or md5_hex(payload(world.spec))}"
        )


def refuse_or_allow(world, key, owner, problem):
    """Give a row its contact point and consents, less or more what stands against it."""
    execute = world.connection.execute
    address = f"t{owner}" if world.spec.channel == "push" else f"person{owner}@example.com"
    if problem != "point":
        world.add_contact_point(f"p{key}", f"c{key}", address)
    for purpose in world.spec.purposes:
        ground = "similar_goods" if problem == "ground" else "consent"
        allowed = {"is_allowed": problem != "consent", "legal_ground": ground}
        world.add_consent(f"p{key}", purpose, **allowed)
    if problem == "news":
        execute(f"insert into raw.landed_news values ('c{key}', 'complaint', null, null, 'mail/x')")
    if problem == "suppressed":
        execute(f"insert into privacy.suppressions values (null, 'c{key}', 'all', 'erased', null)")
    if problem == "bounced":
        execute(
            "insert into privacy.suppressions"
            " select sha256(identifier_type || '|' || address), null, 'all', 'hard_bounced', null"
            f" from contact.contact_points where contact_point_id = 'p{key}'"
        )
    if problem == "hold":
        execute(f"insert into decisions.holds values ('c{key}', 'open case', null, null, true)")


def acknowledge(world, states):
    """Deliver what is desired, with an outcome per row."""
    comparison = compare(world)
    ledger = Ledger(world.connection, world.spec, "here", KEYS)
    ledger.prepare()
    plan.seal(comparison, "first")
    ledger.start("first", "1 = 1", "sending", {})
    ledger.acknowledge_upserts("first", "1 = 1", {})
    for key, state in enumerate(states):
        held = "is_held" if state != "rejected" else "false"
        world.connection.execute(
            f"update ledger.sync_rows set state = ?, is_held = {held}, attempts = 1, retry_from = 9"
            f" where row_key in ('c{key}', 'p{key}')",
            (state,),
        )


def compare(world):
    """Return what a plan of now is made of."""
    gate = gate_for(world.connection, world.spec, AS_OF)
    return Comparison(world.connection, world.spec, gate, "here", KEYS)


def changes(comparison, *, few_rows, is_paused=False):
    """Return the rows to act on, in any order."""
    query = replace(comparison, few_rows=few_rows).changes(is_paused=is_paused)
    found = comparison.connection.execute(f"{query} select columns(*) from changes order by all")
    return [tuple(row) for row in found]


def both_ways(world, *, is_paused=False):
    """Return the rows to act on with the unchanged ones left out early, and with all read."""
    short, whole = (
        changes(compare(world), few_rows=few_rows, is_paused=is_paused) for few_rows in (0, 1_000)
    )
    return short, whole


def plans(spec, before, states, after, *, carries_digests=False):
    """Return the plan of the short way and of the one that reads everything, paused and not."""
    with world_in_memory(spec) as world:
        world.connection.execute("set threads = 1")
        if carries_digests:
            carry_digests(world)
        put(world, before)
        acknowledge(world, states)
        put(world, after)
        return [both_ways(world, is_paused=is_paused) for is_paused in (True, False)]


def test_what_is_left_out_is_what_the_whole_comparison_does_nothing_about():
    """Identifiers that moved or that an unchanged row shares, refusals, leavers: the same plan."""
    before = {key: (key, "Ada", None) for key in range(KEYS_OF_ROWS)} | {6: (5, "Ada", None)}
    after = {
        **before,
        0: (0, "Grace", None),
        1: (1, "Ada", "consent"),
        2: (3, "Ada", None),
        3: (2, "Ada", None),
        4: (4, "Ada", "case"),
        5: (6, "Ada", None),
        6: (5, "Ada", "news"),
    }
    del after[7]

    states = ["acknowledged"] * 7 + ["rejected"]
    for spec, carries_digests in product((KLAVIYO, META), (True, False)):
        paused, usual = plans(spec, before, states, after, carries_digests=carries_digests)

        assert paused[0] == paused[1]
        assert usual[0] == usual[1]
        assert usual[0]


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(SPECS), AUDIENCE, STATES, AUDIENCE, st.booleans())
def test_the_short_way_ends_where_the_long_one_does(spec, before, states, after, carries_digests):
    """Whatever is desired, held, refused or forbidden, with digests in the model and without."""
    for short, whole in plans(spec, before, states, after, carries_digests=carries_digests):
        assert short == whole


def test_a_row_of_a_doubled_contact_point_is_still_looked_at():
    """One of its two points is deliverable, the other is not: the gate answers for both."""
    with world_in_memory(KLAVIYO) as world:
        world.desire(people(2))
        world.allow(people(2))
        acknowledge(world, [])
        world.connection.execute(
            "insert into contact.contact_points values"
            " ('p0', 'c0', 'email', 'email', 'person0@example.com', false)"
        )

        short, whole = both_ways(world)

    assert short == whole
    assert len(short) == 1


def test_a_large_audience_is_planned_the_short_way(world):
    """Of two thousand held rows only the changed one is read, and the plan has nothing else."""
    fill(world, 2_000)
    acknowledge(world, [])
    world.connection.execute(
        f"update {world.spec.relation} set first_name = 'Grace' where email = 'person7@example.com'"
    )
    comparison = compare(world)

    counts = plan.seal(comparison, "second")

    assert "unsettled" in comparison.changes()
    assert "unsettled" not in replace(comparison, few_rows=2_000).changes()
    assert counts.by_action == {"change": 1}


def test_the_models_own_digest_is_read_where_it_is_what_would_be_made(world):
    """Of a changed row it differs, and the row is planned; the others' values are not read."""
    carry_digests(world)
    fill(world, 2_000)
    digest(world)
    acknowledge(world, [])
    world.connection.execute(
        f"update {world.spec.relation} set first_name = 'Grace' where email = 'person7@example.com'"
    )
    digest(world)

    assert content_digest(world.connection, world.spec) == "row_digest"
    assert plan.seal(compare(world), "second").by_action == {"change": 1}


@pytest.mark.parametrize("wrong", ["md5(email)", "null", "'d41d8cd98f00b204e9800998ecf8427e'"])
def test_a_digest_that_leaves_something_out_is_not_trusted(world, wrong):
    """Written by hand, of some columns or of none: rows are digested from what is sent."""
    carry_digests(world)
    fill(world, 2_000)
    digest(world, wrong)
    acknowledge(world, [])
    world.connection.execute(
        f"update {world.spec.relation} set first_name = 'Grace' where email = 'person7@example.com'"
    )

    assert content_digest(world.connection, world.spec) != "row_digest"
    assert plan.seal(compare(world), "second").by_action == {"change": 1}


def test_a_model_that_gains_or_loses_its_digest_sends_nobody(world):
    """The ledger's digest is the same, whoever made the one it is made of."""
    fill(world, 2_000)
    acknowledge(world, [])
    carry_digests(world)
    digest(world)

    gained = plan.seal(compare(world), "second")
    world.connection.execute("delete from ledger.plan_rows")
    world.connection.execute(f"alter table {world.spec.relation} drop column row_digest")
    lost = plan.seal(compare(world), "third")

    assert gained.planned == lost.planned == 0


def test_a_column_of_that_name_and_another_type_is_no_digest(world):
    """It is left alone, and the plan is made all the same."""
    world.desire(people(1))
    world.connection.execute(
        f"alter table {world.spec.relation} add column row_digest bigint default 7"
    )

    assert content_digest(world.connection, world.spec) != "row_digest"
