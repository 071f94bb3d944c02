{#- Days between two timestamps with their fraction, counted in seconds. -#}
{% macro elapsed_days(starts_at, ends_at) -%}
    cast({{ dbt.datediff(starts_at, ends_at, 'second') }} as {{ type_double() }}) / 86400.0
{%- endmacro %}
