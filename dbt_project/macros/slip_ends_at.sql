{#- Until when a login that works makes a failed one before it a slip of the finger. -#}
{% macro slip_ends_at(failed_at) -%}
    {{ dbt.dateadd('minute', 15, failed_at) }}
{%- endmacro %}
