"""A plan has one name for all that is in it; what was looked at is what is sent, or nothing is."""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from dataclasses import replace

import orjson
import pytest

from activation.comparison import row_hash
from activation.destinations import settings_for
from activation.digests import DigestKey, DigestKeys
from activation.errors import EmptySource, FailedTests, PlanMoved, UnknownKey
from activation.ledger import now
from activation.pacing import Patience
from activation.rows import desired_rows
from activation.spec import Field
from activation.syncs import ModelState, diff_sync, run_sync
from tests.activation.world import AS_OF, FCM, KEYS, people, person, world_at


def run(world, settings, klaviyo, keys=KEYS, **options):
    """Run the sync against the stub."""
    options |= {"client": klaviyo.client(), "patience": Patience(first_wait=0.001)}
    return run_sync(world.connection, world.spec, settings, as_of=AS_OF, keys=keys, **options)


def look(world, settings, keys=KEYS, **options):
    """Return what a run would do."""
    return diff_sync(world.connection, world.spec, settings, as_of=AS_OF, keys=keys, **options)


@pytest.fixture
def delivered(world, settings, klaviyo):
    """A world whose three persons were delivered."""
    world.desire(people(3))
    world.allow(people(5))
    run(world, settings, klaviyo)
    return world


def test_the_plan_that_was_looked_at_is_sent(delivered, settings, klaviyo):
    """Its digest is printed, recorded with the run, and sent when nothing moved."""
    delivered.desire([person(0, first_name="Grace"), person(1), person(4)])
    seen = look(delivered, settings)

    sent = run(delivered, settings, klaviyo, named=seen.digest)

    assert seen.whole == {"add": 1, "change": 1, "remove": 1}
    assert sent.digest == seen.digest
    assert delivered.connection.execute(
        "select digest from ledger.runs order by plan_number desc limit 1"
    ) == [(seen.digest,)]
    assert klaviyo.emails() == {f"person{number}@example.com" for number in (0, 1, 4)}


def test_looking_twice_gives_the_same_digest(delivered, settings):
    """The digest is of the content, not of the order or the moment."""
    delivered.desire(people(5)[::-1])
    first = look(delivered, settings).digest
    delivered.desire(people(5))

    assert look(delivered, settings).digest == first


def change_a_value(world):
    world.desire([person(0), person(1), person(2, first_name="Grace"), person(3)])


def add_a_row(world):
    world.desire(people(5))


def withdraw_a_consent(world):
    world.connection.execute("delete from privacy.consents where contact_point_id = 'p3'")


def block_for_another_reason(world):
    world.connection.execute("delete from contact.contact_points where contact_point_id = 'p9'")


def rename_the_list(world):
    world.spec = replace(world.spec, target="Another list")


def drop_a_field(world):
    world.spec = replace(world.spec, fields=world.spec.fields[:-1])


def send_in_between(world):
    world.connection.execute(
        "insert into ledger.runs (run_id, sync, account, plan_number, status, started_at,"
        " delivered, rejected, invalid, unknown)"
        " select 'x', sync, account, 99, 'finished', ?, 1, 0, 0, 0 from ledger.runs limit 1",
        (now(),),
    )


@pytest.mark.parametrize(
    "move",
    [
        change_a_value,
        add_a_row,
        withdraw_a_consent,
        block_for_another_reason,
        rename_the_list,
        drop_a_field,
        send_in_between,
    ],
)
def test_a_plan_that_moved_is_not_sent(delivered, settings, klaviyo, move):
    """Rows, permissions, settings or the ledger: one clear sentence, and no request."""
    delivered.desire([*people(4), person(9)])
    delivered.add_contact_point("p9", "c9", "person9@example.com")
    seen, before = look(delivered, settings), len(klaviyo.requests)
    move(delivered)

    with pytest.raises(PlanMoved, match=f"plan {seen.digest} is not what would be sent now"):
        run(delivered, settings, klaviyo, named=seen.digest)

    assert len(klaviyo.requests) == before
    assert delivered.connection.execute(
        "select count(*) from ledger.runs where stopped_by = 'PlanMoved'"
    ) == [(1,)]


def test_a_refused_run_does_not_move_the_plan(delivered, settings, klaviyo):
    """Who is told to look may look before or after the run that was refused."""
    delivered.desire([])
    before = look(delivered, settings)

    with pytest.raises(EmptySource):
        run(delivered, settings, klaviyo)
    after = look(delivered, settings)
    sent = run(delivered, settings, klaviyo, named=before.digest)

    assert before.refused_because.startswith("klaviyo__win_back: sync_klaviyo__win_back is empty")
    assert after.digest == before.digest
    assert (sent.removed, klaviyo.emails()) == (3, set())


