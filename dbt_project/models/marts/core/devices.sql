with

events as (

    select * from {{ ref('events') }}
    where anonymous_id is not null

),

held as (

    select * from {{ ref('int_devices_held') }}

),

summed as (

    select
        anonymous_id as device_id,
        min(case when platform = 'app' then 'app' else device_type end) as first_kind,
        max(case when platform = 'app' then 'app' else device_type end) as last_kind,
        {{ dbt.bool_or('is_bot') }} as is_bot,
        count(*) as count_events,
        max(case when has_analytics_consent then occurred_at end) as allowed_at,
        max(case when not has_analytics_consent then occurred_at end) as denied_at,
        min(occurred_at) as first_seen_at,
        max(occurred_at) as last_seen_at
    from events
    group by anonymous_id

),

-- Orders and push tokens know devices that sent no event.
joined as (

    select
        coalesce(summed.device_id, held.device_id) as device_id,
        case
            when held.is_recent and not held.is_contested then held.customer_id
        end as customer_id,
        case
            when summed.is_bot then 'bot'
            when summed.first_kind = summed.last_kind then summed.first_kind
            else 'unknown'
        end as kind,
        coalesce(held.count_customers, 0) as count_customers,
        coalesce(summed.count_events, 0) as count_events,
        coalesce(held.count_holders > 1, false) as is_shared,
        coalesce(held.is_kiosk, false) as is_kiosk,
        coalesce(
            summed.allowed_at > summed.denied_at,
            summed.allowed_at is not null
        ) as has_analytics_consent,
        case
            when held.first_seen_at < summed.first_seen_at then held.first_seen_at
            else coalesce(summed.first_seen_at, held.first_seen_at)
        end as first_seen_at,
        case
            when held.last_seen_at > summed.last_seen_at then held.last_seen_at
            else coalesce(summed.last_seen_at, held.last_seen_at)
        end as last_seen_at
    from summed
    full outer join held
        on summed.device_id = held.device_id

)

select * from joined
