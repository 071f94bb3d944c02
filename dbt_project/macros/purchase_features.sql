{#- Purchases per customer and date of spine_dates: recency, frequency, revenue. -#}
{% macro purchase_features() %}
    select
        *,
        {{ dbt.datediff('previous_ordered_at', 'last_ordered_at', 'day') }} as last_gap_days
    from (
        select
            customer_id,
            as_of,
            {{ dbt.datediff('max(occurred_at)', 'as_of', 'day') }} as days_since_last_order,
            {{ dbt.datediff('min(occurred_at)', 'as_of', 'day') }} as days_since_first_order,
            max(occurred_at) as last_ordered_at,
            max(case when recency_rank = 2 then occurred_at end) as previous_ordered_at,
            cast(count(*) as {{ dbt.type_bigint() }}) as count_orders,
            {%- for days in [30, 90, 180, 365] %}
            {{ count_where('occurred_at >= starts_' ~ days ~ 'd_before') }}
                as count_orders_{{ days }}d,
            {%- endfor %}
            {{ count_where(
                "occurred_at >= starts_365d_before and sales_channel = 'store'"
            ) }} as count_store_orders_365d,
            {%- for days in [90, 365] %}
            cast(
                sum(case when occurred_at >= starts_{{ days }}d_before then net_amount else 0 end)
                as {{ type_double() }}
            ) as revenue_{{ days }}d,
            {%- endfor %}
            cast(sum(net_amount) as {{ type_double() }}) as revenue_total
        from (
            select
                spine_dates.*,
                occasions.customer_id,
                occasions.occurred_at,
                occasions.net_amount,
                occasions.sales_channel,
                row_number() over (
                    partition by occasions.customer_id, spine_dates.as_of
                    order by occasions.occurred_at desc, occasions.occasion_number desc
                ) as recency_rank
            from {{ ref('int_purchase_occasions') }} as occasions
            inner join spine_dates on occasions.occurred_at < spine_dates.as_of
        ) as ranked
        group by customer_id, as_of
    ) as summed
{% endmacro %}
