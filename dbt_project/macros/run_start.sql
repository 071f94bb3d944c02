{#- When this run of dbt began, UTC: for noting what a run did, never for business time. -#}
{% macro run_start() -%}
    cast(
        '{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S.%f") }}' as {{ dbt.type_timestamp() }}
    )
{%- endmacro %}
