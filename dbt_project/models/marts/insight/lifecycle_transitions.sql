with

transitions as (

    select * from {{ ref('int_lifecycle_transitions_replayed') }}

),

explained as (

    select
        *,
        {{ as_text('days') }} as days_text
    from transitions

),

final as (

    select
        customer_id,
        cast(transition_number as {{ dbt.type_bigint() }}) as transition_number,
        from_stage,
        to_stage,
        occurred_at,
        left_at,
        case
            when correction is not null then correction
            when to_stage = 'visitor' then 'first seen, without a contact point'
            when to_stage = 'lead' then 'first known'
            when to_stage = 'new_customer' then 'first purchase'
            when to_stage = 'reactivated' then 'bought again after a lapse'
            when from_stage = 'at_risk' and to_stage in ('active', 'loyal')
                and occurred_at > last_ordered_at
                then 'as active again as usual'
            when to_stage = 'loyal'
                then 'bought as much in 12 months as the best quarter of repeaters'
            when to_stage = 'active' and from_stage = 'loyal'
                then 'bought less in 12 months than a loyal customer'
            when to_stage = 'active' then 'bought again'
            when to_stage = 'at_risk' and days is null
                then 'less than half as active as usual'
            when to_stage = 'at_risk'
                then {{ dbt.concat([
                    "'no purchase for '", 'days_text', "' days, longer than nine in ten wait'"
                ]) }}
            else {{ dbt.concat(["'no purchase for '", 'days_text', "' days'"]) }}
        end as reason,
        rule_version,
        last_ordered_at
    from explained

)

select * from final
