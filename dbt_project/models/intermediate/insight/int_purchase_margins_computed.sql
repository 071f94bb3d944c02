with

int_purchase_occasions as (

    select * from {{ ref('int_purchase_occasions') }}

),

orders as (

    select * from {{ ref('orders') }}
    where purchase_occasion_id is not null

),

int_purchase_lines_joined as (

    select * from {{ ref('int_purchase_lines_joined') }}

),

discounts as (

    select
        purchase_occasion_id,
        {{ dbt.bool_or('coupon_code is not null or discount_amount > 0') }}
            as is_discounted
    from orders
    group by purchase_occasion_id

),

-- A line whose cost nobody recorded costs nothing: its revenue stands in for margin.
costs as (

    select
        purchase_occasion_id,
        sum((quantity - returned_quantity) * coalesce(unit_cost, 0)) as cost_amount
    from int_purchase_lines_joined
    group by purchase_occasion_id

),

computed as (

    select
        int_purchase_occasions.purchase_occasion_id,
        int_purchase_occasions.customer_id,
        int_purchase_occasions.occasion_number,
        int_purchase_occasions.occurred_at,
        cast(
            int_purchase_occasions.kept_amount - coalesce(costs.cost_amount, 0)
            as decimal(18, 2)
        ) as margin_amount,
        coalesce(discounts.is_discounted, false) as is_discounted
    from int_purchase_occasions
    left join discounts
        on discounts.purchase_occasion_id = int_purchase_occasions.purchase_occasion_id
    left join costs
        on costs.purchase_occasion_id = int_purchase_occasions.purchase_occasion_id

)

select * from computed
