{#- A number as text that is the same on every engine: a fixed count of decimals. -#}
{% macro as_text(expression, decimals=0) -%}
    cast(cast({{ expression }} as decimal(18, {{ decimals }})) as {{ dbt.type_string() }})
{%- endmacro %}
