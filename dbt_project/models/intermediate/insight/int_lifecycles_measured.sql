with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

customers as (

    select * from {{ ref('customers') }}
    where not is_test

),

purchase_rhythm as (

    select * from {{ ref('purchase_rhythm') }}

),

values_measured as (

    select * from {{ ref('int_customer_values_measured') }}

),

thresholds as (

    select * from {{ ref('lifecycle_thresholds') }}

),

engagements as (

    select * from {{ ref('int_engagements_dated') }}

),

loyalties as (

    select * from {{ ref('int_loyalties_dated') }}

),

states as (

    select
        customer_id,
        max(occasion_number) as last_occasion_number,
        max(case when stage_after = 'reactivated' then occasion_number end)
            as last_reactivation_number,
        max(case when is_active_entry then occurred_at end) as active_since
    from {{ ref('int_purchase_states_replayed') }}
    group by customer_id

),

measured as (

    select
        customers.customer_id,
        clock.as_of,
        coalesce(customers.email, customers.phone, customers.street) is not null
            as is_reachable,
        customers.first_seen_at,
        engagements.last_engaged_at,
        coalesce(purchase_rhythm.count_orders, 0) as count_orders,
        purchase_rhythm.first_ordered_at,
        purchase_rhythm.last_ordered_at,
        purchase_rhythm.elapsed_days,
        purchase_rhythm.expected_gap_days,
        purchase_rhythm.overdue_ratio,
        coalesce(states.last_reactivation_number = states.last_occasion_number, false)
            as is_reactivated,
        case
            when purchase_rhythm.count_orders = 2 then thresholds.w95_days
            else purchase_rhythm.expected_gap_days
        end as reactivation_days,
        states.active_since,
        loyalties.loyal_since,
        coalesce(
            values_measured.count_orders_365d >= thresholds.loyal_count_orders_365d
            and values_measured.margin_365d >= thresholds.loyal_margin_365d,
            false
        ) as is_frequent_and_valuable,
        values_measured.value_percentile,
        coalesce(values_measured.recent_margin >= thresholds.good_margin, false)
            as is_good,
        coalesce(
            values_measured.count_discounted_orders >= 1
            and values_measured.price_sensitivity >= thresholds.price_sensitivity,
            false
        ) as is_price_sensitive,
        thresholds.w2_days,
        thresholds.w95_days,
        thresholds.risk_ratio,
        thresholds.lapse_ratio
    from customers
    cross join clock
    cross join thresholds
    left join purchase_rhythm on purchase_rhythm.customer_id = customers.customer_id
    left join values_measured on values_measured.customer_id = customers.customer_id
    left join engagements on engagements.customer_id = customers.customer_id
    left join loyalties on loyalties.customer_id = customers.customer_id
    left join states on states.customer_id = customers.customer_id

)

select * from measured
