with

clock as (

    select cast({{ dbt.date_trunc('quarter', 'as_of') }} as date) as quarter_starts_on
    from {{ ref('stg_landing__clock') }}

),

versions as (

    select * from {{ ref('score_versions') }}

),

weights as (

    select * from {{ ref('score_fit_weights') }}

),

given as (

    select * from {{ ref('int_fit_points_given') }}

),

-- A version written after the data ends is measured on what was known before the quarter.
bounded as (

    select
        versions.score_version,
        case
            when versions.measured_until < clock.quarter_starts_on
                then versions.measured_until
            else clock.quarter_starts_on
        end as measured_until
    from versions
    cross join clock

),

limits as (

    select
        score_version,
        attribute,
        min(points) as least_points,
        max(points) as most_points,
        avg(cast(points as {{ type_double() }})) as middle_points
    from weights
    group by score_version, attribute

),

averages as (

    select
        given.score_version,
        given.attribute,
        count(*) as count_known,
        avg(cast(given.points as {{ type_double() }})) as average_points
    from given
    inner join bounded
        on given.score_version = bounded.score_version
            and given.known_on < bounded.measured_until
    group by given.score_version, given.attribute

),

filled as (

    select
        limits.score_version,
        limits.attribute,
        limits.least_points,
        limits.most_points,
        coalesce(averages.count_known, 0) as count_known,
        coalesce(averages.average_points, limits.middle_points) as unknown_points
    from limits
    left join averages
        on limits.score_version = averages.score_version
            and limits.attribute = averages.attribute

),

summed as (

    select
        score_version,
        sum(unknown_points - least_points) as unknown_above_least,
        sum(most_points - least_points) as span_points
    from filled
    group by score_version

),

-- Points become a scale from 0, the worst that the weights know, to 100, the best.
measured as (

    select
        filled.*,
        case when summed.span_points > 0 then 100.0 / summed.span_points else 0 end
            as fit_per_point,
        case
            when summed.span_points > 0
                then 100.0 * summed.unknown_above_least / summed.span_points
            else 0
        end as unknown_fit
    from filled
    inner join summed
        on filled.score_version = summed.score_version

)

select * from measured
