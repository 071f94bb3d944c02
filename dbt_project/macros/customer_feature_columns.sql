{#- The columns of customer_features in the types of its contract. -#}
{% macro customer_feature_columns() %}
    customer_id,
    as_of,
    is_current,
    cast(days_since_last_order as {{ dbt.type_bigint() }}) as days_since_last_order,
    cast(days_since_first_order as {{ dbt.type_bigint() }})
        as days_since_first_order,
    cast(days_first_to_last_order as {{ dbt.type_bigint() }})
        as days_first_to_last_order,
    cast(count_orders as {{ dbt.type_bigint() }}) as count_orders,
    cast(count_orders_30d as {{ dbt.type_bigint() }}) as count_orders_30d,
    cast(count_orders_90d as {{ dbt.type_bigint() }}) as count_orders_90d,
    cast(count_orders_180d as {{ dbt.type_bigint() }}) as count_orders_180d,
    cast(count_orders_365d as {{ dbt.type_bigint() }}) as count_orders_365d,
    cast(revenue_90d as {{ type_double() }}) as revenue_90d,
    cast(revenue_365d as {{ type_double() }}) as revenue_365d,
    cast(revenue_total as {{ type_double() }}) as revenue_total,
    cast(average_order_value as {{ type_double() }}) as average_order_value,
    cast(mean_gap_days as {{ type_double() }}) as mean_gap_days,
    cast(last_gap_days as {{ dbt.type_bigint() }}) as last_gap_days,
    cast(overdue_ratio as {{ type_double() }}) as overdue_ratio,
    cast(count_categories as {{ dbt.type_bigint() }}) as count_categories,
    cast(discount_share as {{ type_double() }}) as discount_share,
    cast(return_share as {{ type_double() }}) as return_share,
    cast(count_store_orders_365d as {{ dbt.type_bigint() }})
        as count_store_orders_365d,
    is_business,
    has_app,
    cast(count_sessions_30d as {{ dbt.type_bigint() }}) as count_sessions_30d,
    cast(count_sessions_90d as {{ dbt.type_bigint() }}) as count_sessions_90d,
    cast(count_product_views_30d as {{ dbt.type_bigint() }})
        as count_product_views_30d,
    cast(count_carts_30d as {{ dbt.type_bigint() }}) as count_carts_30d,
    cast(days_since_last_event as {{ dbt.type_bigint() }}) as days_since_last_event,
    cast(activity_trend_ratio as {{ type_double() }}) as activity_trend_ratio,
    cast(count_sends_90d as {{ dbt.type_bigint() }}) as count_sends_90d,
    cast(count_clicks_90d as {{ dbt.type_bigint() }}) as count_clicks_90d,
    cast(count_human_opens_90d as {{ dbt.type_bigint() }}) as count_human_opens_90d,
    cast(count_cases_180d as {{ dbt.type_bigint() }}) as count_cases_180d,
    has_open_case
{% endmacro %}
