with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

int_purchase_limits_dated as (

    select * from {{ ref('int_purchase_limits_dated') }}
    where timeline_number = 0

),

months as (

    select * from {{ ref('int_season_months_dated') }}

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
        cast(last_purchases.risk_days as {{ type_double() }}) as risk_days,
        cast(last_purchases.lapse_days as {{ type_double() }}) as lapse_days,
        cast(
            {{ season_days_at('months', 'clock.as_of') }} - last_purchases.season_days
            as {{ type_double() }}
        ) as season_days,
        last_purchases.rhythm_reason = 'measured' as is_reliable,
        last_purchases.rhythm_reason
        || coalesce(
            ', mean gap of those who came with ' || last_purchases.rhythm_category, ''
        ) as reason
    from last_purchases
    inner join first_purchases
        on last_purchases.customer_id = first_purchases.customer_id
    cross join clock
    inner join months
        on last_purchases.rule_version = months.rule_version
            and {{ dbt.date_trunc('month', 'clock.as_of') }} = months.month_start

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
        season_days / expected_gap_days as overdue_ratio,
        risk_ratio,
        lapse_ratio,
        risk_days,
        lapse_days,
        is_reliable,
        reason
    from measured

)

select * from compared
