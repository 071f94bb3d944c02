-- Seen from the clock, the features say what the core tables say: two ways, one answer.
with

current_features as (

    select
        *,
        {{ dbt.dateadd('day', -90, 'as_of') }} as starts_at
    from {{ ref('customer_features') }}
    where is_current

),

sessions_counted as (

    select
        current_features.customer_id,
        count(*) as count_sessions_90d
    from current_features
    inner join {{ ref('sessions') }} as sessions
        on
            sessions.customer_id = current_features.customer_id
            and sessions.started_at < current_features.as_of
            and sessions.started_at >= current_features.starts_at
    where not sessions.is_bot
    group by current_features.customer_id

)

select current_features.customer_id
from current_features
inner join {{ ref('customers') }} as customers
    on customers.customer_id = current_features.customer_id
left join sessions_counted
    on sessions_counted.customer_id = current_features.customer_id
where
    customers.last_ordered_at < current_features.as_of
    and (
        current_features.count_orders <> customers.count_orders
        or current_features.count_sessions_90d
        <> coalesce(sessions_counted.count_sessions_90d, 0)
    )
