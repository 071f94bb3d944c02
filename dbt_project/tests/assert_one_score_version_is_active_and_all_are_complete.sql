-- Exactly one version decides; each has a band that begins at 0, bands that rise, weights of both
-- kinds, and half-lives long enough for ten years of points to be one floating-point sum.
with

versions as (

    select * from {{ ref('score_versions') }}

),

bands as (

    select
        *,
        lag(phase_number) over (
            partition by score_version order by phase_number
        ) as former_number,
        lag(starts_at) over (
            partition by score_version order by phase_number
        ) as former_starts_at
    from {{ ref('score_phase_bands') }}

),

fit_weights as (

    select * from {{ ref('score_fit_weights') }}

),

activity_weights as (

    select * from {{ ref('score_activity_weights') }}

),

faults as (

    select 'not one version is active' as fault
    from versions
    having sum(case when is_active then 1 else 0 end) <> 1
    union all
    select concat('a number is out of range: ', score_version) as fault
    from versions
    where half_life_days < 5
        or business_half_life_days < 5
        or half_points <= 0
        or engagement_share <= 0
        or engagement_share > 1
        or hysteresis_points < 0
        or daily_cap < 1
    union all
    select concat('bands do not rise from 0: ', score_version) as fault
    from bands
    where phase_number <> coalesce(former_number + 1, 0)
        or starts_at <= coalesce(former_starts_at, -1)
        or (phase_number = 0 and starts_at <> 0)
    union all
    select concat('without bands or weights: ', versions.score_version) as fault
    from versions
    left join bands
        on versions.score_version = bands.score_version
    left join fit_weights
        on versions.score_version = fit_weights.score_version
    left join activity_weights
        on versions.score_version = activity_weights.score_version
    where bands.score_version is null
        or fit_weights.score_version is null
        or activity_weights.score_version is null

)

select * from faults