def test_naming_the_plan_gets_past_a_failed_test(delivered, settings, klaviyo):
    """A person has looked and knows that the test is about something else."""
    failing = ModelState({"customers"})
    delivered.desire(people(4))
    seen = look(delivered, settings, model=failing)

    with pytest.raises(FailedTests):
        run(delivered, settings, klaviyo, model=failing)

    assert "dbt tests failed on customers" in seen.refused_because
    assert run(delivered, settings, klaviyo, model=failing, named=seen.digest).added == 1


def test_doubled_and_missing_keys_are_counted_and_have_no_plan(delivered, settings):
    """There is nothing to name where nobody knows which row is meant."""
    delivered.desire([*people(2), person(1), person(2, customer_id=None)])

    seen = look(delivered, settings)

    assert (seen.count_null_keys, seen.count_doubled_keys, seen.digest) == (1, 1, None)
    assert "null or not unique" in seen.refused_because


def test_changed_columns_are_named_without_their_values(delivered, settings):
    """Per row and counted; a null that appears is a change like any other."""
    delivered.desire([person(0, first_name=None, property_spend=1.0), person(1, first_name="G")])

    seen = look(delivered, settings)

    assert seen.changed_columns == {"first_name": 2, "property_spend": 1}
    assert {row.row_key: row.changed_columns for row in seen.rows if row.action == "change"} == {
        "c0": ("first_name", "property_spend"),
        "c1": ("first_name",),
    }


def test_another_mapping_is_named_as_such_and_removes_nobody(delivered, settings, klaviyo):
    """A column more is one change per row, and the audience is never empty in between."""
    sizes = []
    klaviyo.interfere = lambda request: sizes.append(len(klaviyo.emails()))
    delivered.connection.execute(
        f"alter table {delivered.spec.relation} add column property_city varchar default 'Oslo'"
    )
    fields = (*delivered.spec.fields, Field("property_city", "varchar"))
    delivered.spec = replace(delivered.spec, fields=fields)

    seen = look(delivered, settings)
    sent = run(delivered, settings, klaviyo)

    assert seen.changed_columns == {"mapping": 3}
    assert (sent.changed, sent.removed, min(sizes)) == (3, 0, 3)


def test_columns_in_another_order_are_the_same_columns(delivered, settings, klaviyo):
    """Who sorts a select list sends nobody anything."""
    delivered.spec = replace(delivered.spec, fields=delivered.spec.fields[::-1])

    assert run(delivered, settings, klaviyo).planned == 0


def test_digests_cannot_be_guessed_without_the_key(delivered, settings):
    """The same values under another key have other digests, in whole and in parts."""
    execute = delivered.connection.execute
    plain = "select md5('klaviyo/1|' || identifiers), row_hash, pieces from ledger.sync_rows"
    other = DigestKeys(DigestKey("another key altogether"))

    digests = {text for row in execute(plain) for text in row}
    mine, others = (keys.row_rule.of_row("klaviyo/1", "x") for keys in (KEYS, other))
    ((ours, theirs),) = execute(f"select {mine}, {others} from (select 'x' as x)")

    assert len(digests) == 9
    assert ours != theirs


def test_a_new_key_sends_nobody_anything(delivered, settings, klaviyo):
    """Given both keys, unchanged rows are digested anew; the changed one is a change."""
    rotated = DigestKeys(DigestKey("the key of next year"), KEYS.current)
    delivered.desire([person(0, first_name="Grace"), person(1), person(2)])

    seen = look(delivered, settings, keys=rotated)
    sent = run(delivered, settings, klaviyo, keys=rotated)
    after = run(delivered, settings, klaviyo, keys=DigestKeys(rotated.current))

    assert seen.whole == {"change": 1}
    assert (sent.changed, sent.planned, after.planned) == (1, 1, 0)


