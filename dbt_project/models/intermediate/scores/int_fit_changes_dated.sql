with

given as (

    select * from {{ ref('int_fit_points_given') }}

),

scales as (

    select * from {{ ref('int_fit_scales_measured') }}

),

-- Until an attribute is told it counts as in the average of those who told it.
compared as (

    select
        given.score_version,
        given.customer_id,
        given.known_on,
        scales.fit_per_point * (
            given.points - coalesce(
                lag(given.points) over (
                    partition by
                        given.score_version, given.customer_id, given.attribute
                    order by given.known_on
                ),
                scales.unknown_points
            )
        ) as fit_change
    from given
    inner join scales
        on given.score_version = scales.score_version
            and given.attribute = scales.attribute

),

summed as (

    select
        score_version,
        customer_id,
        known_on,
        sum(fit_change) as fit_change
    from compared
    group by score_version, customer_id, known_on

)

select * from summed
