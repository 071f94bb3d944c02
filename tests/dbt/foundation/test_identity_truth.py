"""The customers that dbt puts together are the persons that the simulated shop is made of."""

import pytest

pytestmark = pytest.mark.slow

SEEDS = (1, 2)

# Every record of a person, and the customer it was given to. Devices of passers-by stay out:
# nothing that landed could tell whose they are. What is known by its postal address alone is
# linked by another step, and judged with it.
LINKS = """
    with resolved as (
        select source, source_record_key, customer_id from intermediate.int_customers_resolved
        where not (source = 'push')
        union all
        select 'store', 'receipts:' || source_order_id, customer_id from core.orders
        where source = 'store' and customer_id is not null
        union all
        select 'push', 'tokens:' || address, customer_id from contact.contact_points
        where identifier_type = 'push_token' and customer_id is not null
    ),
    links as (
        select
            link.source, link.table_name, link.record_key, link.person_id,
            resolved.customer_id
        from read_parquet('{truth}/record_link/**/*.parquet') as link
        left join resolved
            on resolved.source = link.source
            and resolved.source_record_key = link.table_name || ':' || link.record_key
        where link.is_identifiable and link.person_id is not null and link.source <> 'web'
            and not link.is_postal_only
    )
"""
PAIRS = (
    LINKS
    + """,
    cells as (
        select
            person_id,
            coalesce(customer_id, source || table_name || record_key) as customer_id,
            count(*) as records
        from links group by all
    ),
    pairs as (
        select
            (select sum(records * (records - 1)) from cells) as matched,
            (select sum(n * (n - 1)) from (
                select sum(records) as n from cells group by customer_id
            )) as same_customer,
            (select sum(n * (n - 1)) from (
                select sum(records) as n from cells group by person_id
            )) as same_person
    )
    select matched / same_customer, matched / same_person from pairs
"""
)
# For every record: of the records with its customer, the share of its person, and of the records of
# its person, the share with its customer; both on average.
B_CUBED = (
    LINKS
    + """,
    cells as (
        select
            person_id,
            coalesce(customer_id, source || table_name || record_key) as customer_id,
            count(*) as records
        from links group by all
    ),
    counted as (
        select
            records,
            sum(records) over (partition by customer_id) as of_customer,
            sum(records) over (partition by person_id) as of_person
        from cells
    )
    select
        sum(records * records / of_customer) / sum(records),
        sum(records * records / of_person) / sum(records)
    from counted
"""
)
# Records that bear a name of their own: no shared mailbox excuses a mix-up of these.
MIXED_UP = (
    LINKS
    + """,
    named as (
        select distinct person_id, customer_id from links
        where table_name in ('customers', 'orders', 'contacts', 'loyalty_cards')
    )
    select negative.reason, count(*)
    from read_parquet('{truth}/hard_negatives/**/*.parquet') as negative
    inner join named as a on a.person_id = negative.person_a
    inner join named as b on b.person_id = negative.person_b and b.customer_id = a.customer_id
    where negative.reason <> 'shared e-mail'
    group by all
"""
)


@pytest.fixture(scope="module", params=SEEDS)
def shop(request, make_shop):
    """A small shop with all the mess of a large one, built up to its customers."""
    made = make_shop("tiny", request.param)
    made.build("+customers", "+orders")
    return made


def test_records_of_one_customer_are_of_one_person(shop):
    """Of all pairs of records put together, hardly one is of two persons, and few are missed."""
    precision, recall = shop.query(PAIRS)[0]

    assert precision >= 0.985
    assert recall >= 0.96


def test_every_record_is_among_its_own(shop):
    """B-cubed: what a record's customer and its person have in common, seen from every record."""
    precision, recall = shop.query(B_CUBED)[0]

    assert 2 * precision * recall / (precision + recall) >= 0.97


def test_people_who_look_alike_stay_apart(shop):
    """Couples, namesakes at one address, twins and users of one device are not mixed up."""
    assert shop.query(MIXED_UP) == []


def test_there_are_about_as_many_customers_as_persons(shop):
    """A shop that counts a person twice thinks that half its customers never came back."""
    counted = LINKS + "select count(distinct person_id), count(distinct customer_id) from links"
    persons, customers = shop.query(counted)[0]

    assert 0.97 <= customers / persons <= 1.06
