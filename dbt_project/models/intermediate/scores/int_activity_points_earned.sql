with

activities as (

    select * from {{ ref('int_activities_dated') }}

),

weights as (

    select * from {{ ref('score_activity_weights') }}

),

versions as (

    select * from {{ ref('score_versions') }}

),

customers as (

    select * from {{ ref('customers') }}
    where not is_test

),

-- More of the same on one day than the cap says nothing new.
capped as (

    select
        versions.score_version,
        activities.customer_id,
        activities.activity_type,
        activities.occurred_on,
        activities.known_on,
        case
            when customers.is_business then versions.business_half_life_days
            else versions.half_life_days
        end as half_life_days,
        weights.points * weights.specificity * weights.closeness as points_each,
        {{ count_within_cap('versions.daily_cap') }} as count_counted
    from activities
    inner join weights
        on activities.activity_type = weights.activity_type
    inner join versions
        on weights.score_version = versions.score_version
    inner join customers
        on activities.customer_id = customers.customer_id

),

-- What becomes known late has faded by then. Nothing is summed here: hardly any two rows are of one
-- type and day, and whoever reads this sums anyway.
earned as (

    select
        score_version,
        customer_id,
        activity_type,
        occurred_on,
        known_on,
        half_life_days,
        {{ faded_points(
            'cast(count_counted * points_each as ' ~ type_double() ~ ')',
            'half_life_days',
            dbt.datediff('occurred_on', 'known_on', 'day'),
        ) }} as points
    from capped
    where count_counted > 0

)

select * from earned
