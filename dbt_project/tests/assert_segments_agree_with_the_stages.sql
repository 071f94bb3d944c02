-- Segments follow from the history of stages; whom they hold today the stages of today say, too.
{% set conditions = {
    'existing_customers': 'stages.days_since_last_order is not null',
    'loyal_early_access': "stages.stage = 'loyal'",
    'second_purchase_nudge': "stages.substage = 'second_chance'",
    'win_back': 'stages.is_former_good and cooling.customer_id is null',
} %}

with

members as (

    select * from {{ ref('segment_members') }}
    where is_member

),

stages as (

    select * from {{ ref('lifecycle_stages') }}

),

cooling as (

    select distinct customer_id from {{ ref('cool_downs') }}
    where is_active

),

expected as (

    {% for segment, condition in conditions.items() %}
    select
        '{{ segment }}' as segment,
        stages.customer_id
    from stages
    left join cooling
        on stages.customer_id = cooling.customer_id
    where {{ condition }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

compared as (

    select
        coalesce(members.segment, expected.segment) as segment,
        coalesce(members.customer_id, expected.customer_id) as customer_id
    from expected
    full outer join members
        on expected.segment = members.segment
            and expected.customer_id = members.customer_id
    where (expected.customer_id is null or members.customer_id is null)
        and coalesce(members.segment, expected.segment) in (
            '{{ conditions | join("', '") }}'
        )

)

select * from compared
