{%- set shortest_outage_days = 3 -%}
{%- set longest_outage_days = 30 -%}

with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

purchases as (

    select * from {{ ref('int_purchases_validated') }}

),

days as (

    select
        source,
        cast(ordered_at as date) as ordered_date,
        max(ordered_at) as last_ordered_at
    from purchases
    group by source, cast(ordered_at as date)

),

spaced as (

    select
        days.*,
        {{ dbt.datediff(
            'lag(ordered_date) over (partition by source order by ordered_date)',
            'ordered_date',
            'day'
        ) }} as gap_days,
        max(last_ordered_at) over (partition by source) as newest_ordered_at
    from days

),

sources as (

    select
        source,
        newest_ordered_at,
        coalesce(max(gap_days), 1) as longest_gap_days
    from spaced
    where last_ordered_at >= {{ dbt.dateadd('day', -365, 'newest_ordered_at') }}
    group by source, newest_ordered_at

),

judged as (

    select
        clock.as_of,
        sources.source,
        sources.newest_ordered_at,
        coalesce(
            {{ elapsed_days('sources.newest_ordered_at', 'clock.as_of') }}
            > {{ shortest_outage_days }}
            and {{ elapsed_days('sources.newest_ordered_at', 'clock.as_of') }}
            > 2 * sources.longest_gap_days
            and {{ elapsed_days('sources.newest_ordered_at', 'clock.as_of') }}
            <= {{ longest_outage_days }},
            false
        ) as is_stale
    from clock
    left join sources
        on true

),

checked as (

    select
        as_of,
        min(case when is_stale then newest_ordered_at else as_of end) as known_until,
        min(case when is_stale then source end) as stale_source,
        {{ dbt.bool_or('is_stale') }} as is_held
    from judged
    group by as_of

)

select * from checked
