{#- More than a day after the moment the run looks from: no clock is that wrong by accident. -#}
{% macro is_future(column, as_of) -%}
    ({{ column }} > {{ dbt.dateadd('day', 1, as_of) }})
{%- endmacro %}
