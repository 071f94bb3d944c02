with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

events as (

    select * from {{ ref('stg_usage__events') }}

),

accounts as (

    select * from {{ ref('int_accounts_resolved') }}

),

final as (

    select
        concat('usage:', events.usage_event_id) as usage_event_id,
        accounts.customer_id,
        case
            when events.billing_contract_id is not null
                then concat('billing:', events.billing_contract_id)
        end as contract_id,
        events.event_type,
        events.feature,
        {{ known_time('events.occurred_at', 'clock.as_of') }} as occurred_at,
        {{ known_time('events.received_at', 'clock.as_of') }} as received_at
    from events
    cross join clock
    left join accounts
        on events.shop_customer_id = accounts.shop_customer_id
    where not {{ is_future('events.occurred_at', 'clock.as_of') }}

)

select * from final
