{#- The md5 of columns as a JSON text: their names and values in the order given, nulls included. -#}
{% macro json_md5(columns) %}{{ return(adapter.dispatch('json_md5')(columns)) }}{% endmacro %}

{% macro default__json_md5(columns) -%}
    md5(cast(json_object(
        {%- for column in columns -%}
            '{{ column.name }}', {{ canonical_value(column.name, column.data_type) }}
            {%- if not loop.last %}, {% endif -%}
        {%- endfor -%}
    ) as {{ dbt.type_string() }}))
{%- endmacro %}
