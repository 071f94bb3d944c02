with

clock as (

    select
        as_of,
        {{ to_local_date('as_of') }} as today
    from {{ ref('stg_landing__clock') }}

),

customers as (

    select customers.*
    from {{ ref('customers') }} as customers
    left join {{ ref('profiling_objections') }} as objections
        on customers.customer_id = objections.customer_id
    where not customers.is_test
        and objections.customer_id is null

),

versions as (

    select * from {{ ref('score_versions') }}

),

dated as (

    select * from {{ ref('int_scores_dated') }}
    where next_scored_on is null

),

changes as (

    select * from {{ ref('int_phase_changes_replayed') }}
    where left_on is null

),

bands as (

    select * from {{ ref('score_phase_bands') }}

),

faded as (

    select
        versions.score_version,
        versions.is_active,
        versions.engagement_share,
        customers.customer_id,
        clock.as_of,
        clock.today,
        case
            when customers.first_ordered_at is null then 'prospect'
            when customers.is_business then 'account'
            else 'customer'
        end as lead_kind,
        dated.scored_on,
        dated.fit,
        {{ faded_points(
            'dated.engagement_points',
            'dated.half_life_days',
            dbt.datediff('dated.scored_on', 'clock.today', 'day'),
        ) }} as engagement_points,
        versions.half_points
    from customers
    cross join versions
    cross join clock
    inner join dated
        on versions.score_version = dated.score_version
            and customers.customer_id = dated.customer_id

),

scaled as (

    select
        faded.*,
        {{ engagement_of('engagement_points', 'half_points') }} as engagement
    from faded

),

current_scores as (

    select
        scaled.score_version,
        scaled.is_active,
        scaled.customer_id,
        scaled.as_of,
        scaled.today,
        scaled.lead_kind,
        scaled.fit,
        scaled.engagement_points,
        scaled.engagement,
        scaled.engagement_share * scaled.engagement
        + (1 - scaled.engagement_share) * scaled.fit as score,
        coalesce(changes.phase_number, 0) as phase_number,
        bands.phase,
        changes.changed_on as phase_since,
        scaled.scored_on as last_news_on
    from scaled
    left join changes
        on scaled.score_version = changes.score_version
            and scaled.customer_id = changes.customer_id
    left join bands
        on scaled.score_version = bands.score_version
            and coalesce(changes.phase_number, 0) = bands.phase_number

)

select * from current_scores
