with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

open_visits as (

    select * from {{ ref('session_features') }}
    where is_current

),

predicted as (

    select * from {{ ref('stg_ml__next_actions') }}

),

-- A visit that is over, or known to be somebody's by now, is told of no longer.
valid as (

    select
        predicted.*,
        open_visits.last_action,
        open_visits.occurred_at,
        row_number() over (
            partition by predicted.session_id, predicted.action_rank
            order by predicted.as_of desc, predicted.scored_at desc
        ) as newness
    from predicted
    inner join open_visits
        on predicted.session_id = open_visits.session_id
            and predicted.as_of = open_visits.as_of
    cross join clock
    where
        predicted.as_of <= clock.as_of
        and predicted.probability between 0 and 1

),

final as (

    select
        session_id,
        cast(action_rank as {{ dbt.type_bigint() }}) as action_rank,
        model_name,
        as_of,
        last_action,
        occurred_at as last_action_at,
        next_action,
        cast(probability as {{ type_double() }}) as probability,
        model_version,
        scored_at
    from valid
    where newness = 1

)

select * from final
