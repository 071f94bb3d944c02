with

current_scores as (

    select * from {{ ref('int_scores_current') }}
    where is_active

),

points_earned as (

    select * from {{ ref('int_activity_points_earned') }}

),

parts as (

    select
        current_scores.customer_id,
        points_earned.activity_type,
        sum({{ faded_points(
            'points_earned.points',
            'points_earned.half_life_days',
            dbt.datediff('points_earned.known_on', 'current_scores.today', 'day'),
        ) }}) as points
    from points_earned
    inner join current_scores
        on points_earned.score_version = current_scores.score_version
            and points_earned.customer_id = current_scores.customer_id
    group by current_scores.customer_id, points_earned.activity_type

),

ranked as (

    select
        parts.*,
        row_number() over (
            partition by customer_id order by points desc, activity_type
        ) as points_rank
    from parts
    where points >= 1

),

chosen as (

    select
        customer_id,
        activity_type
    from ranked
    where points_rank = 1

)

select * from chosen
