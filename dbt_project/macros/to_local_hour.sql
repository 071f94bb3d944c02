{#- Hour of the shop's day, 0 to 23, of a UTC timestamp. -#}
{% macro to_local_hour(column) %}{{ return(adapter.dispatch('to_local_hour')(column)) }}{% endmacro %}

{% macro default__to_local_hour(column) -%}
    extract(hour from (cast({{ column }} as timestamp) at time zone 'UTC') at time zone '{{ var("time_zone") }}')
{%- endmacro %}

{#- As in to_local_date. -#}
{% macro duckdb__to_local_hour(column) -%}
    extract(hour from make_timestamptz(epoch_us(cast({{ column }} as timestamp))) at time zone '{{ var("time_zone") }}')
{%- endmacro %}
