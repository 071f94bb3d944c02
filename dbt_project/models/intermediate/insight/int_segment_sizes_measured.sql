{#- A year, to compare with, and some. -#}
{%- set history_days = 400 -%}
{%- set back = '1 - cast(series.generated_number as ' ~ dbt.type_int() ~ ')' -%}
{%- set since_the_start = 'partition by segments.segment order by days.days_ago desc '
    ~ 'rows between unbounded preceding and current row' -%}

with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

segments as (

    select * from {{ ref('segments') }}

),

members as (

    select * from {{ ref('segment_members') }}
    where entered_at is not null

),

series as (

    {{ dbt.generate_series(history_days) }}

),

days as (

    select
        series.generated_number - 1 as days_ago,
        {{ dbt.dateadd('day', back, to_local_date('clock.as_of')) }} as size_date,
        {{ dbt.dateadd('day', back, 'clock.as_of') }} as measured_at
    from series
    cross join clock

),

moved as (

    select
        members.segment,
        {{ whole_days_ago('members.entered_at', history_days) }} as days_ago,
        1 as change
    from members
    cross join clock
    union all
    select
        members.segment,
        {{ whole_days_ago('members.left_at', history_days) }} as days_ago,
        -1 as change
    from members
    cross join clock
    where members.left_at is not null

),

summed as (

    select
        segment,
        days_ago,
        sum(change) as change,
        count(*) as count_moves
    from moved
    group by segment, days_ago

),

counted as (

    select
        segments.segment,
        segments.definition,
        days.days_ago,
        days.size_date,
        days.measured_at,
        coalesce(sum(summed.change) over ({{ since_the_start }}), 0) as size_then,
        sum(summed.count_moves) over ({{ since_the_start }}) as count_moves_so_far,
        segments.has_history,
        segments.count_members
    from segments
    cross join days
    left join summed
        on segments.segment = summed.segment
            and days.days_ago = summed.days_ago

),

measured as (

    select
        segment,
        cast(size_date as date) as size_date,
        measured_at,
        cast(
            case when days_ago = 0 then count_members else size_then end
            as {{ dbt.type_bigint() }}
        ) as count_members,
        days_ago = 0 as is_current,
        definition
    from counted
    where days_ago = 0
        or (has_history and count_moves_so_far > 0)

)

select * from measured
