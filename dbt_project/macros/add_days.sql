{#- A timestamp moved by a number of days that may have a fraction; whole seconds. -#}
{% macro add_days(timestamp, days) -%}
    {{ dbt.dateadd('second', 'cast(floor((' ~ days ~ ') * 86400.0) as ' ~ dbt.type_bigint() ~ ')', timestamp) }}
{%- endmacro %}
