with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

customers as (

    select * from {{ ref('customers') }}

),

stg_ml__next_orders as (

    select * from {{ ref('stg_ml__next_orders') }}

),

-- A score that is no probability, or of somebody who was merged away, is not passed on.
valid as (

    select
        stg_ml__next_orders.customer_id,
        stg_ml__next_orders.model_name,
        stg_ml__next_orders.horizon_days,
        stg_ml__next_orders.as_of,
        stg_ml__next_orders.probability,
        stg_ml__next_orders.model_version,
        stg_ml__next_orders.scored_at
    from stg_ml__next_orders
    inner join customers on customers.customer_id = stg_ml__next_orders.customer_id
    cross join clock
    where
        stg_ml__next_orders.probability between 0 and 1
        and stg_ml__next_orders.as_of <= clock.as_of

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
