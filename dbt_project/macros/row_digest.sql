{#- The md5 of all that is sent of a row, as the JSON text that a plan makes of it: a plan then
    looks no further at rows that did not change. All columns of the contract are in it but the
    control columns; `sent_key` names one of these that is sent. -#}
{% macro row_digest(sent_key=none) -%}
    {%- set sent = [] -%}
    {%- for column in model.columns.values() if column.name not in (
        'customer_id', 'contact_point_id', 'row_digest'
    ) or column.name == sent_key -%}
        {%- do sent.append(column) -%}
    {%- endfor -%}
    {{ json_md5(sent | sort(attribute='name', case_sensitive=true)) }}
{%- endmacro %}
