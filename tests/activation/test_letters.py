"""A letter shop gets whole addresses, one letter per household, and nobody who objected to post."""

import csv
import json
from contextlib import contextmanager
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activation.destinations.file_drop import FileDropSettings
from activation.destinations.letters import COLUMNS, FIELDS, LINES, LONGEST_LINE, NEEDED, Letters
from activation.spec import Field
from activation.spec_rules import causes
from activation.syncs import run_sync
from tests.activation.world import AS_OF, KEYS, KLAVIYO, world_at

TEXTS = st.text("aZß 19-.\n\u200b", max_size=LONGEST_LINE + 5)
ADA = {
    "reference": "h1",
    "salutation": "Frau",
    "title": "Dr.",
    "first_name": "Ada",
    "last_name": "Müller",
    "street": "Lange Straße 7a",
    "postal_code": "04109",
    "city": "Leipzig",
    "country_code": "DE",
    "motif": "spring",
    "voucher_code": "X7-9",
}
SPEC = replace(
    KLAVIYO,
    name="file_drop__postcards",
    relation="activation.sync_file_drop__postcards",
    destination="file_drop",
    surface="letters",
    target="postcards",
    key="reference",
    channel="post",
    max_removal_share=1.0,
    max_size_change=9.0,
    fields=tuple(Field(name, "varchar") for name in ADA),
)


def letter(number, **overrides):
    """Return a row of the sync's model: somebody in a house of their own."""
    whole = {"customer_id": f"c{number}", "contact_point_id": f"p{number}", **ADA}
    return {**whole, "reference": f"h{number}", "street": f"Lange Straße {number}", **overrides}


class TestAddress:
    """What is on the card, and what keeps a row from being one."""

    def test_lines_stand_in_the_order_of_din_5008(self):
        """Company, name, addition, street, place, country in capitals."""
        abroad = {
            **ADA, "company": "Muster KG", "address_addition": "c/o Roth", "postal_code": "1010",
            "city": "Wien", "country_code": "AT", "country_name": "Österreich",
        }  # fmt: skip
        read = Letters().read(abroad)

        assert [read[line] for line in LINES] == [
            "Muster KG", "Frau Dr. Ada Müller", "c/o Roth", "Lange Straße 7a", "1010 Wien",
            "ÖSTERREICH",
        ]  # fmt: skip
        assert [Letters().read(ADA)[line] for line in LINES][1:4] == [
            "Lange Straße 7a",
            "04109 Leipzig",
            "",
        ]

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"street": ""}, "address_incomplete"),
            ({"last_name": "  "}, "address_incomplete"),
            ({"reference": None}, "address_incomplete"),
            ({"postal_code": "4109"}, "postal_code_malformed"),
            ({"country_code": "AT"}, "postal_code_malformed"),
            ({"street": "77"}, "street_malformed"),
            ({"last_name": "M" * (LONGEST_LINE + 1)}, "line_too_long"),
            ({"city": "Leip\u200bzig"}, "not_printable"),
            ({"motif": "Diabetes Woche"}, "reveals"),
            ({"voucher_code": "SCHULDENFREI"}, "reveals"),
        ],
    )
    def test_a_row_that_cannot_be_a_card_is_named_by_its_reason(self, changes, code):
        """No half address is printed, and nothing the carrier must not read."""
        letters = Letters()

        assert letters.read({**ADA, **changes}) == code
        assert letters.left_out == {code: 1}

    @pytest.mark.parametrize("street", ["Lange Str. 7a", "LANGE STRASSE 7 A", "Lange  Straße 7a"])
    def test_one_household_gets_one_card(self, street):
        """However the address is written; another surname is another household."""
        letters = Letters()
        letters.read(ADA)

        assert letters.read({**ADA, "reference": "h2", "street": street}) == "same_household"
        assert isinstance(letters.read({**ADA, "reference": "h3", "last_name": "Roth"}), dict)

    @given(st.dictionaries(st.sampled_from(sorted(FIELDS)), st.none() | TEXTS))
    def test_whatever_comes_is_a_whole_card_or_a_reason(self, values):
        """No row is lost, and no card lacks a part."""
        letters = Letters()
        read = letters.read({**ADA, **values})

        assert isinstance(read, str) == (letters.left_out.total() == 1)
        if isinstance(read, dict):
            assert set(COLUMNS) <= set(read)
            assert all(read[name].strip() for name in NEEDED)
            assert all(len(read[line]) <= LONGEST_LINE for line in LINES)


@contextmanager
def postcards(tmp_path):
    """Open a world with the sync of postcards, and its settings."""
    with world_at(tmp_path / "w.duckdb", SPEC) as world:
        yield world, FileDropSettings(str(tmp_path / "outbox"))


