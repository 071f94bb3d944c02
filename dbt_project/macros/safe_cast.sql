{#- dbt's own is a plain cast on DuckDB: one bad cell would stop the build. -#}
{% macro duckdb__safe_cast(field, type) %}try_cast({{ field }} as {{ type }}){% endmacro %}
