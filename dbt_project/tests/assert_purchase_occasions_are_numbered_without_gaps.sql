-- A customer's occasions run 1, 2, 3 … in time.
with

compared as (

    select
        customer_id,
        occasion_number,
        row_number() over (
            partition by customer_id order by occurred_at, occasion_number
        ) as expected_number
    from {{ ref('int_purchase_occasions') }}

)

select
    customer_id,
    occasion_number,
    expected_number
from compared
where occasion_number <> expected_number
