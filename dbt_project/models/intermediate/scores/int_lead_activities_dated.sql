with

leads as (

    select distinct customer_id from {{ ref('int_lead_moments_taken') }}

),

activities as (

    select * from {{ ref('int_activities_dated') }}

),

versions as (

    select * from {{ ref('score_versions') }}
    where is_active

),

weights as (

    select * from {{ ref('score_activity_weights') }}

),

capped as (

    select
        activities.customer_id,
        activities.activity_type,
        activities.occurred_on,
        activities.known_on,
        {{ count_within_cap('versions.daily_cap') }} as count_activities,
        weights.points * weights.specificity * weights.closeness as points
    from activities
    inner join leads
        on activities.customer_id = leads.customer_id
    cross join versions
    left join weights
        on versions.score_version = weights.score_version
            and activities.activity_type = weights.activity_type

),

counted as (

    select * from capped
    where count_activities > 0

)

select * from counted
