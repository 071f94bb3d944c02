with

lifecycle_stages as (

    select * from {{ ref('lifecycle_stages') }}

),

predictions as (

    select * from {{ ref('predictions') }}
    where model_name = 'next_order'

),

-- Four decimals: a score that moved less is the same score to whoever reads the file.
selected as (

    select
        lifecycle_stages.customer_id,
        lifecycle_stages.stage,
        lifecycle_stages.substage,
        lifecycle_stages.phase,
        cast(predictions.probability as decimal(5, 4)) as next_order_probability
    from lifecycle_stages
    left join predictions on predictions.customer_id = lifecycle_stages.customer_id

),

digested as (

    select
        *,
        {{ row_digest(sent_key='customer_id') }} as row_digest
    from selected

)

select * from digested
