{#- The priority is the product of its factors, to its rounding, and falls
    with the rank; nothing that leaves nothing over is offered. -#}
with

next_best_offers as (

    select * from {{ ref('next_best_offers') }}

),

compared as (

    select
        *,
        lag(priority_amount) over (
            partition by customer_id order by offer_rank
        ) as better_amount
    from next_best_offers

)

select * from compared
where margin_amount <= 0
    or better_amount < priority_amount
    or abs(conversion_probability - purchase_probability * product_fit) > 0.000001
    or abs(conversion_probability * margin_amount * kept_share - priority_amount)
    > 0.0001
