{#- A timestamp moved by a number of days that may have a fraction; whole seconds. -#}
{% macro add_days(timestamp, days) -%}
    {%- set seconds = 'cast(floor((' ~ days ~ ') * 86400.0) as ' ~ dbt.type_bigint() ~ ')' -%}
    {{ dbt.dateadd('second', seconds, timestamp) }}
{%- endmacro %}
