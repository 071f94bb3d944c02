"""A plan holds exactly what must change, and delivering it leaves nothing to plan."""

import hashlib
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activation import plan
from activation.comparison import Comparison
from activation.destinations import settings_for
from activation.destinations.klaviyo import KlaviyoSettings
from activation.gate import gate_for
from activation.ledger_schema import create_tables
from activation.spec import Field
from activation.syncs import diff_sync, run_sync
from tests.activation.stub_klaviyo import StubKlaviyo
from tests.activation.stub_meta import StubMeta
from tests.activation.world import AS_OF, KEYS, KLAVIYO, people, person, world_at

EASY = {"max_removal_share": 1.0, "max_size_change": 100.0}
META = replace(
    KLAVIYO,
    **EASY,
    name="meta_custom_audiences__existing_customers",
    destination="meta_custom_audiences",
    surface="custom_audience",
    target="Existing customers",
    purposes=("ads_user_data", "ads_personalisation"),
    channel="ads",
    fields=tuple(Field(name, "varchar") for name in ("external_id", "email", "first_name")),
)
META_SETTINGS = settings_for(
    "meta_custom_audiences",
    {"REGULARS_META_ACCESS_TOKEN": "secret", "REGULARS_META_AD_ACCOUNT_ID": "1"},
)

# Few keys and few addresses, so that addresses move between keys, swap and come back.
ALLOWED = (True, True, True, False)
STATES = st.lists(
    st.dictionaries(
        st.integers(0, 3),
        st.tuples(st.integers(0, 3), st.sampled_from(["Ada", "Bo"]), st.sampled_from(ALLOWED)),
        max_size=4,
    ).filter(lambda state: len({address for address, _, _ in state.values()}) == len(state)),
    min_size=1,
    max_size=3,
)
PROPERTY = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def rows_of(state):
    """Return the model's rows of a generated state; the contact point belongs to the address."""
    return [
        {
            "customer_id": f"c{key}",
            "contact_point_id": f"a{address}",
            "email": f"a{address}@example.com",
            "external_id": f"c{key}",
            "first_name": name,
        }
        for key, (address, name, _) in state.items()
    ]


def put(world, state):
    """Make a generated state the world's desired rows and consents."""
    world.desire(rows_of(state))
    world.connection.execute("delete from privacy.consents")
    world.connection.execute("delete from contact.contact_points")
    for key, (address, _, is_allowed) in state.items():
        world.add_contact_point(f"a{address}", f"c{key}", f"a{address}@example.com")
        for purpose in world.spec.purposes:
            world.add_consent(f"a{address}", purpose, is_allowed=is_allowed, reason="withdrawn")


def run(world, destination_settings, client):
    """Run the sync as often as a scheduler would."""
    return run_sync(
        world.connection,
        world.spec,
        destination_settings,
        as_of=AS_OF,
        keys=KEYS,
        client=client,
    )


@PROPERTY
@given(STATES)
def test_list_platform_holds_what_is_desired_and_allowed(tmp_path_factory, states):
    """Whatever the history, the list holds the desired addresses and the next plan is empty."""
    stub = StubKlaviyo()
    with world_at(tmp_path_factory.mktemp("world") / "w.duckdb", **EASY) as world:
        for state in states:
            put(world, state)
            summary = run(world, KlaviyoSettings(api_key="secret"), stub.client())
            assert summary.delivered == summary.planned

            wanted = {
                f"a{address}@example.com" for address, _, allowed in state.values() if allowed
            }
            assert (stub.emails() if stub.lists else set()) == wanted
        before = len(stub.requests)
        assert run(world, KlaviyoSettings(api_key="secret"), stub.client()).planned == 0
        assert len(stub.requests) == before


