with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

customers as (

    select
        customers.customer_id,
        customers.is_business,
        {{ to_local_date(
            'case when customers.first_seen_at < clock.as_of '
            ~ 'then customers.first_seen_at else clock.as_of end'
        ) }} as customer_since
    from {{ ref('customers') }} as customers
    cross join clock
    where not customers.is_test

),

versions as (

    select * from {{ ref('score_versions') }}

),

points_earned as (

    select * from {{ ref('int_activity_points_earned') }}

),

fit_changes as (

    select * from {{ ref('int_fit_changes_dated') }}

),

-- Everybody has a score from the day they are known, news or not.
unioned as (

    select
        versions.score_version,
        customers.customer_id,
        customers.customer_since as scored_on,
        0 as points,
        0 as fit_change
    from customers
    cross join versions
    union all
    select
        score_version,
        customer_id,
        known_on as scored_on,
        points,
        0 as fit_change
    from points_earned
    union all
    select
        score_version,
        customer_id,
        known_on as scored_on,
        0 as points,
        fit_change
    from fit_changes

),

summed as (

    select
        score_version,
        customer_id,
        scored_on,
        sum(points) as points,
        sum(fit_change) as fit_change
    from unioned
    group by score_version, customer_id, scored_on

),

moments as (

    select
        summed.score_version,
        summed.customer_id,
        customers.customer_since,
        summed.scored_on,
        case
            when customers.is_business then versions.business_half_life_days
            else versions.half_life_days
        end as half_life_days,
        versions.half_points,
        versions.engagement_share,
        summed.points,
        summed.fit_change
    from summed
    inner join customers
        on summed.customer_id = customers.customer_id
    inner join versions
        on summed.score_version = versions.score_version

)

select * from moments
