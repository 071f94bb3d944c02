{#- What a nudge brings, as an experiment measured it; without one its value is not known. -#}
{%- set nudge = var('second_purchase_nudge') -%}
{%- set lift_points = nudge.lift_points if nudge else 'null' -%}
{%- set cost = nudge.cost if nudge else 'null' -%}

with

clock as (

    select * from {{ ref('stg_landing__clock') }}

),

customers as (

    select * from {{ ref('customers') }}

),

stg_ml__second_purchases as (

    select * from {{ ref('stg_ml__second_purchases') }}

),

-- What cannot be, and what is said of somebody who was merged away, is not passed on.
valid as (

    select
        stg_ml__second_purchases.*,
        row_number() over (
            partition by stg_ml__second_purchases.customer_id
            order by
                stg_ml__second_purchases.as_of desc,
                stg_ml__second_purchases.scored_at desc
        ) as newness
    from stg_ml__second_purchases
    inner join customers
        on customers.customer_id = stg_ml__second_purchases.customer_id
    cross join clock
    where
        stg_ml__second_purchases.as_of <= clock.as_of
        and stg_ml__second_purchases.probability between 0 and 1
        and stg_ml__second_purchases.expected_at > stg_ml__second_purchases.as_of

),

final as (

    select
        customer_id,
        model_name,
        as_of,
        cast(horizon_days as {{ dbt.type_bigint() }}) as horizon_days,
        cast(probability as {{ type_double() }}) as probability,
        {{ to_local_date('expected_at') }} as expected_on,
        cast(value_of_second_purchase as decimal(18, 2)) as value_of_second_purchase,
        cast(value_of_second_purchase / 100 as decimal(18, 4)) as value_per_point,
        cast(
            {{ lift_points }} * value_of_second_purchase / 100 - {{ cost }}
            as decimal(18, 2)
        ) as nudge_value,
        model_version,
        scored_at
    from valid
    where newness = 1

)

select * from final
