{#- Calendar day of a UTC timestamp in the shop's time zone. -#}
{% macro to_local_date(column) %}{{ return(adapter.dispatch('to_local_date')(column)) }}{% endmacro %}

{% macro default__to_local_date(column) -%}
    cast((cast({{ column }} as timestamp) at time zone 'UTC') at time zone '{{ var("time_zone") }}' as date)
{%- endmacro %}

{#- The number of microseconds says that a time is UTC; DuckDB's calendar would say it at twice the cost. -#}
{% macro duckdb__to_local_date(column) -%}
    cast(make_timestamptz(epoch_us(cast({{ column }} as timestamp))) at time zone '{{ var("time_zone") }}' as date)
{%- endmacro %}
