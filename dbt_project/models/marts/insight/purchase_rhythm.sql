with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

int_purchase_limits_dated as (

    select * from {{ ref('int_purchase_limits_dated') }}
    where timeline_number = 0

),

first_purchases as (

    select * from int_purchase_limits_dated
    where occasion_number = 1

),

last_purchases as (

    select * from int_purchase_limits_dated
    where next_occurred_at is null

),

measured as (

    select
        last_purchases.customer_id,
        clock.as_of,
        first_purchases.occurred_at as first_ordered_at,
        last_purchases.occurred_at as last_ordered_at,
        cast(last_purchases.occasion_number as {{ dbt.type_bigint() }})
            as count_orders,
        cast(last_purchases.count_later_gaps as {{ dbt.type_bigint() }})
            as count_later_gaps,
        cast(last_purchases.expected_gap_days as {{ type_double() }})
            as expected_gap_days,
        cast(
            {{ elapsed_days('last_purchases.occurred_at', 'clock.as_of') }}
            as {{ type_double() }}
        ) as elapsed_days,
        cast(last_purchases.risk_ratio as {{ type_double() }}) as risk_ratio,
        cast(last_purchases.lapse_ratio as {{ type_double() }}) as lapse_ratio,
        last_purchases.rhythm_reason = 'measured' as is_reliable,
        last_purchases.rhythm_reason
        || coalesce(
            ', mean gap of those who came with ' || last_purchases.rhythm_category, ''
        ) as reason
    from last_purchases
    inner join first_purchases
        on last_purchases.customer_id = first_purchases.customer_id
    cross join clock

),

compared as (

    select
        customer_id,
        as_of,
        first_ordered_at,
        last_ordered_at,
        count_orders,
        count_later_gaps,
        expected_gap_days,
        elapsed_days,
        elapsed_days / expected_gap_days as overdue_ratio,
        risk_ratio,
        lapse_ratio,
        is_reliable,
        reason
    from measured

)

select * from compared
