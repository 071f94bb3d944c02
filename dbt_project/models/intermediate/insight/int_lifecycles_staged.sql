with

int_lifecycles_measured as (

    select * from {{ ref('int_lifecycles_measured') }}

),

aged as (

    select
        *,
        {{ elapsed_days('first_seen_at', 'as_of') }} as days_known,
        {{ elapsed_days('last_engaged_at', 'as_of') }} as days_since_engaged
    from int_lifecycles_measured

),

-- The first stage that fits, from nothing bought to bought as usual.
staged as (

    select
        *,
        case
            when count_orders = 0 and not is_reachable then 'visitor'
            when count_orders = 0 then 'lead'
            when count_orders = 1 and elapsed_days <= w95_days then 'new_customer'
            when count_orders = 1 then 'one_time_lapsed'
            when is_reactivated and elapsed_days <= reactivation_days then 'reactivated'
            when is_reactivated or overdue_ratio > lapse_ratio then 'lapsed'
            when overdue_ratio > risk_ratio then 'at_risk'
            when is_frequent_and_valuable then 'loyal'
            else 'active'
        end as stage
    from aged

),

substaged as (

    select
        *,
        case
            when stage = 'new_customer' and elapsed_days <= w2_days then 'in_window'
            when stage = 'new_customer' then 'second_chance'
            when stage <> 'lead' then null
            when days_known <= 90 then 'new'
            when days_since_engaged <= 90 then 'active'
            when days_known <= 180 or days_since_engaged <= 180 then 'cold'
            else 'inactive'
        end as substage
    from staged

),

entered as (

    select
        customer_id,
        as_of,
        stage,
        substage,
        last_ordered_at,
        elapsed_days,
        expected_gap_days,
        overdue_ratio,
        is_reactivated,
        reactivation_days,
        value_percentile,
        is_good,
        is_price_sensitive,
        w2_days,
        w95_days,
        risk_ratio,
        lapse_ratio,
        case
            when stage in ('visitor', 'lead') then first_seen_at
            when stage = 'new_customer' then first_ordered_at
            when stage = 'one_time_lapsed'
                then {{ add_days('first_ordered_at', 'w95_days') }}
            when stage = 'reactivated' then last_ordered_at
            when stage = 'lapsed' and is_reactivated
                then {{ add_days('last_ordered_at', 'reactivation_days') }}
            when stage = 'lapsed'
                then {{ add_days(
                    'last_ordered_at', 'expected_gap_days * lapse_ratio'
                ) }}
            when stage = 'at_risk'
                then {{ add_days('last_ordered_at', 'expected_gap_days * risk_ratio') }}
            when stage = 'loyal' and loyal_since > active_since then loyal_since
            else active_since
        end as entered_at
    from substaged

)

select * from entered
