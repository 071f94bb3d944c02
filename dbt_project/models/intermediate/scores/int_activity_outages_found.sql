{#- The rule of docs/decisions/0018. -#}
{%- set share_told = 0.3 -%}
{%- set before = 'partition by activity_kind order by week_on rows between 8 preceding and 1 preceding' -%}

with

weeks as (

    select * from {{ ref('int_activity_weeks_filled') }}
    where activity_kind <> 'all'

),

totals as (

    select
        activity_kind,
        week_on,
        sum(count_activities) as count_activities
    from weeks
    group by activity_kind, week_on

),

compared as (

    select
        totals.*,
        avg(count_activities) over ({{ before }}) as usual_count
    from totals

),

kinds as (

    select
        activity_kind,
        week_on
    from compared
    where count_activities < {{ share_told }} * usual_count

),

-- All activity together is not told where one kind is missing.
found as (

    select
        activity_kind,
        week_on
    from kinds
    union
    select
        'all' as activity_kind,
        week_on
    from kinds

)

select * from found
