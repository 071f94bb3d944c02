"""A row of which only values changed is planned at once, and as all others are."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activation import plan
from activation.errors import DuplicateKeys
from activation.plain_changes import has_plain_changes
from activation.plan import SORTED_ROWS
from activation.rows import field_names, field_text, identifiers, payload
from activation.spec import Field
from tests.activation.test_unchanged import META, acknowledge, changes, compare
from tests.activation.world import KEYS, KLAVIYO, people, person, world_in_memory
from tests.benchmarks.filling import fill

TYPES = {
    "varchar": st.text(max_size=12),
    "double": st.floats(),
    "real": st.floats(width=32),
    "boolean": st.booleans(),
    "bigint": st.integers(-(2**63), 2**63 - 1),
    "decimal(18,2)": st.decimals(-(10**15), 10**15, places=2, allow_nan=False),
    "date": st.dates(),
    "timestamp": st.datetimes(min_value=datetime(1900, 1, 1)),
    "timestamptz": st.datetimes(min_value=datetime(1900, 1, 2), timezones=st.just(UTC)),
}
TYPED = replace(
    KLAVIYO,
    fields=(
        Field("email", "varchar"),
        Field("external_id", "bigint"),
        *(Field(f"property_{number}", kind) for number, kind in enumerate(TYPES)),
    ),
)
COLUMNS = {"email": TYPES["varchar"], "external_id": TYPES["bigint"]} | {
    f"property_{number}": values for number, values in enumerate(TYPES.values())
}
ROW = st.fixed_dictionaries({name: st.none() | values for name, values in COLUMNS.items()})


@pytest.fixture(scope="module")
def typed():
    """A world whose model has a column of every type."""
    with world_in_memory(TYPED) as world:
        world.connection.execute("set TimeZone = 'UTC'")
        yield world


@settings(max_examples=40, deadline=None)
@given(row=ROW)
def test_what_is_told_by_columns_is_what_the_sent_text_tells(typed, row):
    """Digits by column and identifiers, for every type and any value: not one changes its way."""
    typed.desire([{"customer_id": "c0", **row}])
    text, names = partial(field_text, TYPED), field_names(TYPED)
    by_columns = KEYS.current.pieces_of({name: text(name) for name in names})
    by_text = KEYS.current.pieces("payload", names)

    [found] = typed.connection.execute(
        f"select {by_columns}, {identifiers(TYPED, text)}, {by_text}, {identifiers(TYPED)}"
        f" from (select *, {payload(TYPED)} as payload from {TYPED.relation}) as sent"
    )

    assert found[:2] == found[2:]


def test_one_row_of_every_type_has_digits_for_each(typed):
    """The comparison above is of something: as many digits as there are columns."""
    row = {
        "email": "a@example.com", "external_id": 7, "property_0": "x", "property_1": 1e22,
        "property_2": 0.1, "property_3": True, "property_4": 2**62, "property_5": Decimal("1.50"),
        "property_6": date(2026, 1, 2), "property_7": datetime(2026, 1, 2, 3, 4, 5, 6),
        "property_8": datetime(2026, 1, 2, 3, tzinfo=UTC),
    }  # fmt: skip
    typed.desire([{"customer_id": "c0", **row}])
    pieces = KEYS.current.pieces_of({name: field_text(TYPED, name) for name in field_names(TYPED)})

    [(found,)] = typed.connection.execute(f"select {pieces} from {TYPED.relation}")

    assert len(found) == 6 * len(row)
    assert len({found[place : place + 6] for place in range(0, len(found), 6)}) == len(row)


def test_only_where_a_change_is_sent_and_nothing_else_it_is_planned_at_once():
    """Messages are not sent again; where rows stay as they were added, the former one must go."""
    messages = replace(KLAVIYO, destination="web_push", surface="messages", channel="push")
    file = replace(KLAVIYO, destination="file_drop", surface="file", channel="file")

    assert has_plain_changes(KLAVIYO)
    assert not has_plain_changes(META)
    assert not has_plain_changes(messages)
    assert not has_plain_changes(file)


def test_a_change_of_values_and_one_of_identifiers_come_to_the_plan_of_all_rows():
    """The address of one goes to another: what is left behind is looked for among all."""
    with world_in_memory(KLAVIYO) as world:
        world.desire(people(4))
        world.allow(people(6))
        acknowledge(world, [])
        swapped = person(1, email="person5@example.com", first_name="Grace")
        taken = person(2, email="person1@example.com")
        world.desire([person(0, first_name="Grace"), swapped, taken, person(3, property_spend=1)])
        world.allow([swapped, taken])

        for is_paused in (False, True):
            short, whole = (
                changes(compare(world), few_rows=few, is_paused=is_paused) for few in (0, 1_000)
            )
            assert short == whole
            assert len(short) == 4


def test_a_row_that_lost_its_contact_point_is_not_judged_by_the_one_it_had():
    """Nobody knows any more what the consent is about, so the row is taken back."""
    with world_in_memory(KLAVIYO) as world:
        world.desire(people(2))
        world.allow(people(2))
        acknowledge(world, [])
        world.desire([person(0, contact_point_id=None, first_name="Grace"), person(1)])

        short, whole = (changes(compare(world), few_rows=few) for few in (0, 1_000))
        actions = world.connection.execute(
            f"{replace(compare(world), few_rows=0).changes()} select action, reason from changes"
        )

    assert short == whole
    assert actions == [("remove", "no_contact_point")]


def test_a_changed_row_of_a_doubled_contact_point_is_refused(world):
    """One copy lets it pass, the other does not: nobody decides which is right."""
    fill(world, 2_000)
    acknowledge(world, [])
    world.connection.execute(f"update {world.spec.relation} set first_name = 'Grace'")
    world.connection.execute(
        "insert into contact.contact_points values"
        " ('p7', null, 'email', 'email', 'person7@example.com', false)"
    )

    with pytest.raises(DuplicateKeys):
        plan.seal(compare(world), "second")


@pytest.mark.slow
def test_a_large_plan_is_numbered_without_gaps_and_in_full_batches(world):
    """Removals first, then what is sent, then what is blocked; every batch but the last is full."""
    rows = SORTED_ROWS + 20_000
    fill(world, rows)
    acknowledge(world, [])
    world.connection.execute("delete from ledger.plan_rows")
    execute, relation = world.connection.execute, world.spec.relation
    execute(f"delete from {relation} where email like '%77@example.com'")
    execute(f"update {relation} set first_name = 'Grace'")
    execute(f"update {relation} set email = 'x' || email where email like '%55@example.com'")
    execute(
        "update contact.contact_points set address = 'x' || address"
        " where address like '%55@example.com'"
    )
    execute(
        f"insert into {relation} (customer_id, contact_point_id, email)"
        " select 'n' || i, 'none', 'n' || i from range(5000) as r (i)"
    )

    counts = plan.seal(compare(world), "second")

    removed, changed = rows // 100, rows - rows // 100
    assert counts.by_action == {"remove": removed, "change": changed, "blocked": 5_000}
    found = execute(
        "select min(row_number), max(row_number), count(distinct row_number), count(*),"
        " max(row_number) filter (where action = 'remove'),"
        " max(row_number) filter (where action = 'change' and stale <> ''),"
        " max(row_number) filter (where action = 'change') from ledger.plan_rows"
    )
    total = rows + 5_000
    assert found == [(1, total, total, total, removed, removed + rows // 100, rows)]
    sizes = execute(
        "select count(*) from ledger.plan_rows where upsert_batch is not null"
        " group by upsert_batch order by upsert_batch"
    )
    size = world.spec.capabilities.batch.upsert_rows
    assert [count for (count,) in sizes] == [size] * (changed // size) + [changed % size]
