with

margins as (

    select * from {{ ref('int_purchase_margins_told') }}
    where timeline_number = 0

),

computed as (

    select
        purchase_occasion_id,
        customer_id,
        occasion_number,
        occurred_at,
        margin_amount,
        is_discounted
    from margins

)

select * from computed
