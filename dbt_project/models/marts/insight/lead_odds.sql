with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

customers as (

    select * from {{ ref('customers') }}

),

lead_scores as (

    select * from {{ ref('stg_ml__lead_scores') }}

),

-- What cannot be, and what is said of somebody who was merged away, is not passed on.
valid as (

    select
        lead_scores.*,
        row_number() over (
            partition by lead_scores.customer_id
            order by lead_scores.as_of desc, lead_scores.scored_at desc
        ) as newness
    from lead_scores
    inner join customers
        on lead_scores.customer_id = customers.customer_id
    cross join clock
    where
        lead_scores.as_of <= clock.as_of
        and lead_scores.probability between 0 and 1
        and lead_scores.hand_set_probability between 0 and 1
        and lead_scores.learnt_probability between 0 and 1

),

final as (

    select
        customer_id,
        model_name,
        as_of,
        lead_kind,
        cast(horizon_days as {{ dbt.type_bigint() }}) as horizon_days,
        cast(probability as {{ type_double() }}) as probability,
        cast(hand_set_probability as {{ type_double() }}) as hand_set_probability,
        cast(learnt_probability as {{ type_double() }}) as learnt_probability,
        cast(handover_probability as {{ type_double() }}) as handover_probability,
        coalesce(probability >= handover_probability, false) as is_sales_ready,
        model_version,
        scored_at
    from valid
    where newness = 1

)

select * from final
