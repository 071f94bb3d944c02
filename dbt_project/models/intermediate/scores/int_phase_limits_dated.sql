{%- set engagement_to_stay -%}
    (bands.starts_at - versions.hysteresis_points
        - (1 - scores.engagement_share) * scores.fit) / scores.engagement_share
{%- endset -%}

with

scores as (

    select * from {{ ref('int_scores_dated') }}

),

versions as (

    select * from {{ ref('score_versions') }}

),

bands as (

    select * from {{ ref('score_phase_bands') }}
    where phase_number > 0

),

compared as (

    select
        scores.score_version,
        scores.customer_id,
        scores.scored_on,
        scores.next_scored_on,
        scores.half_life_days,
        scores.half_points,
        scores.engagement_points,
        bands.phase_number,
        bands.starts_at + versions.hysteresis_points as score_to_enter,
        scores.engagement_share
        * {{ engagement_of('scores.engagement_points', 'scores.half_points') }}
        + (1 - scores.engagement_share) * scores.fit as score,
        {{ engagement_to_stay }} as engagement_to_stay
    from scores
    inner join versions
        on scores.score_version = versions.score_version
    inner join bands
        on scores.score_version = bands.score_version

),

-- Nothing but engagement fades, so the day on which a phase is lost is known in advance.
bounded as (

    select
        compared.*,
        case
            when engagement_to_stay <= 0 then 0
            when engagement_to_stay < 100
                then {{ points_for_engagement('engagement_to_stay', 'half_points') }}
        end as points_to_stay
    from compared

),

judged as (

    select
        bounded.*,
        case
            when points_to_stay is null or engagement_points < points_to_stay then 0
            when score >= score_to_enter then 1
        end as is_reached,
        case
            when points_to_stay > 0 and engagement_points >= points_to_stay
                then
                    half_life_days * ln(engagement_points / points_to_stay)
                    / ln(cast(2 as {{ type_double() }}))
        end as days_to_stay
    from bounded

),

dated as (

    select
        score_version,
        customer_id,
        phase_number,
        scored_on,
        next_scored_on,
        is_reached,
        cast({{ dbt.dateadd(
            'day', 'cast(floor(days_to_stay) as ' ~ dbt.type_int() ~ ') + 1', 'scored_on'
        ) }} as date) as falls_on
    from judged

)

select * from dated
