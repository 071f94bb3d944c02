"""Tests that whoever joins what is equal finds the people and their behaviour again."""

import numpy as np
import pytest

AS_OF = "timestamp '2026-11-01'"

IDENTIFIERS = """
create or replace temporary table identifiers as
with typed as (
    select 'orders' as silo, order_id as record, email, phone, country_code,
        customer_id as number, device_id as device
    from shop__orders where not is_test
    union all
    select 'customers', customer_id, email, phone, country_code, customer_id, null
    from shop__customers where not is_test
    union all
    select 'loyalty_cards', loyalty_card_id, email, phone, country_code, loyalty_card_id, null
    from store__loyalty_cards
    union all
    select 'receipts', receipt_id, null, null, null, loyalty_card_id, null from store__receipts
    where loyalty_card_id is not null and not is_test
    union all
    select 'contacts', contact_id, email, phone, country_code, null, null from crm__contacts),
cleaned as (
    select silo, record, number, device, nullif(lower(trim(email)), '') as email,
        regexp_replace(regexp_replace(phone, '[ /]', '', 'g'), '^00', '+') as phone,
        case country_code when 'AT' then '+43' when 'CH' then '+41' else '+49' end as code
    from typed)
select silo, record, 'email' as kind, email as value from cleaned
where email not like '%@shop.example' and email not like '%@angabe.example'
union all
select silo, record, 'phone', regexp_replace(phone, '^0', code) from cleaned where phone is not null
union all
select silo, record, 'number', number from cleaned where number is not null
union all
select silo, record, 'device', device from cleaned where device is not null
"""

OCCASIONS = """
create or replace temporary table occasions as
with refunds as (
    select order_id, sum(refunded) as refunded from (
        select order_id, line_number, max(refunded_amount) as refunded
        from shop__order_items group by order_id, line_number)
    group by order_id),
orders as (
    select order_id, any_value(ordered_at) as bought_at, any_value(net_amount) as net,
        arg_max(status, updated_at) as status
    from shop__orders where not is_test group by order_id),
purchases as (
    select customer, bought_at from orders inner join refunds using (order_id)
    inner join people on silo = 'orders' and record = order_id
    where status = 'paid' and net > 0 and refunded < net
    union
    select customer, timezone('UTC', timezone('Europe/Berlin', sold_at)) from store__receipts
    inner join people on silo = 'receipts' and record = receipt_id),
spaced as (
    select *, lag(bought_at) over (partition by customer order by bought_at) as before
    from purchases)
select customer, bought_at from spaced
where before is null or bought_at > before + interval 30 minutes
"""


def resolved(shop) -> None:
    """Join records that share any identifier, the plainest identity resolution there is."""
    shop.warehouse.execute(IDENTIFIERS)
    edges = shop.warehouse.execute(
        """select dense_rank() over (order by silo, record) - 1 as record,
            dense_rank() over (order by kind, value) - 1 as value from identifiers"""
    ).fetchnumpy()
    label = np.arange(edges["record"].max() + 1)
    while True:
        best = np.full(edges["value"].max() + 1, len(label))
        np.minimum.at(best, edges["value"], label[edges["record"]])
        joined = label.copy()
        np.minimum.at(joined, edges["record"], best[edges["value"]])
        joined = joined[joined]
        if (joined == label).all():
            break
        label = joined
    shop.warehouse.execute(
        """create or replace temporary table people as
        select silo, record, dense_rank() over (order by silo, record) - 1 as position
        from (select distinct silo, record from identifiers)"""
    )
    shop.warehouse.register("labels", {"position": np.arange(len(label)), "customer": label})
    shop.warehouse.execute(
        """create or replace temporary table people as
        select silo, record, labels.customer from people inner join labels using (position)"""
    )
    shop.warehouse.execute(OCCASIONS)


def test_plain_resolution_finds_the_behaviour_again(demo):
    """Joining what is equal recovers the shares that the world promises, within two points."""
    resolved(demo)
    second = demo.rows(
        f"""with gaps as (
            select customer, bought_at, min(bought_at) over (partition by customer) as first_at,
                row_number() over (partition by customer order by bought_at) as number
            from occasions)
        select avg(cast(bought_at - first_at <= interval 10 days as int)) from gaps
        where number = 2 and first_at <= {AS_OF} - interval 365 days
            and bought_at <= first_at + interval 365 days"""
    )[0][0]
    years = demo.rows(
        f"""with ages as (
            select customer, min(bought_at) over (partition by customer) as first_at,
                date_diff('day', first_at, bought_at) // 365 as age from occasions),
        active as (
            select customer, any_value(first_at) as first_at, bool_or(age = 1) as second_year,
                bool_or(age = 2) as third_year from ages group by customer)
        select avg(cast(second_year as int)) filter (first_at <= {AS_OF} - interval 730 days),
            avg(cast(third_year as int)) filter (
                second_year and first_at <= {AS_OF} - interval 1095 days)
        from active"""
    )[0]

    assert second == pytest.approx(0.846, abs=0.02)
    assert years[0] == pytest.approx(0.25, abs=0.02)
    assert years[1] == pytest.approx(0.90, abs=0.02)


def test_plain_resolution_loses_few_people(demo):
    """Joining what is equal keeps nearly all records of a person together, and merges few."""
    resolved(demo)
    query = """
        with sized as (
            select customer, person_id, count(*) as n from people
            inner join truth__record_link on table_name = silo and record_key = record
            where person_id is not null group by customer, person_id),
        pairs as (select sum(n * (n - 1)) as right_ones from sized),
        merged as (select sum(n * (n - 1)) as found from (
            select sum(n) as n from sized group by customer)),
        true_ones as (select sum(n * (n - 1)) as wanted from (
            select sum(n) as n from sized group by person_id))
        select right_ones / found, right_ones / wanted from pairs, merged, true_ones"""
    precision, recall = demo.rows(query)[0]

    assert precision > 0.98
    assert recall > 0.97