@PROPERTY
@given(STATES)
def test_row_platform_holds_what_is_desired_and_allowed(tmp_path_factory, states):
    """Where rows are kept as added, no former row survives and no wanted row is lost."""
    stub = StubMeta()
    with world_at(tmp_path_factory.mktemp("world") / "w.duckdb", META) as world:
        for state in states:
            put(world, state)
            run(world, META_SETTINGS, stub.client())

            assert stub.rows == {
                frozenset(
                    {
                        ("EXTERN_ID", f"c{key}"),
                        ("EMAIL", digest(f"a{address}@example.com")),
                        ("FN", digest(name.lower())),
                    }
                )
                for key, (address, name, allowed) in state.items()
                if allowed
            }
        before = len(stub.requests)
        assert run(world, META_SETTINGS, stub.client()).planned == 0
        assert len(stub.requests) == before


@PROPERTY
@given(STATES)
def test_preview_says_what_the_run_does(tmp_path_factory, states):
    """The dry run's counts and keys are those of the plan that follows."""
    stub = StubKlaviyo()
    with world_at(tmp_path_factory.mktemp("world") / "w.duckdb", **EASY) as world:
        for state in states:
            put(world, state)
            key = KlaviyoSettings(api_key="secret")
            difference = diff_sync(world.connection, world.spec, key, as_of=AS_OF, keys=KEYS)
            summary = run(world, key, stub.client())

            counts = {name: difference.counts.get(name, 0) for name in plan.ACTIONS}
            assert counts == {
                "add": summary.added,
                "change": summary.changed,
                "remove": summary.removed,
                "retry": summary.retried,
            }
            assert difference.blocked_by_reason == summary.blocked_by_reason
            assert len(difference.rows) == sum(difference.counts.values())


def digest(value):
    """Return the SHA-256 of a text."""
    return hashlib.sha256(value.encode()).hexdigest()


def keys(world, action):
    """Return the keys of the last plan with an action."""
    rows = world.connection.execute(
        "select row_key from ledger.plan_rows where action = ? order by row_key", (action,)
    )
    return [key for (key,) in rows]


def test_preview_needs_no_ledger_and_writes_nothing(world, settings):
    """The dry run works on a fresh warehouse and leaves it as it was."""
    world.desire(people(2))
    world.allow(people(1))

    difference = diff_sync(world.connection, world.spec, settings, as_of=AS_OF, keys=KEYS)

    assert difference.counts == {"add": 1, "blocked": 1}
    assert [(row.row_key, row.action, row.reason) for row in difference.rows] == [
        ("c0", "add", None),
        ("c1", "blocked", "no_contact_point"),
    ]
    assert not world.connection.table_exists("ledger", "sync_rows")


def test_preview_is_limited_and_shows_removals_first(world, settings, klaviyo):
    """Removals are what a person must see."""
    world.desire(people(3))
    world.allow(people(5))
    run(world, settings, klaviyo.client())
    world.desire(people(5)[2:])

    difference = diff_sync(world.connection, world.spec, settings, as_of=AS_OF, keys=KEYS, limit=3)

    assert [(row.row_key, row.action) for row in difference.rows] == [
        ("c0", "remove"),
        ("c1", "remove"),
        ("c3", "add"),
    ]
    assert difference.counts == {"remove": 2, "add": 2}


def test_rows_that_lose_consent_are_removed_with_the_reason(world, settings, klaviyo):
    """A held row that may no longer be held becomes a removal, not a mere block."""
    world.desire(people(2))
    world.allow(people(2))
    run(world, settings, klaviyo.client())
    world.connection.execute(
        "update privacy.consents set is_allowed = false, reason = 'withdrawn'"
        " where contact_point_id = 'p1'"
    )

    summary = run(world, settings, klaviyo.client())

    assert (summary.removed, summary.blocked_by_reason) == (1, {"consent_withdrawn": 1})
    assert klaviyo.emails() == {"person0@example.com"}
    assert klaviyo.sent("POST", "subscription") == 0


