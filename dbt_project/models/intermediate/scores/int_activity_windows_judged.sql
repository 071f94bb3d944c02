{#- The rule of docs/decisions/0018. -#}
{%- set weeks_required = 12 -%}
{%- set usual_required = 4 -%}
{%- set share_left = 0.5 -%}
{%- set z_limit = -2.5 -%}
{%- set by_week = 'partition by customer_id, activity_kind order by week_on' -%}
{%- set now = by_week ~ ' rows between 3 preceding and current row' -%}
{%- set before = by_week ~ ' rows between 27 preceding and 4 preceding' -%}

with

weeks as (

    select * from {{ ref('int_activity_weeks_filled') }}

),

outages as (

    select * from {{ ref('int_activity_outages_found') }}

),

marked as (

    select
        weeks.*,
        case when outages.week_on is null then 0 else 1 end as is_outage
    from weeks
    left join outages
        on weeks.activity_kind = outages.activity_kind
            and weeks.week_on = outages.week_on

),

summed as (

    select
        customer_id,
        activity_kind,
        week_on,
        sum(count_activities) over ({{ now }}) as count_28d,
        sum(is_outage) over ({{ now }}) as count_outages,
        count(*) over ({{ before }}) as count_weeks,
        avg(cast(count_activities as {{ type_double() }})) over ({{ before }})
            as weekly_mean,
        avg(cast(count_activities * count_activities as {{ type_double() }}))
            over ({{ before }}) as weekly_mean_square
    from marked

),

usual as (

    select
        customer_id,
        activity_kind,
        week_on,
        count_28d,
        4 * weekly_mean as usual_28d,
        (weekly_mean_square - weekly_mean * weekly_mean)
        * count_weeks / (count_weeks - 1) / weekly_mean as dispersion
    from summed
    where count_weeks >= {{ weeks_required }}
        and 4 * weekly_mean >= {{ usual_required }}
        and count_outages = 0

),

-- Counts vary as their root: on the scale of roots chance alone has a standard deviation of 1,
-- and more where somebody comes in bursts.
scored as (

    select
        usual.*,
        2 * (sqrt(count_28d + 0.375) - sqrt(usual_28d + 0.375))
        / sqrt(case when dispersion > 1 then dispersion else 1 end) as z_score
    from usual

),

judged as (

    select
        scored.*,
        case
            when z_score <= {{ z_limit }} and count_28d <= {{ share_left }} * usual_28d
                then 1
            else 0
        end as is_low
    from scored

)

select * from judged
