{#- How far behind its plan a milestone is late, and how long before its end a deadline is near. -#}
{%- set late_days = 1 -%}
{%- set near_days = 3 -%}

with

fulfilment_events as (

    select * from {{ ref('fulfilment_events') }}
    where source = 'production'
        and customer_id is not null

),

-- A milestone that is planned anew is late by its first plan: that one was promised.
milestones as (

    select
        customer_id,
        order_id,
        line_number,
        milestone,
        concat(order_id, '|', cast(line_number as {{ dbt.type_string() }})) as piece,
        min(case when status = 'planned' then planned_at end) as planned_at,
        min(case when status = 'planned' then received_at end) as planned_known_at,
        min(case when status = 'reached' then occurred_at end) as reached_at,
        min(case when status = 'reached' then received_at end) as reached_known_at,
        min(case when status = 'planned' then fulfilment_event_id end) as plan_id,
        min(case when status = 'reached' then fulfilment_event_id end) as result_id
    from fulfilment_events
    group by
        customer_id,
        order_id,
        line_number,
        milestone

),

timed as (

    select
        milestones.*,
        {{ dbt.dateadd('day', late_days, 'planned_at') }} as late_at,
        {{ dbt.dateadd('day', -near_days, 'planned_at') }} as near_at
    from milestones

),

unioned as (

    select
        customer_id,
        'milestone_late' as moment,
        concat(piece, '|', milestone) as entry_key,
        late_at as occurred_at,
        {{ later_of('late_at', 'planned_known_at') }} as detected_at,
        plan_id as event_id
    from timed
    where milestone <> 'change_deadline'
        and planned_at is not null
        and (
            reached_known_at is null
            or reached_known_at > {{ later_of('late_at', 'planned_known_at') }}
        )
    union all
    select
        customer_id,
        'change_deadline_near' as moment,
        piece as entry_key,
        near_at as occurred_at,
        {{ later_of('near_at', 'planned_known_at') }} as detected_at,
        plan_id as event_id
    from timed
    where milestone = 'change_deadline'
        and planned_known_at < planned_at
    union all
    select
        customer_id,
        'production_finished' as moment,
        piece as entry_key,
        reached_at as occurred_at,
        reached_known_at as detected_at,
        result_id as event_id
    from timed
    where milestone = 'ready'
        and reached_at is not null

),

produced as (

    select
        customer_id,
        moment,
        entry_key,
        occurred_at,
        detected_at,
        replace(event_id, 'production:', 'production/milestones:') as evidence
    from unioned

)

select * from produced
