"""The ways in which syncs are known to fail elsewhere, each with the test that it does not here."""

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from activation.errors import TargetMissing
from activation.pacing import Patience
from activation.spec import Field
from activation.syncs import run_sync
from tests.activation.world import AS_OF, KEYS, KLAVIYO, people, person, world_at

TESTS = Path(__file__).parents[1]

# Mode: the file and the test. Numbers are those of the list the modes were collected in.
MODES = {
    "01 a rejected row is never tried again": (
        "activation/test_attempts.py",
        "test_a_refused_row_is_tried_less_and_less_often_and_then_parked",
    ),
    "02 a partial batch counts as a success": (
        "activation/test_delivery.py",
        "test_every_planned_row_ends_in_one_state",
    ),
    "03 a lost answer doubles what must not be doubled": (
        "activation/test_attempts.py",
        "test_a_message_without_an_answer_is_never_sent_again_blindly",
    ),
    "04 a kill sends everything again": (
        "activation/test_crashes.py",
        "test_a_kill_costs_at_most_what_was_in_flight",
    ),
    "05 one poisonous row holds all others up": (
        "activation/test_delivery.py",
        "test_batch_refused_as_a_whole_is_halved_down_to_the_culprit",
    ),
    "06 a known key hides new values": (
        "activation/test_plan.py",
        "test_any_changed_field_is_a_change",
    ),
    "07 sending everything anew forgets who left": (
        "activation/test_failure_modes.py",
        "test_who_left_is_not_on_a_list_that_is_made_anew",
    ),
    "08 another mapping empties the audience first": (
        "activation/test_sealing.py",
        "test_another_mapping_is_named_as_such_and_removes_nobody",
    ),
    "09 a stopped run's rows are forgotten": (
        "activation/test_delivery.py",
        "test_credentials_that_expire_midway_keep_what_was_acknowledged",
    ),
    "10 an empty model removes everybody": (
        "activation/test_syncs.py",
        "test_empty_model_is_refused_and_recorded",
    ),
    "10 a half-built model removes half": (
        "activation/test_jumps.py",
        "test_an_audience_that_lost_two_fifths_is_not_touched",
    ),
    "11 a mirror removes what others wrote": (
        "activation/test_failure_modes.py",
        "test_members_that_others_added_stay",
    ),
    "12 keys are missing or doubled": (
        "activation/test_sealing.py",
        "test_doubled_and_missing_keys_are_counted_and_have_no_plan",
    ),
    "12 a key of another type is another key": (
        "activation/test_failure_modes.py",
        "test_a_key_of_another_type_is_the_same_key",
    ),
    "12 a key that was merged takes a wanted person away": (
        "activation/test_plan.py",
        "test_merged_customer_is_not_lost",
    ),
    "13 another engine changes every row": (
        "activation/test_sealing.py",
        "test_a_digest_is_that_of_any_md5",
    ),
    "13 another order of columns changes every row": (
        "activation/test_sealing.py",
        "test_columns_in_another_order_are_the_same_columns",
    ),
    "14 late rows and equal times are missed": (
        "activation/test_failure_modes.py",
        "test_a_row_that_comes_late_with_an_old_time_is_sent",
    ),
    "14 another time zone changes every row": (
        "activation/test_failure_modes.py",
        "test_the_time_zone_of_a_session_changes_no_row",
    ),
    "15 two runs send at once": (
        "activation/test_syncs.py",
        "test_two_runs_at_once_do_not_send_twice",
    ),
    "16 a lost ledger removes": (
        "activation/test_failure_modes.py",
        "test_a_lost_ledger_removes_nobody_and_sends_everybody_again",
    ),
    "16 an old ledger removes": (
        "activation/test_failure_modes.py",
        "test_a_ledger_restored_from_a_backup_removes_nobody_who_is_wanted",
    ),
    "17 a removal lacks what the platform knows a person by": (
        "contracts/test_sandbox.py",
        "test_platform_holds_exactly_the_desired_members",
    ),
    "18 a list deleted by hand is never noticed": (
        "activation/test_delivery.py",
        "test_deleted_list_is_made_anew_and_filled_by_the_next_run",
    ),
    "18 a list edited by hand is never noticed": (
        "activation/test_reconcile.py",
        "test_who_was_taken_off_by_hand_is_put_back",
    ),
    "19 a removal counts although the platform was not told": (
        "activation/test_attempts.py",
        "test_a_refused_removal_is_tried_in_every_run",
    ),
}


@pytest.mark.parametrize("mode", MODES)
def test_every_failure_mode_has_its_test(mode):
    """A test that is renamed or removed is missed here."""
    file, name = MODES[mode]
    tree = ast.parse((TESTS / file).read_text())

    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_all_nineteen_modes_are_here():
    """None is left out in silence."""
    assert {int(mode[:2]) for mode in MODES} == set(range(1, 20))


