{#- Local wall-clock time of a named zone as UTC. -#}
{% macro to_utc(column, time_zone) %}{{ return(adapter.dispatch('to_utc')(column, time_zone)) }}{% endmacro %}

{% macro default__to_utc(column, time_zone) -%}
    cast((cast({{ column }} as timestamp) at time zone '{{ time_zone }}') at time zone 'UTC' as timestamp)
{%- endmacro %}

{#- As in to_local_date, the other way. -#}
{% macro duckdb__to_utc(column, time_zone) -%}
    make_timestamp(epoch_us(cast({{ column }} as timestamp) at time zone '{{ time_zone }}'))
{%- endmacro %}