def run(world, settings, rows):
    """Desire rows, all with a postal contact point and consent, and run the sync."""
    world.desire(rows)
    for row in rows:
        world.forget(row["contact_point_id"])
        world.connection.execute(
            "insert into contact.contact_points values (?, ?, 'postal_address', 'post', ?, true)",
            (row["contact_point_id"], row["customer_id"], f"DE|{row['street']}"),
        )
        world.add_consent(row["contact_point_id"], "marketing")
    options = {"as_of": AS_OF, "keys": KEYS}
    return run_sync(world.connection, world.spec, settings, **options)


def pack(tmp_path):
    """Return the cards' references and streets, and the manifest."""
    path = tmp_path / "outbox" / "postcards.csv"
    with path.open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    manifest = json.loads(path.with_name(path.name + ".manifest.json").read_text())
    assert manifest["rows"] == len(rows)
    assert tuple(manifest["columns"]) == COLUMNS
    return {row["reference"]: row["address_line_2"] for row in rows}, manifest


def test_the_pack_holds_whole_addresses_and_tells_what_it_left_out(tmp_path):
    """Rows that are no card are invalid in the ledger, with the reason; the rest is delivered."""
    with postcards(tmp_path) as (world, settings):
        rows = [letter(1), letter(2, city=""), letter(3, street="Lange Str. 1"), letter(4)]
        summary = run(world, settings, rows)
        codes = world.connection.execute(
            "select row_key, code from ledger.rejections order by row_key"
        )
        again = run(world, settings, rows)

    cards, manifest = pack(tmp_path)
    assert cards == {"h1": "Lange Straße 1", "h4": "Lange Straße 4"}
    assert manifest["left_out"] == {"address_incomplete": 1, "same_household": 1}
    assert (summary.delivered, summary.invalid, again.planned) == (2, 2, 0)
    assert codes == [("h2", "address_incomplete"), ("h3", "same_household")]


def test_who_objected_to_post_gets_no_card(tmp_path):
    """An entry of a Robinson list is an objection by post; one to e-mail is about e-mail."""
    with postcards(tmp_path) as (world, settings):
        for customer, scope in (("c2", "post"), ("c3", "email"), ("c4", "all")):
            world.connection.execute(
                "insert into privacy.suppressions (customer_id, scope, reason)"
                " values (?, ?, 'objected')",
                (customer, scope),
            )
        summary = run(world, settings, [letter(number) for number in range(1, 5)])

    assert set(pack(tmp_path)[0]) == {"h1", "h3"}
    assert summary.blocked_by_reason == {"objection": 2}


def test_an_address_that_was_lost_is_not_written_to_again(tmp_path):
    """Neither its new half nor the whole one of before is printed, whoever else changes."""
    with postcards(tmp_path) as (world, settings):
        run(world, settings, [letter(1), letter(2)])
        run(world, settings, [letter(1, street=""), letter(2)])
        run(world, settings, [letter(1, street=""), letter(2), letter(3)])

    assert set(pack(tmp_path)[0]) == {"h2", "h3"}


def test_the_letter_that_was_ordered_first_stays(tmp_path):
    """A newcomer of the same household does not take it over."""
    with postcards(tmp_path) as (world, settings):
        run(world, settings, [letter(5)])
        run(world, settings, [letter(5), letter(1, street="Lange Straße 5")])

    assert set(pack(tmp_path)[0]) == {"h5"}


@pytest.mark.parametrize(
    ("sync", "columns", "told"),
    [
        ({"channel": "email"}, {}, "is for another channel"),
        ({}, {"diagnosis": {"name": "diagnosis"}}, "has no place for column diagnosis"),
        ({}, {"street": None}, "needs column street"),
    ],
)
def test_what_cannot_be_a_postcard_is_told_offline(sync, columns, told):
    """`regulars check` names the channel, a column that must not be printed, and a missing one."""
    known = {name: {"name": name, "data_type": "varchar"} for name in ADA} | columns
    model = {
        "name": "sync_file_drop__postcards",
        "unique_id": "model.x",
        "columns": {name: column for name, column in known.items() if column},
        "depends_on": {"nodes": []},
    }
    wanted = {
        "destination": "file_drop", "surface": "letters", "target": "postcards",
        "key": "reference", "mode": "mirror", "purpose": "marketing", "channel": "post", **sync,
    }  # fmt: skip

    found = [cause for cause, _ in causes(wanted, model, {"nodes": {}})]

    assert any(told in cause for cause in found)
    assert not any("letters" in cause and told not in cause for cause in found)
