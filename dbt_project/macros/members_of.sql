{#- The customers who are in a segment now: who has entered and not left. -#}
{% macro members_of(segment) -%}
    (
        select
            customer_id,
            entered_at
        from {{ ref(segment) }}
        where left_at is null
    ) as members
{%- endmacro %}
