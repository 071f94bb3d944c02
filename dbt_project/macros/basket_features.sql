{#- Share of discounts and of returned pieces per customer and date of spine_dates. A
    return has no date: thirty days after the purchase it is taken as settled and known. -#}
{% macro basket_features() %}
    {%- set is_settled = 'lines.occurred_at < spine_dates.starts_30d_before' %}
    select
        lines.customer_id,
        spine_dates.as_of,
        {{ share_between_0_and_1(
            'sum(lines.discount_amount)', 'sum(lines.net_amount + lines.discount_amount)'
        ) }} as discount_share,
        {{ share_between_0_and_1(
            'sum(case when ' ~ is_settled ~ ' then lines.returned_quantity else 0 end)',
            'sum(case when ' ~ is_settled ~ ' then lines.quantity else 0 end)'
        ) }} as return_share
    from {{ ref('int_purchase_lines_joined') }} as lines
    inner join spine_dates on lines.occurred_at < spine_dates.as_of
    group by lines.customer_id, spine_dates.as_of
{% endmacro %}