def test_upsert_mode_keeps_leavers_but_not_the_blocked(tmp_path, settings, klaviyo):
    """A sync that only adds still takes out whom it may not hold."""
    with world_at(tmp_path / "w.duckdb", mode="upsert") as world:
        world.desire(people(3))
        world.allow(people(3))
        run(world, settings, klaviyo.client())
        world.desire(people(2))
        world.connection.execute("delete from privacy.consents where contact_point_id = 'p1'")

        run(world, settings, klaviyo.client())

    assert klaviyo.emails() == {"person0@example.com", "person2@example.com"}


def test_merged_customer_is_not_lost(world, settings, klaviyo):
    """A new key with the old identifiers takes the ledger row over; nothing is removed."""
    world.desire([person(1)])
    world.allow([person(1)])
    run(world, settings, klaviyo.client())
    world.desire([person(1, customer_id="c9", external_id="c9")])

    summary = run(world, settings, klaviyo.client())

    assert (summary.changed, summary.removed, summary.added) == (1, 0, 0)
    assert klaviyo.sent("DELETE", "") == 0
    assert klaviyo.emails() == {"person1@example.com"}
    assert world.ledger() == [("c9", "acknowledged", True)]


def test_merged_customer_with_another_address_is_one_change(world, settings, klaviyo):
    """The ledger row follows the id; the former address goes, the new one comes."""
    world.connection.execute(
        "create table core.customer_aliases as select 'c1' as former_customer_id,"
        " 'c9' as customer_id"
    )
    world.desire([person(1)])
    world.allow([person(1)])
    run(world, settings, klaviyo.client())
    survivor = person(9, contact_point_id="p9")
    world.desire([survivor])
    world.allow([survivor])

    summary = run(world, settings, klaviyo.client())

    assert (summary.changed, summary.removed, summary.added) == (1, 0, 0)
    assert klaviyo.emails() == {"person9@example.com"}
    assert world.ledger() == [("c9", "acknowledged", True)]


def test_removal_is_skipped_while_another_row_uses_the_identifier(world, settings, klaviyo):
    """Two held rows merge: the survivor's address stays on the list."""
    world.desire([person(1), person(2)])
    world.allow([person(1), person(2)])
    run(world, settings, klaviyo.client())
    world.desire([person(2, email="person1@example.com", contact_point_id="p1")])

    summary = run(world, settings, klaviyo.client())

    assert (summary.changed, summary.removed, summary.delivered) == (1, 1, 2)
    assert klaviyo.emails() == {"person1@example.com"}
    assert world.ledger() == [("c2", "acknowledged", True)]


def put_on_meta(world, *rows):
    """Desire rows of (key, address, name), all allowed."""
    put(world, {key: (address, name, True) for key, address, name in rows})


def names(stub):
    """Return number and hashed name of every row the stub keeps."""
    return sorted((dict(row)["EXTERN_ID"], dict(row)["FN"]) for row in stub.rows)


def test_changed_row_leaves_no_former_self_where_rows_are_kept(tmp_path):
    """The former row is taken out although its identifiers stay wanted."""
    stub = StubMeta()
    with world_at(tmp_path / "w.duckdb", META) as world:
        put_on_meta(world, (1, 1, "Ada"), (2, 2, "Ada"))
        run(world, META_SETTINGS, stub.client())
        put_on_meta(world, (1, 1, "Bo"), (2, 2, "Ada"))
        run(world, META_SETTINGS, stub.client())

    assert names(stub) == [("c1", digest("bo")), ("c2", digest("ada"))]
    assert stub.requests == [("POST", 2), ("DELETE", 1), ("POST", 1)]


def test_retry_of_the_same_values_takes_nothing_out(tmp_path):
    """Adding the same row again has no effect, so a row in doubt is not removed first."""
    stub = StubMeta()
    with world_at(tmp_path / "w.duckdb", META) as world:
        put_on_meta(world, (1, 1, "Ada"))
        run(world, META_SETTINGS, stub.client())
        world.connection.execute("update ledger.sync_rows set state = 'unknown'")
        assert run(world, META_SETTINGS, stub.client()).retried == 1

    assert stub.requests == [("POST", 1), ("POST", 1)]


