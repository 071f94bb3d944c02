{#- An experiment that draws on more days than this is looked at week by week: features are
    computed once per moment. -#}
{%- set most_days = 10 -%}

with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

-- Who was in two arms says nothing about either.
assignments as (

    select * from {{ ref('experiment_assignments') }}
    where not is_contaminated

),

recent as (

    select
        assignments.*,
        {{ dbt.date_trunc('day', 'assignments.assigned_at') }} as assigned_day,
        {{ dbt.date_trunc('week', 'assignments.assigned_at') }} as assigned_week
    from assignments
    cross join clock
    where
        assignments.assigned_at < clock.as_of
        and assignments.assigned_at >= {{ dbt.dateadd(
            'day', '-' ~ var('experiment_memory_days'), 'clock.as_of'
        ) }}

),

counted as (

    select
        experiment,
        count(distinct assigned_day) as count_days
    from recent
    group by experiment

),

dated as (

    select
        recent.experiment,
        recent.customer_id,
        recent.variant,
        recent.is_control,
        recent.assigned_at,
        recent.contact_cost,
        cast(
            case
                when counted.count_days <= {{ most_days }} then recent.assigned_day
                else recent.assigned_week
            end as {{ dbt.type_timestamp() }}
        ) as as_of
    from recent
    inner join counted
        on recent.experiment = counted.experiment

)

select * from dated
