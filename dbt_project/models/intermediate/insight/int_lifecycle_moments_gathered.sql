with

steps as (

    select * from {{ ref('int_lifecycle_steps_dated') }}

),

loyalties as (

    select * from {{ ref('int_loyalties_dated') }}

),

declines as (

    select * from {{ ref('int_declines_dated') }}

),

-- A purchase ends a decline.
unioned as (

    select
        customer_id,
        timeline_number,
        occurred_at,
        stage,
        days,
        rule_version,
        last_ordered_at,
        cast(null as {{ dbt.type_int() }}) as is_loyal,
        case when occurred_at = last_ordered_at then 0 end as is_declining
    from steps
    union all
    select
        customer_id,
        timeline_number,
        occurred_at,
        null as stage,
        null as days,
        null as rule_version,
        null as last_ordered_at,
        case when is_loyal then 1 else 0 end as is_loyal,
        null as is_declining
    from loyalties
    union all
    select
        customer_id,
        timeline_number,
        occurred_at,
        null as stage,
        null as days,
        null as rule_version,
        null as last_ordered_at,
        null as is_loyal,
        case when is_declining then 1 else 0 end as is_declining
    from declines

),

gathered as (

    select
        customer_id,
        timeline_number,
        occurred_at,
        max(stage) as stage,
        max(days) as days,
        max(rule_version) as rule_version,
        max(last_ordered_at) as last_ordered_at,
        max(is_loyal) as is_loyal,
        max(is_declining) as is_declining
    from unioned
    group by customer_id, timeline_number, occurred_at

)

select * from gathered
