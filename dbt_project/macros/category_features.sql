{#- Distinct product categories bought per customer and date of spine_dates. -#}
{% macro category_features() %}
    select
        first_purchases.customer_id,
        spine_dates.as_of,
        cast(count(*) as {{ dbt.type_bigint() }}) as count_categories
    from (
        select
            lines.customer_id,
            lines.category,
            min(lines.occurred_at) as occurred_at
        from {{ ref('int_purchase_lines_joined') }} as lines
        where lines.category is not null
        group by lines.customer_id, lines.category
    ) as first_purchases
    inner join spine_dates on first_purchases.occurred_at < spine_dates.as_of
    group by first_purchases.customer_id, spine_dates.as_of
{% endmacro %}
