{%- set so_far = 'partition by score_version, customer_id order by scored_on '
    ~ 'rows between unbounded preceding and current row' -%}

with

moments as (

    select * from {{ ref('int_score_moments_unioned') }}

),

scales as (

    select * from {{ ref('int_fit_scales_measured') }}

),

unknowns as (

    select
        score_version,
        max(unknown_fit) as unknown_fit
    from scales
    group by score_version

),

aged as (

    select
        moments.*,
        {{ dbt.datediff('customer_since', 'scored_on', 'day') }}
        / cast(half_life_days as {{ type_double() }}) as half_lives
    from moments

),

-- Everybody fades at one rate, so all that came before is one sum of what it was worth on the
-- customer's first day: a day is added at 2^age and the sum read at 2^-age.
accumulated as (

    select
        aged.*,
        sum(points * power(cast(2 as {{ type_double() }}), half_lives))
            over ({{ so_far }})
        * power(cast(0.5 as {{ type_double() }}), half_lives) as engagement_points,
        sum(fit_change) over ({{ so_far }}) as fit_so_far,
        lead(scored_on) over (
            partition by score_version, customer_id order by scored_on
        ) as next_scored_on
    from aged

),

dated as (

    select
        accumulated.score_version,
        accumulated.customer_id,
        accumulated.scored_on,
        accumulated.next_scored_on,
        accumulated.half_life_days,
        accumulated.half_points,
        accumulated.engagement_share,
        accumulated.engagement_points,
        coalesce(unknowns.unknown_fit, 0) + accumulated.fit_so_far as fit
    from accumulated
    left join unknowns
        on accumulated.score_version = unknowns.score_version

)

select * from dated
