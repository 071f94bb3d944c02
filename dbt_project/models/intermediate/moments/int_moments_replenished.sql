with

purchase_lines as (

    select * from {{ ref('int_purchase_lines_joined') }}

),

products as (

    select
        sku,
        rebuy_days,
        coalesce(substitutes_group, sku) as substitutes_group
    from {{ ref('products') }}
    where rebuy_days > 0

),

consumed as (

    select
        purchase_lines.customer_id,
        purchase_lines.order_id,
        purchase_lines.sku,
        purchase_lines.occurred_at,
        purchase_lines.quantity > purchase_lines.returned_quantity as is_kept,
        products.substitutes_group,
        {{ dbt.dateadd('day', 'products.rebuy_days', 'purchase_lines.occurred_at') }}
            as due_at
    from purchase_lines
    inner join products
        on purchase_lines.sku = products.sku

),

followed as (

    select distinct
        consumed.order_id,
        consumed.sku
    from consumed
    inner join consumed as later
        on consumed.customer_id = later.customer_id
            and consumed.substitutes_group = later.substitutes_group
            and consumed.occurred_at < later.occurred_at
            and consumed.due_at >= later.occurred_at

),

-- Whoever sent it back has nothing to use up; whoever bought more of its kind still has some.
replenished as (

    select distinct
        consumed.customer_id,
        'replenishment_due' as moment,
        concat(consumed.order_id, '|', consumed.sku) as entry_key,
        consumed.due_at as occurred_at,
        consumed.due_at as detected_at,
        concat('orders:', consumed.order_id) as evidence
    from consumed
    left join followed
        on consumed.order_id = followed.order_id
            and consumed.sku = followed.sku
    where followed.order_id is null
        and consumed.is_kept

)

select * from replenished
