{%- set so_far = 'partition by customer_id order by occurred_at '
    ~ 'rows between unbounded preceding and current row' -%}

with

steps as (

    select * from {{ ref('int_lifecycle_steps_dated') }}

),

loyalties as (

    select * from {{ ref('int_loyalties_dated') }}

),

unioned as (

    select
        customer_id,
        occurred_at,
        stage,
        days,
        rule_version,
        cast(null as {{ dbt.type_int() }}) as is_loyal
    from steps
    union all
    select
        customer_id,
        occurred_at,
        null as stage,
        null as days,
        null as rule_version,
        case when is_loyal then 1 else 0 end as is_loyal
    from loyalties

),

moments as (

    select
        customer_id,
        occurred_at,
        max(stage) as stage,
        max(days) as days,
        max(rule_version) as rule_version,
        max(is_loyal) as is_loyal
    from unioned
    group by customer_id, occurred_at

),

numbered as (

    select
        moments.*,
        count(stage) over ({{ so_far }}) as stage_number,
        count(is_loyal) over ({{ so_far }}) as loyalty_number
    from moments

),

-- What a moment does not change stays as the last one left it.
carried as (

    select
        customer_id,
        occurred_at,
        days,
        max(stage) over (partition by customer_id, stage_number) as purchase_stage,
        max(rule_version) over (partition by customer_id, stage_number) as rule_version,
        max(is_loyal) over (partition by customer_id, loyalty_number) as is_loyal
    from numbered

),

staged as (

    select
        carried.*,
        case
            when purchase_stage = 'active' and is_loyal = 1 then 'loyal'
            else purchase_stage
        end as stage
    from carried

),

compared as (

    select
        staged.*,
        lag(stage) over (partition by customer_id order by occurred_at) as former_stage
    from staged

),

replayed as (

    select
        customer_id,
        row_number() over (partition by customer_id order by occurred_at)
            as transition_number,
        former_stage as from_stage,
        stage as to_stage,
        days,
        rule_version,
        occurred_at,
        lead(occurred_at) over (partition by customer_id order by occurred_at)
            as left_at
    from compared
    where former_stage is null
        or former_stage <> stage

)

select * from replayed
