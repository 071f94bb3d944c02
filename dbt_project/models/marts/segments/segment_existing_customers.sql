with

transitions as (

    select * from {{ ref('lifecycle_transitions') }}
    where to_stage = 'new_customer'

),

-- Whoever ever bought needs no advertising that is meant for strangers.
entered as (

    select
        customer_id,
        occurred_at as entered_at,
        cast(null as {{ dbt.type_timestamp() }}) as left_at
    from transitions

)

select * from entered
