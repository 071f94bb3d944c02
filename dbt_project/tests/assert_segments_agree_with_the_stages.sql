-- Segments follow from the history of stages; whom they hold today the stages of today say, too.
{% set conditions = {
    'existing_customers': 'days_since_last_order is not null',
    'loyal_early_access': "stage = 'loyal'",
    'second_purchase_nudge':
        "substage = 'second_chance' and customer_id not in (select customer_id from unpaid)",
    'win_back': 'is_former_good and customer_id not in (select customer_id from cooling)',
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

unpaid as (

    select distinct customer_id from {{ ref('second_purchase_odds') }}
    where nudge_value < 0

),

expected as (

    {% for segment, condition in conditions.items() %}
    select
        '{{ segment }}' as segment,
        customer_id
    from stages
    where {{ condition }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

known as (

    {% for segment in conditions %}
    select
        segment,
        customer_id
    from members
    where segment = '{{ segment }}'
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

compared as (

    select
        coalesce(known.segment, expected.segment) as segment,
        coalesce(known.customer_id, expected.customer_id) as customer_id
    from expected
    full outer join known
        on expected.segment = known.segment
            and expected.customer_id = known.customer_id
    where expected.customer_id is null
        or known.customer_id is null

)

select * from compared
