with

purchases as (

    select * from {{ ref('int_purchases_validated') }}
    where customer_id is not null

),

timelines as (

    select * from {{ ref('int_purchase_timelines_dated') }}

),

-- Who has no timelines has the present one, of what counts now.
told as (

    select
        purchases.order_id,
        purchases.customer_id,
        coalesce(timelines.timeline_number, 0) as timeline_number,
        timelines.valid_from,
        timelines.valid_to,
        purchases.ordered_at
    from purchases
    left join timelines
        on purchases.customer_id = timelines.customer_id
            and (
                timelines.valid_to is null
                or purchases.ordered_at < timelines.valid_to
            )
            and (
                purchases.is_valid_purchase
                or purchases.voided_at >= timelines.valid_to
            )
    where purchases.is_valid_purchase
        or timelines.customer_id is not null

)

select * from told
