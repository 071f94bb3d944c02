with

purchases as (

    select * from {{ ref('int_purchase_states_replayed') }}

),

feed as (

    select * from {{ ref('int_purchase_feeds_checked') }}

),

silences as (

    select
        customer_id,
        timeline_number,
        occurred_at as last_ordered_at,
        next_occurred_at,
        rule_version,
        {{ add_days('occurred_at', 'risk_days') }} as occurred_at,
        'at_risk' as stage,
        risk_days as days
    from purchases
    where risk_days < lapse_days
    union all
    select
        customer_id,
        timeline_number,
        occurred_at as last_ordered_at,
        next_occurred_at,
        rule_version,
        {{ add_days('occurred_at', 'lapse_days') }} as occurred_at,
        case
            when stage_after = 'new_customer' then 'one_time_lapsed'
            else 'lapsed'
        end as stage,
        lapse_days as days
    from purchases

),

-- Silence counts only as far as purchases are known, and until the next one.
dated as (

    select
        silences.customer_id,
        silences.timeline_number,
        silences.occurred_at,
        silences.stage,
        cast(silences.days as {{ type_double() }}) as days,
        silences.rule_version,
        silences.last_ordered_at
    from silences
    cross join feed
    where silences.occurred_at < feed.known_until
        and (
            silences.next_occurred_at is null
            or silences.occurred_at < silences.next_occurred_at
        )

)

select * from dated
