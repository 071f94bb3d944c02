-- Sessions count every event of a device exactly once, and none outlasts its own events.
with

sessions as (

    select
        coalesce(sum(count_events), 0) as count_events,
        count(case when ended_at < started_at then 1 end) as count_reversed
    from {{ ref('sessions') }}

),

events as (

    select count(*) as count_events
    from {{ ref('events') }}
    where anonymous_id is not null

)

select
    sessions.count_events as count_session_events,
    events.count_events
from sessions
cross join events
where sessions.count_events <> events.count_events
    or sessions.count_reversed > 0
