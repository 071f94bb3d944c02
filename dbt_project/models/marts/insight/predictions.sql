with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

customers as (

    select * from {{ ref('customers') }}

),

stg_ml__predictions as (

    select * from {{ ref('stg_ml__predictions') }}

),

-- A score that is no probability, or of somebody who was merged away, is not passed on.
valid as (

    select
        stg_ml__predictions.customer_id,
        stg_ml__predictions.model_name,
        stg_ml__predictions.horizon_days,
        stg_ml__predictions.as_of,
        stg_ml__predictions.probability,
        stg_ml__predictions.model_version,
        stg_ml__predictions.scored_at
    from stg_ml__predictions
    inner join customers on customers.customer_id = stg_ml__predictions.customer_id
    cross join clock
    where
        stg_ml__predictions.probability between 0 and 1
        and stg_ml__predictions.as_of <= clock.as_of

),

ranked as (

    select
        *,
        row_number() over (
            partition by customer_id, model_name
            order by as_of desc, scored_at desc, model_version desc
        ) as newness
    from valid

),

newest as (

    select
        customer_id,
        model_name,
        cast(horizon_days as {{ dbt.type_bigint() }}) as horizon_days,
        as_of,
        probability,
        model_version,
        scored_at
    from ranked
    where newness = 1

)

select * from newest
