"""Records that only a postal address tells of find their person, from landed files to links."""

from datetime import datetime

import pyarrow as pa
import pytest

from ml.models.identity_links import LinkOutcome, link

SEEDS = (1, 2)
RECORDS = "select * from intermediate.int_postal_records_chosen"
# Who each record belongs to; a placeholder instead of an address tells as little as none.
PERSONS = """
    select source, table_name || ':' || record_key, person_id, is_postal_only
    from read_parquet('{truth}/record_link/**/*.parquet')
    where source in ('crm', 'shop', 'store') and person_id is not null
"""


@pytest.fixture(scope="module", params=SEEDS)
def shop(request, make_shop):
    """A small shop whose call centre knows many by their postal address alone."""
    made = make_shop("tiny", request.param, "contact_share=0.5", "postal_contact_share=0.8")
    made.build("+int_postal_records_chosen")
    return made


@pytest.fixture(scope="module")
def persons(shop):
    """The person of every record that has a name and an address."""
    found = {(source, key): (person, postal) for source, key, person, postal in shop.query(PERSONS)}
    return {record[:2]: found[record[:2]] for record in shop.query(RECORDS) if record[:2] in found}


@pytest.fixture(scope="module")
def outcome(shop) -> LinkOutcome:
    """What the model makes of the records."""
    names = [row[0] for row in shop.query(f"describe {RECORDS}")]
    rows = [dict(zip(names, row, strict=True)) for row in shop.query(RECORDS)]
    return link(pa.Table.from_pylist(rows), scored_at=datetime(2026, 11, 1))


def decided(outcome: LinkOutcome, decision: str) -> list[tuple]:
    """Return both records of the pairs with a decision."""
    return [
        (
            (row["source_a"], row["source_record_key_a"]),
            (row["source_b"], row["source_record_key_b"]),
        )
        for row in outcome.edges.to_pylist()
        if row["decision"] == decision
    ]


def test_whoever_is_known_by_post_alone_is_linkable(shop, persons):
    """Linkable are the records that the truth says leave nothing else, and hardly any other."""
    linkable = {record[:2] for record in shop.query(f"{RECORDS} where is_linkable")}
    postal = {record for record, (_, is_postal) in persons.items() if is_postal}

    assert postal <= linkable
    assert len(linkable - postal) < 0.03 * len(linkable)


def test_links_are_of_one_person(outcome, persons):
    """Families and namesakes at one address do not get each other's records."""
    links = decided(outcome, "link")
    right = sum(persons[a][0] == persons[b][0] for a, b in links)

    assert right / len(links) >= 0.97
    assert right / len(links) >= outcome.expected_precision - 0.01


def test_most_records_find_their_person(outcome, persons):
    """Of the linkable records whose person has another record, nearly all get a link."""
    homes: dict[str, int] = {}
    for person, _ in persons.values():
        homes[person] = homes.get(person, 0) + 1
    wanted = {
        record for record, (person, is_postal) in persons.items() if is_postal and homes[person] > 1
    }
    linked = {record for pair in decided(outcome, "link") for record in pair}

    assert len(wanted & linked) / len(wanted) >= 0.93


def test_vetoes_are_right(outcome, persons):
    """What is kept apart for its given name is not one person."""
    vetoed = decided(outcome, "vetoed")

    assert len(vetoed) > 50
    assert sum(persons[a][0] == persons[b][0] for a, b in vetoed) <= 0.01 * len(vetoed)
