with

int_lifecycles_staged as (

    select * from {{ ref('int_lifecycles_staged') }}

),

phased as (

    select
        *,
        stage = 'lapsed' and is_good as is_former_good,
        case
            when stage = 'lapsed' and is_good then 'former_good'
            when stage = 'loyal' then 'loyal'
            when
                stage in ('new_customer', 'active', 'reactivated')
                and is_good
                and is_price_sensitive
                then 'promising_price_sensitive'
            when stage in ('new_customer', 'active', 'reactivated', 'at_risk')
                then 'retain'
            when stage in ('visitor', 'lead') then 'activate'
            else 'dormant'
        end as phase
    from int_lifecycles_staged

),

explained as (

    select
        *,
        {{ as_text('elapsed_days') }} as elapsed_text,
        {{ as_text('risk_days') }} as risk_text,
        {{ as_text('lapse_days') }} as lapse_text,
        case
            when is_held and last_ordered_at is not null
                then {{ dbt.concat(["'; no news from '", 'stale_source']) }}
            else ''
        end as held_text,
        case
            when stage = 'at_risk' and elapsed_days < risk_days
                then 'less than half as active as usual; '
            else ''
        end as decline_text
    from phased

),

described as (

    select
        *,
        case
            when stage = 'visitor' then 'no contact point and no purchase'
            when stage = 'lead'
                then {{ dbt.concat(["'known, no purchase yet: '", 'substage']) }}
            when stage = 'new_customer'
                then {{ dbt.concat([
                    "'one purchase '", 'elapsed_text', "' days ago; nudge after '",
                    as_text('w2_days'), "', lapsed after '", 'lapse_text', 'held_text',
                ]) }}
            when stage = 'one_time_lapsed'
                then {{ dbt.concat([
                    "'one purchase '", 'elapsed_text', "' days ago; lapsed after '",
                    'lapse_text', 'held_text',
                ]) }}
            when risk_days is null
                then {{ dbt.concat([
                    "'bought again after a lapse '", 'elapsed_text',
                    "' days ago; lapsed again after '", 'lapse_text', 'held_text',
                ]) }}
            else {{ dbt.concat([
                'decline_text', "'last purchase '", 'elapsed_text', "' days ago, usually one every '",
                as_text('expected_gap_days'), "'; at risk after '", 'risk_text',
                "', lapsed after '", 'lapse_text', 'held_text',
            ]) }}
        end as reason
    from explained

),

typed as (

    select
        customer_id,
        as_of,
        stage,
        substage,
        phase,
        reason,
        rule_version,
        entered_at,
        is_held and last_ordered_at is not null as is_held,
        cast(
            {{ dbt.datediff('last_ordered_at', 'as_of', 'day') }}
            as {{ dbt.type_bigint() }}
        ) as days_since_last_order,
        cast(expected_gap_days as {{ type_double() }}) as expected_gap_days,
        cast(overdue_ratio as {{ type_double() }}) as overdue_ratio,
        cast(value_percentile as {{ type_double() }}) as value_percentile,
        is_price_sensitive,
        is_former_good
    from described

)

select * from typed
