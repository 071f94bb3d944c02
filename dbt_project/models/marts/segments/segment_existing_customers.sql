with

transitions as (

    select * from {{ ref('lifecycle_transitions') }}

),

-- Whoever ever bought needs no advertising that is meant for strangers, and is one again only if
-- all of it was taken back.
judged as (

    select
        customer_id,
        occurred_at,
        coalesce(from_stage, 'visitor') not in ('visitor', 'lead') as was_customer,
        to_stage not in ('visitor', 'lead') as is_customer
    from transitions

),

followed as (

    select
        judged.*,
        lead(occurred_at) over (
            partition by customer_id order by occurred_at
        ) as next_changed_at
    from judged
    where was_customer <> is_customer

),

entered as (

    select
        customer_id,
        occurred_at as entered_at,
        next_changed_at as left_at
    from followed
    where is_customer

)

select * from entered