def test_variants_of_a_gmail_address_are_one_identity_at_google(tmp_path):
    """Google compares without dots and suffix: removing a variant would hit the other row."""
    fields = tuple(Field(name, "varchar") for name in ("email", "phone"))
    changes = {
        "destination": "google_customer_match",
        "surface": "user_list",
        "fields": fields,
        "purposes": ("ads_user_data", "ads_personalisation"),
        "channel": "ads",
    }
    kept = {"customer_id": "c1", "contact_point_id": "p1", "email": "ada.l@gmail.com"}
    gone = {"customer_id": "c2", "contact_point_id": "p2", "email": "adal+x@gmail.com"}
    with world_at(tmp_path / "w.duckdb", **changes) as world:
        world.desire([kept])
        world.allow([kept, gone])
        hold(world, kept, "google/1")
        hold(world, gone, "google/1")

        gate = gate_for(world.connection, world.spec, AS_OF)
        plan.seal(Comparison(world.connection, world.spec, gate, "here", KEYS), "run")

        planned = world.connection.execute("select ledger_key, stale from ledger.plan_rows")
        assert planned == [("c2", "")]


def hold(world, row, normaliser):
    """Write a ledger row as if these values had been acknowledged."""
    values = f'{{"email":"{row["email"]}","phone":null}}'
    create_tables(world.connection)
    digest = KEYS.row_rule.of_row(normaliser, "?")
    world.connection.execute(
        "insert into ledger.sync_rows (sync, account, row_key, row_hash, identifiers, state,"
        f" is_held) values (?, 'here', ?, {digest}, ?, 'acknowledged', true)",
        (world.spec.name, row["customer_id"], values, values),
    )


def test_new_normaliser_version_sends_every_row_again(world, settings, klaviyo):
    """The version is part of the row's hash."""
    world.desire(people(2))
    world.allow(people(2))
    run(world, settings, klaviyo.client())
    world.connection.execute(
        "update ledger.sync_rows set row_hash = md5('klaviyo/0|' || identifiers)"
    )

    assert run(world, settings, klaviyo.client()).changed == 2


@pytest.mark.parametrize(
    ("name", "value"), [("first_name", "Grace"), ("property_spend", 13.0), ("first_name", None)]
)
def test_any_changed_field_is_a_change(world, settings, klaviyo, name, value):
    """Every sent column counts, null included."""
    world.desire(people(2))
    world.allow(people(2))
    run(world, settings, klaviyo.client())
    world.desire([person(0), person(1, **{name: value})])

    assert run(world, settings, klaviyo.client()).changed == 1
    assert keys(world, "change") == ["c1"]


def test_noise_beyond_nine_decimals_is_no_change(world, settings, klaviyo):
    """A float that differs in its last bits is the same value."""
    world.desire([person(0, property_spend=0.1 + 0.2)])
    world.allow(people(1))
    run(world, settings, klaviyo.client())
    world.desire([person(0, property_spend=0.3)])

    assert run(world, settings, klaviyo.client()).planned == 0


def test_other_account_is_another_ledger(world, settings, klaviyo):
    """What the sandbox holds says nothing about production."""
    world.desire(people(1))
    world.allow(people(1))
    run(world, settings, klaviyo.client())

    elsewhere = replace(settings, base_url="https://sandbox.example.com:8080")
    assert run(world, elsewhere, StubKlaviyo().client()).added == 1


def test_port_of_a_local_sandbox_is_not_another_account(world, settings, klaviyo):
    """A sandbox that starts on another port still holds what it held."""
    world.desire(people(1))
    world.allow(people(1))
    run(world, replace(settings, base_url="http://127.0.0.1:4001"), klaviyo.client())

    restarted = replace(settings, base_url="http://127.0.0.1:4002")
    assert run(world, restarted, klaviyo.client()).planned == 0
