-- Nothing happens more often in a short window than in a longer one that contains it.
select
    customer_id,
    as_of
from {{ ref('customer_features') }}
where
    count_orders_30d > count_orders_90d
    or count_orders_90d > count_orders_180d
    or count_orders_180d > count_orders_365d
    or count_orders_365d > count_orders
    or count_sessions_30d > count_sessions_90d
    or days_since_last_order < 0
    or days_first_to_last_order < 0
    or days_since_first_order < days_since_last_order
    or discount_share not between 0 and 1
    or return_share not between 0 and 1