@pytest.mark.parametrize("former", KEYS.current.former_row_rules, ids=("one pass", "hmac"))
@pytest.mark.parametrize(
    "keys", [KEYS, DigestKeys(DigestKey("the key of next year"), KEYS.current)]
)
def test_rows_digested_by_a_former_rule_are_recognised(delivered, settings, klaviyo, keys, former):
    """A release that digests rows in another way sends only who changed, and names what did."""
    digest_as_before(delivered, former)
    delivered.desire([person(0, first_name="Grace"), person(1), person(2)])

    seen = look(delivered, settings, keys=keys)
    sent = run(delivered, settings, klaviyo, keys=keys)
    after = run(delivered, settings, klaviyo, keys=DigestKeys(keys.current))

    assert seen.whole == {"change": 1}
    assert (sent.changed, sent.planned, after.planned) == (1, 1, 0)
    if keys is KEYS:
        assert seen.changed_columns == {"first_name": 1}
    assert delivered.connection.execute("select distinct key_id from ledger.sync_rows") == [
        (keys.row_rule.identifier,)
    ]


def digest_as_before(world, before):
    """Give the ledger's rows the digest and name of a rule before the present one."""
    world.connection.execute(
        f"update ledger.sync_rows set key_id = '{before.identifier}', row_hash = fresh.row_hash"
        f" from (select row_key, {row_hash(world.spec, before)} as row_hash"
        f" from ({desired_rows(world.spec)}) as desired) as fresh"
        " where fresh.row_key = sync_rows.row_key"
    )


def test_a_lost_key_is_told_before_everybody_is_sent_again(delivered, settings, klaviyo):
    """Without the former key nothing can be compared; that is a decision for a person."""
    lost = DigestKeys(DigestKey("a key out of nowhere"))

    with pytest.raises(UnknownKey, match=r"3 rows .* REGULARS_LEDGER_FORMER_KEY"):
        run(delivered, settings, klaviyo, keys=lost)
    named = look(delivered, settings, keys=lost).digest

    assert run(delivered, settings, klaviyo, keys=lost, named=named).changed == 3
    assert run(delivered, settings, klaviyo, keys=lost).planned == 0


def test_a_digest_is_that_of_any_md5(delivered):
    """Another engine, or the next version of this one, comes to the same text and digest."""
    values = {"email": "person0@example.com", "external_id": "c0", "first_name": "Ada"}
    text = orjson.dumps({**values, "property_spend": 12.5}).decode()
    pieces = [f"{name}={value}" for name, value in {**values, "property_spend": "12.5"}.items()]

    assert delivered.connection.execute(
        "select row_hash, pieces from ledger.sync_rows where row_key = 'c0'"
    ) == [
        (
            md5(f"{derived_text('content|klaviyo/1')}{md5(text)}"),
            "".join(md5(derived("field")[:24] + piece)[:6] for piece in pieces),
        )
    ]


def md5(text):
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def derived(purpose):
    """Return what stands before a text so that only the key's holder can digest it."""
    return hmac.new(KEYS.current.secret.encode(), purpose.encode(), "sha256").hexdigest()


def derived_text(purpose):
    """Return the same in the alphabet that says most in few characters."""
    return urlsafe_b64encode(bytes.fromhex(derived(purpose)))[:22].decode()


def test_requests_and_minutes_are_told_beforehand(tmp_path, world, settings):
    """Whole batches, with what follows them, at the platform's published rate."""
    world.desire([*people(3), person(7, email="no address", contact_point_id="px")])
    world.allow([*people(3), person(7, email="no address", contact_point_id="px")])

    klaviyo = look(world, settings).estimate
    with world_at(tmp_path / "push.duckdb", FCM) as push:
        fill_tokens(push, 450)
        fcm = look(push, settings_for("fcm", {"REGULARS_FCM_PROJECT_ID": "p"})).estimate

    assert (klaviyo.requests, klaviyo.is_exact) == (2, True)
    assert klaviyo.minutes == pytest.approx(1 / 150)
    assert klaviyo.invalid_by_code == {"invalid_email": 1}
    assert (fcm.requests, fcm.is_exact) == (450, False)
    assert fcm.minutes == pytest.approx(450 / 150_000)


def fill_tokens(world, count):
    """Desire many push tokens, all allowed."""
    world.connection.execute(
        f"insert into {world.spec.relation} (customer_id, contact_point_id, token)"
        f" select 'c' || i, 'p' || i, 't' || i from range({count}) r (i)"
    )
    world.connection.execute(
        "insert into contact.contact_points select contact_point_id, customer_id, 'push_token',"
        f" 'push', token, true from {world.spec.relation}"
    )
    world.connection.execute(
        "insert into privacy.consents (contact_point_id, purpose, channel, is_allowed, reason)"
        f" select contact_point_id, 'marketing', 'push', true, 'allowed' from {world.spec.relation}"
    )
