with

login_failures as (

    select * from {{ ref('int_login_failures_grouped') }}

),

usage_events as (

    select * from {{ ref('usage_events') }}
    where customer_id is not null
        and event_type = 'training_completed'

),

timed as (

    select
        login_failures.*,
        {{ slip_ends_at('failed_at') }} as lasting_at
    from login_failures

),

unioned as (

    select
        customer_id,
        'login_failed' as moment,
        usage_event_id as entry_key,
        failed_at as occurred_at,
        {{ later_of('lasting_at', 'known_at') }} as detected_at
    from timed
    where worked_at is null
        or worked_at > lasting_at
        or worked_known_at > {{ later_of('lasting_at', 'known_at') }}
    union all
    select
        customer_id,
        'training_completed' as moment,
        usage_event_id as entry_key,
        occurred_at,
        received_at as detected_at
    from usage_events

),

used as (

    select
        unioned.*,
        replace(entry_key, 'usage:', 'usage/events:') as evidence
    from unioned

)

select * from used
