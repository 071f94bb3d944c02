with

usage_events as (

    select * from {{ ref('usage_events') }}
    where customer_id is not null
        and event_type in ('login', 'login_failed')

),

-- Failures between the same two logins that worked are one trouble.
numbered as (

    select
        usage_events.*,
        sum(case when event_type = 'login' then 1 else 0 end) over (
            partition by customer_id order by occurred_at, usage_event_id
            rows between unbounded preceding and current row
        ) as count_logins
    from usage_events

),

failures as (

    select
        numbered.*,
        row_number() over (
            partition by customer_id, count_logins order by occurred_at, usage_event_id
        ) as failure_number,
        min(received_at) over (partition by customer_id, count_logins) as known_at
    from numbered
    where event_type = 'login_failed'

),

grouped as (

    select
        failures.usage_event_id,
        failures.customer_id,
        failures.occurred_at as failed_at,
        failures.known_at,
        logins.occurred_at as worked_at,
        logins.received_at as worked_known_at
    from failures
    left join numbered as logins
        on failures.customer_id = logins.customer_id
            and failures.count_logins + 1 = logins.count_logins
            and logins.event_type = 'login'
    where failures.failure_number = 1

)

select * from grouped
