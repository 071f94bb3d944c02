{%- set so_far = 'partition by customer_id, timeline_number order by occurred_at '
    ~ 'rows between unbounded preceding and current row' -%}
{%- set same_stage = 'partition by customer_id, timeline_number, stage_number' -%}
{%- set same_loyalty = 'partition by customer_id, timeline_number, loyalty_number' -%}
{%- set same_decline = 'partition by customer_id, timeline_number, decline_number' -%}

with

moments as (

    select * from {{ ref('int_lifecycle_moments_gathered') }}

),

numbered as (

    select
        moments.*,
        count(stage) over ({{ so_far }}) as stage_number,
        count(is_loyal) over ({{ so_far }}) as loyalty_number,
        count(is_declining) over ({{ so_far }}) as decline_number,
        lead(occurred_at) over (
            partition by customer_id, timeline_number order by occurred_at
        ) as next_occurred_at
    from moments

),

-- What a moment does not change stays as the last one left it.
carried as (

    select
        customer_id,
        timeline_number,
        occurred_at,
        next_occurred_at,
        days,
        max(stage) over ({{ same_stage }}) as purchase_stage,
        max(rule_version) over ({{ same_stage }}) as rule_version,
        max(last_ordered_at) over ({{ same_stage }}) as last_ordered_at,
        max(is_loyal) over ({{ same_loyalty }}) as is_loyal,
        max(is_declining) over ({{ same_decline }}) as is_declining
    from numbered

),

replayed as (

    select
        customer_id,
        timeline_number,
        occurred_at,
        next_occurred_at,
        case
            when purchase_stage = 'active' and is_declining = 1 then 'at_risk'
            when purchase_stage = 'active' and is_loyal = 1 then 'loyal'
            else purchase_stage
        end as stage,
        days,
        rule_version,
        last_ordered_at
    from carried

)

select * from replayed
