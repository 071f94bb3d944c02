with

transitions as (

    select * from {{ ref('lifecycle_transitions') }}
    where to_stage = 'loyal'

),

entered as (

    select
        customer_id,
        occurred_at as entered_at,
        left_at
    from transitions

)

select * from entered