def run(world, settings, klaviyo):
    """Run the sync against the stub."""
    client = klaviyo.client()
    options = {"as_of": AS_OF, "keys": KEYS, "client": client, "patience": Patience(0.001)}
    return run_sync(world.connection, world.spec, settings, **options)


@pytest.fixture
def delivered(world, settings, klaviyo):
    """A world whose four persons were delivered."""
    world.desire(people(4))
    world.allow(people(6))
    run(world, settings, klaviyo)
    return world


def test_who_left_is_not_on_a_list_that_is_made_anew(delivered, settings, klaviyo):
    """The list is filled with who belongs to it now, and the ledger forgets who does not."""
    klaviyo.lists.clear()
    delivered.desire(people(4)[1:])
    delivered.desire([*people(4)[1:], person(5)])

    with pytest.raises(TargetMissing):
        run(delivered, settings, klaviyo)
    run(delivered, settings, klaviyo)

    assert klaviyo.emails() == {f"person{number}@example.com" for number in (1, 2, 3, 5)}
    assert "c0" not in {key for key, _, _ in delivered.ledger()}


def test_members_that_others_added_stay(delivered, settings, klaviyo):
    """We take out what we put in, and nobody else."""
    (members,) = klaviyo.members.values()
    klaviyo.profiles["Pguest@example.com"] = {"email": "guest@example.com"}
    members.add("Pguest@example.com")
    delivered.desire(people(1))

    assert run(delivered, settings, klaviyo).removed == 3
    assert klaviyo.emails() == {"person0@example.com", "guest@example.com"}


def test_a_key_of_another_type_is_the_same_key(world, settings, klaviyo):
    """A warehouse that turns `'1'` into 1 sends and removes nobody."""
    rows = [person(number, customer_id=str(number), external_id=None) for number in range(2)]
    world.desire(rows)
    world.allow(rows)
    run(world, settings, klaviyo)
    world.connection.execute(f"alter table {world.spec.relation} alter customer_id type bigint")

    assert run(world, settings, klaviyo).planned == 0


def test_a_row_that_comes_late_with_an_old_time_is_sent(tmp_path, settings, klaviyo):
    """There is no watermark to fall behind: rows are compared, not their times."""
    with world_at(tmp_path / "w.duckdb", fields=with_time()) as world:
        world.desire([person(0, property_seen_at="2026-10-31 12:00:00")])
        world.allow(people(2))
        run(world, settings, klaviyo)
        old = person(1, property_seen_at="2020-01-01 00:00:00")
        world.desire([person(0, property_seen_at="2026-10-31 12:00:00"), old])

        assert run(world, settings, klaviyo).added == 1


@pytest.mark.parametrize("data_type", ["timestamp", "timestamp with time zone"])
def test_the_time_zone_of_a_session_changes_no_row(tmp_path, settings, klaviyo, data_type):
    """A time is sent in UTC, whoever asks from wherever."""
    with world_at(tmp_path / "w.duckdb", fields=with_time(data_type)) as world:
        world.desire([person(0, property_seen_at="2026-10-31 12:00:00")])
        world.allow(people(1))
        run(world, settings, klaviyo)
        world.connection.execute("set TimeZone = 'Asia/Tokyo'")

        assert run(world, settings, klaviyo).planned == 0


def with_time(data_type="timestamp"):
    """Return the fields of a sync that sends a time."""
    return (*KLAVIYO.fields, Field("property_seen_at", data_type))


def test_a_lost_ledger_removes_nobody_and_sends_everybody_again(delivered, settings, klaviyo):
    """Without memory there is nobody to remove, and adding twice is adding once."""
    delivered.connection.execute("drop schema ledger cascade")
    delivered.desire(people(6)[2:])

    summary = run(delivered, settings, klaviyo)

    assert (summary.added, summary.removed) == (4, 0)
    assert {f"person{number}@example.com" for number in range(6)} == klaviyo.emails()


def test_a_ledger_restored_from_a_backup_removes_nobody_who_is_wanted(world, settings, klaviyo):
    """What it does not know of is sent again; what it remembers is removed only if unwanted."""
    world.spec = replace(world.spec, max_size_change=9)
    world.allow(people(6))
    world.desire(people(3))
    run(world, settings, klaviyo)
    world.connection.execute("create table backup as select * from ledger.sync_rows")
    world.desire(people(6)[1:])
    run(world, settings, klaviyo)
    world.connection.execute("delete from ledger.sync_rows")
    world.connection.execute("insert into ledger.sync_rows select * from backup")

    summary = run(world, settings, klaviyo)

    assert (summary.added, summary.removed) == (3, 1)
    assert klaviyo.emails() == {f"person{number}@example.com" for number in range(1, 6)}
    assert run(world, settings, klaviyo).planned == 0
