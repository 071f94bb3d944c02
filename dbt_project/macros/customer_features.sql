{#- What was known about each customer at each as_of of a spine (customer_id, as_of,
    is_current). The only definition of the features: what trains a model is scored by it.
    A source row counts when its own time, and the time it became known, lie before as_of.
    Sources are grouped once per as_of and only then joined to the customers. -#}
{% macro customer_features(spine) %}
with

spine as (

    select * from {{ spine }}

),

-- Where each window begins; computed here once and not for every source row.
spine_dates as (

    select
        as_of,
        {%- for days in [30, 90, 91, 180, 365] %}
        {{ dbt.dateadd('day', -days, 'as_of') }} as starts_{{ days }}d_before
        {{- ',' if not loop.last }}
        {%- endfor %}
    from spine
    group by as_of

),

purchases as (

    {{ purchase_features() }}

),

categories as (

    {{ category_features() }}

),

baskets as (

    {{ basket_features() }}

),

activity as (

    {{ activity_features() }}

),

visits as (

    {{ session_features() }}

),

mails as (

    {{ mail_features() }}

),

cases as (

    {{ case_features() }}

),

apps as (

    {{ app_features() }}

),

customers as (

    select * from {{ ref('customers') }}

),

joined as (

    select
        spine.customer_id,
        spine.as_of,
        spine.is_current,
        purchases.days_since_last_order,
        purchases.days_since_first_order,
        purchases.days_since_first_order - purchases.days_since_last_order
            as days_first_to_last_order,
        purchases.count_orders,
        purchases.count_orders_30d,
        purchases.count_orders_90d,
        purchases.count_orders_180d,
        purchases.count_orders_365d,
        purchases.revenue_90d,
        purchases.revenue_365d,
        purchases.revenue_total,
        purchases.revenue_total / purchases.count_orders as average_order_value,
        (purchases.days_since_first_order - purchases.days_since_last_order)
        / cast(nullif(purchases.count_orders - 1, 0) as {{ type_double() }}) as mean_gap_days,
        purchases.last_gap_days,
        coalesce(categories.count_categories, 0) as count_categories,
        coalesce(baskets.discount_share, 0) as discount_share,
        coalesce(baskets.return_share, 0) as return_share,
        purchases.count_store_orders_365d,
        coalesce(customers.is_business, false) as is_business,
        coalesce(activity.has_app_event, false) or apps.customer_id is not null as has_app,
        coalesce(visits.count_sessions_30d, 0) as count_sessions_30d,
        coalesce(visits.count_sessions_90d, 0) as count_sessions_90d,
        coalesce(activity.count_product_views_30d, 0) as count_product_views_30d,
        coalesce(activity.count_carts_30d, 0) as count_carts_30d,
        activity.days_since_last_event,
        (coalesce(activity.count_events_30d, 0) + 1.0)
        / (coalesce(activity.count_events_60d_before, 0) / 2.0 + 1.0) as activity_trend_ratio,
        coalesce(mails.count_sends_90d, 0) as count_sends_90d,
        coalesce(mails.count_clicks_90d, 0) as count_clicks_90d,
        coalesce(mails.count_human_opens_90d, 0) as count_human_opens_90d,
        coalesce(cases.count_cases_180d, 0) as count_cases_180d,
        coalesce(cases.has_open_case, false) as has_open_case
    from spine
    inner join purchases
        on spine.customer_id = purchases.customer_id and spine.as_of = purchases.as_of
    left join categories
        on spine.customer_id = categories.customer_id and spine.as_of = categories.as_of
    left join baskets
        on spine.customer_id = baskets.customer_id and spine.as_of = baskets.as_of
    left join activity
        on spine.customer_id = activity.customer_id and spine.as_of = activity.as_of
    left join visits
        on spine.customer_id = visits.customer_id and spine.as_of = visits.as_of
    left join mails
        on spine.customer_id = mails.customer_id and spine.as_of = mails.as_of
    left join cases
        on spine.customer_id = cases.customer_id and spine.as_of = cases.as_of
    left join apps
        on spine.customer_id = apps.customer_id and spine.as_of = apps.as_of
    left join customers
        on spine.customer_id = customers.customer_id

)

select
    *,
    days_since_last_order / nullif(mean_gap_days, 0) as overdue_ratio
from joined
{% endmacro %}
