{#- The rule of docs/decisions/0018. -#}
{%- set weeks_in_a_row = 3 -%}
{%- set by_week = 'partition by customer_id, activity_kind order by week_on' -%}

with

judged as (

    select * from {{ ref('int_activity_windows_judged') }}

),

-- Weeks that could not be judged are missing here, so a row of weeks has to be one in time, too.
counted as (

    select
        judged.*,
        sum(is_low) over (
            {{ by_week }}
            rows between {{ weeks_in_a_row - 1 }} preceding and current row
        ) as count_low,
        lag(week_on, {{ weeks_in_a_row - 1 }}) over ({{ by_week }}) as first_week_on
    from judged

),

marked as (

    select
        counted.*,
        case
            when count_low = {{ weeks_in_a_row }}
                and {{ dbt.datediff('first_week_on', 'week_on', 'day') }}
                = {{ 7 * (weeks_in_a_row - 1) }}
                then 1
            else 0
        end as is_declining
    from counted

),

began as (

    select
        marked.*,
        coalesce(lag(is_declining) over ({{ by_week }}), 0) as was_declining
    from marked

),

found as (

    select
        customer_id,
        activity_kind,
        cast({{ dbt.dateadd('day', 7, 'week_on') }} as date) as flagged_on,
        usual_28d,
        count_28d,
        z_score
    from began
    where is_declining = 1
        and was_declining = 0

)

select * from found
