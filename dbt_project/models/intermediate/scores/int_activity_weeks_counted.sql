{#- How often the same counts on one day, and how old news may be to count. -#}
{%- set daily_cap = 3 -%}
{%- set days_late = 7 -%}

with

clock as (

    select
        cast({{ dbt.date_trunc('week', to_local_date('as_of')) }} as date) as this_week
    from {{ ref('stg_landing__clock') }}

),

-- What a login tells of months before says nothing about the week in which it came.
activities as (

    select * from {{ ref('int_activities_dated') }}
    where activity_kind in ('service', 'visits', 'purchases')
        and {{ dbt.datediff('occurred_on', 'known_on', 'day') }} <= {{ days_late }}

),

typed as (

    select
        customer_id,
        activity_kind,
        activity_type,
        known_on,
        case
            when sum(count_activities) > {{ daily_cap }} then {{ daily_cap }}
            else sum(count_activities)
        end as count_capped
    from activities
    group by customer_id, activity_kind, activity_type, known_on

),

capped as (

    select
        customer_id,
        activity_kind,
        known_on,
        case when activity_kind = 'visits' then 1 else sum(count_capped) end
            as count_activities
    from typed
    group by customer_id, activity_kind, known_on

),

kinds as (

    select * from capped
    where activity_kind <> 'purchases'
    union all
    select
        customer_id,
        'all' as activity_kind,
        known_on,
        count_activities
    from capped

),

weeks as (

    select
        kinds.customer_id,
        kinds.activity_kind,
        cast({{ dbt.date_trunc('week', 'kinds.known_on') }} as date) as week_on,
        sum(kinds.count_activities) as count_activities
    from kinds
    cross join clock
    where kinds.known_on < clock.this_week
    group by
        kinds.customer_id,
        kinds.activity_kind,
        cast({{ dbt.date_trunc('week', 'kinds.known_on') }} as date)

)

select * from weeks
