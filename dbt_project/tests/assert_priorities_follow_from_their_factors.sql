{#- The priority is the product of its factors, to its rounding, and falls
    with the rank; nobody who is held and nothing of no worth is offered. -#}
with

next_best_offers as (

    select * from {{ ref('next_best_offers') }}

),

holds as (

    select distinct customer_id from {{ ref('holds') }}
    where is_active

),

compared as (

    select
        next_best_offers.*,
        holds.customer_id is not null as is_held,
        lag(next_best_offers.priority_amount) over (
            partition by next_best_offers.customer_id
            order by next_best_offers.offer_rank
        ) as better_amount
    from next_best_offers
    left join holds
        on next_best_offers.customer_id = holds.customer_id

)

select * from compared
where is_held
    or margin_amount <= 0
    or better_amount < priority_amount
    or abs(conversion_probability - purchase_probability * product_fit) > 0.000001
    or abs(conversion_probability * margin_amount * kept_share - priority_amount)
    > 0.0001
