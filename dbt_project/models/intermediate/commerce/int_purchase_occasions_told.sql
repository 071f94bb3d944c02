with

purchases as (

    select * from {{ ref('int_purchases_validated') }}

),

collapsed as (

    select * from {{ ref('int_orders_collapsed') }}

),

items as (

    select * from {{ ref('int_order_items_completed') }}

),

products as (

    select * from {{ ref('stg_shop__products') }}

),

occasions as (

    select
        collapsed.purchase_occasion_id,
        collapsed.customer_id,
        collapsed.timeline_number,
        collapsed.valid_from,
        collapsed.valid_to,
        collapsed.occasion_number,
        min(purchases.ordered_at) as occurred_at,
        cast(sum(purchases.shop_net_amount) as decimal(18, 2)) as net_amount,
        cast(sum(purchases.shop_kept_amount) as decimal(18, 2)) as kept_amount,
        count(*) as count_orders,
        max(
            case
                when purchases.order_id = collapsed.purchase_occasion_id
                    then purchases.sales_channel
            end
        ) as sales_channel
    from collapsed
    inner join purchases
        on collapsed.order_id = purchases.order_id
    group by
        collapsed.purchase_occasion_id,
        collapsed.customer_id,
        collapsed.timeline_number,
        collapsed.valid_from,
        collapsed.valid_to,
        collapsed.occasion_number

),

-- The category of the first order's dearest line.
ranked_categories as (

    select
        items.order_id,
        products.category,
        row_number() over (
            partition by items.order_id
            order by items.net_amount desc, items.line_number
        ) as amount_rank
    from items
    inner join products
        on items.sku = products.sku
    where items.line_type = 'product'
        and products.category is not null

),

described as (

    select
        occasions.purchase_occasion_id,
        occasions.customer_id,
        occasions.timeline_number,
        occasions.valid_from,
        occasions.valid_to,
        occasions.occurred_at,
        occasions.occasion_number,
        occasions.net_amount,
        occasions.kept_amount,
        occasions.count_orders,
        ranked_categories.category as first_category,
        occasions.sales_channel
    from occasions
    left join ranked_categories
        on occasions.purchase_occasion_id = ranked_categories.order_id
            and 1 = ranked_categories.amount_rank

)

select * from described
