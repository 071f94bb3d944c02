{#- How far back an activity is a trait of a lead. -#}
{%- set trait_days = 28 -%}

with

windows as (

    select distinct snapshot_on from {{ ref('int_lead_windows_closed') }}

),

weights as (

    select weights.*
    from {{ ref('int_score_weights_unioned') }} as weights
    inner join {{ ref('score_versions') }} as versions
        on weights.score_version = versions.score_version
            and versions.is_active

),

activities as (

    select * from {{ ref('int_activities_dated') }}

),

facts as (

    select
        fit_facts.*,
        lead(known_on) over (
            partition by customer_id, attribute order by known_on, value
        ) as superseded_on
    from {{ ref('int_fit_facts_dated') }} as fit_facts

),

told as (

    select
        facts.customer_id,
        windows.snapshot_on,
        facts.attribute,
        facts.value
    from facts
    inner join windows
        on facts.known_on < windows.snapshot_on
            and (
                facts.superseded_on is null
                or facts.superseded_on >= windows.snapshot_on
            )

),

-- The attribute without a trait says that it was told at all.
found as (

    select distinct
        activities.customer_id,
        windows.snapshot_on,
        weights.weight_kind,
        weights.attribute,
        weights.trait
    from activities
    inner join windows
        on activities.known_on < windows.snapshot_on
            and activities.occurred_on
            >= {{ dbt.dateadd('day', -trait_days, 'windows.snapshot_on') }}
    inner join weights
        on activities.activity_type = weights.trait
            and weights.weight_kind = 'activity'
    union all
    select
        told.customer_id,
        told.snapshot_on,
        weights.weight_kind,
        told.attribute,
        weights.trait
    from told
    inner join weights
        on told.attribute = weights.attribute
            and told.value like weights.trait
            and weights.weight_kind = 'fit'
    union all
    select
        customer_id,
        snapshot_on,
        'fit' as weight_kind,
        attribute,
        null as trait
    from told

)

select * from found
