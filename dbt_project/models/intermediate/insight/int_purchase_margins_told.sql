with

collapsed as (

    select * from {{ ref('int_orders_collapsed') }}

),

purchases as (

    select * from {{ ref('int_purchases_validated') }}

),

items as (

    select * from {{ ref('int_order_items_completed') }}
    where line_type = 'product'

),

products as (

    select * from {{ ref('products') }}

),

-- A line whose cost nobody recorded costs nothing: its revenue stands in for margin.
costs as (

    select
        items.order_id,
        sum(items.quantity * products.unit_cost) as cost_amount,
        sum((items.quantity - items.returned_quantity) * products.unit_cost)
            as kept_cost_amount
    from items
    inner join products
        on items.sku = products.sku
            and products.unit_cost is not null
    group by items.order_id

),

-- What no source dates was so from the start.
ordered as (

    select
        collapsed.*,
        purchases.ordered_at,
        purchases.corrected_at,
        purchases.voided_at is not null as is_voided,
        purchases.coupon_code is not null
        or purchases.discount_amount > 0 as is_discounted,
        purchases.shop_net_amount
        - coalesce(costs.cost_amount, 0) as bought_amount,
        purchases.shop_kept_amount
        - coalesce(costs.kept_cost_amount, 0) as kept_amount
    from collapsed
    inner join purchases
        on collapsed.order_id = purchases.order_id
    left join costs
        on collapsed.order_id = costs.order_id

),

told as (

    select
        purchase_occasion_id,
        customer_id,
        timeline_number,
        valid_from,
        valid_to,
        occasion_number,
        min(ordered_at) as occurred_at,
        min(case when not is_voided then corrected_at end) as corrected_at,
        cast(
            sum(
                case
                    when corrected_at is null then kept_amount
                    else bought_amount
                end
            ) as decimal(18, 2)
        ) as bought_margin_amount,
        cast(
            sum(case when is_voided then bought_amount else kept_amount end)
            as decimal(18, 2)
        ) as margin_amount,
        {{ dbt.bool_or('is_discounted') }} as is_discounted
    from ordered
    group by
        purchase_occasion_id,
        customer_id,
        timeline_number,
        valid_from,
        valid_to,
        occasion_number

)

select * from told
