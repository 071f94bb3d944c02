with

stages as (

    select * from {{ ref('int_lifecycle_stages_replayed') }}

),

timelines as (

    select * from {{ ref('int_purchase_timelines_dated') }}

),

-- A timeline tells what happens within it, and begins with the stage as it then stands.
told as (

    select
        stages.customer_id,
        case
            when stages.occurred_at < timelines.valid_from then timelines.valid_from
            else stages.occurred_at
        end as occurred_at,
        stages.stage,
        stages.days,
        stages.rule_version,
        stages.last_ordered_at,
        case
            when stages.occurred_at < timelines.valid_from then timelines.reason
        end as correction
    from stages
    left join timelines
        on stages.customer_id = timelines.customer_id
            and stages.timeline_number = timelines.timeline_number
    where (timelines.valid_to is null or stages.occurred_at < timelines.valid_to)
        and (
            timelines.valid_from is null
            or stages.next_occurred_at is null
            or stages.next_occurred_at > timelines.valid_from
        )

),

compared as (

    select
        told.*,
        lag(stage) over (partition by customer_id order by occurred_at) as former_stage
    from told

),

replayed as (

    select
        customer_id,
        row_number() over (partition by customer_id order by occurred_at)
            as transition_number,
        former_stage as from_stage,
        stage as to_stage,
        days,
        correction,
        rule_version,
        last_ordered_at,
        occurred_at,
        lead(occurred_at) over (partition by customer_id order by occurred_at)
            as left_at
    from compared
    where former_stage is null
        or former_stage <> stage

)

select * from replayed
