{#- Count of rows for which a condition holds; 0 for none. -#}
{% macro count_where(condition) -%}
    cast(count(case when {{ condition }} then 1 end) as {{ dbt.type_bigint() }})
{%- endmacro %}
