{#- When a calendar day begins in the shop's time zone, some days later or earlier; UTC. -#}
{% macro start_of_day(date, days=0) -%}
    {{ to_utc(dbt.dateadd('day', days, date), var('time_zone')) }}
{%- endmacro %}
