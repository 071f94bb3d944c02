{#- Interpolated quantile of a column as an aggregate; share between 0 and 1. -#}
{% macro percentile(column, share) %}
    {{- return(adapter.dispatch('percentile')(column, share)) }}
{% endmacro %}

{% macro default__percentile(column, share) -%}
    percentile_cont({{ share }}) within group (order by {{ column }})
{%- endmacro %}

{% macro clickhouse__percentile(column, share) -%}
    quantileExactInclusiveOrNull({{ share }})({{ column }})
{%- endmacro %}
