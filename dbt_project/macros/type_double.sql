{#- 64-bit floats: dbt.type_float() is 32-bit on several engines. Money is decimal, never this. -#}
{% macro type_double() %}{{ return(adapter.dispatch('type_double')()) }}{% endmacro %}

{% macro default__type_double() %}double precision{% endmacro %}

{% macro duckdb__type_double() %}double{% endmacro %}
