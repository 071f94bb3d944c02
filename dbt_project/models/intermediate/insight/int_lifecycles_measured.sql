with

feed as (

    select * from {{ ref('int_purchase_feeds_checked') }}

),

customers as (

    select * from {{ ref('customers') }}
    where not is_test

),

transitions as (

    select * from {{ ref('int_lifecycle_transitions_replayed') }}
    where left_at is null

),

purchase_rhythm as (

    select * from {{ ref('purchase_rhythm') }}

),

last_purchases as (

    select * from {{ ref('int_purchase_states_replayed') }}
    where timeline_number = 0
        and next_occurred_at is null

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

measured as (

    select
        customers.customer_id,
        feed.as_of,
        feed.is_held,
        feed.stale_source,
        transitions.to_stage as stage,
        transitions.occurred_at as entered_at,
        transitions.rule_version,
        {{ elapsed_days('customers.first_seen_at', 'feed.as_of') }} as days_known,
        {{ elapsed_days('engagements.last_engaged_at', 'feed.as_of') }}
            as days_since_engaged,
        purchase_rhythm.last_ordered_at,
        purchase_rhythm.elapsed_days,
        purchase_rhythm.overdue_ratio,
        last_purchases.expected_gap_days,
        last_purchases.risk_days,
        last_purchases.lapse_days,
        values_measured.value_percentile,
        coalesce(values_measured.recent_margin >= thresholds.good_margin, false)
            as is_good,
        coalesce(
            values_measured.has_reacted_to_prices
            and values_measured.price_sensitivity >= thresholds.price_sensitivity,
            false
        ) as is_price_sensitive,
        thresholds.w2_days
    from customers
    inner join transitions on customers.customer_id = transitions.customer_id
    cross join feed
    cross join thresholds
    left join purchase_rhythm on customers.customer_id = purchase_rhythm.customer_id
    left join last_purchases on customers.customer_id = last_purchases.customer_id
    left join values_measured on customers.customer_id = values_measured.customer_id
    left join engagements on customers.customer_id = engagements.customer_id

)

select * from measured
