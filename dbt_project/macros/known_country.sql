{#- The country of an address in capitals, or the shop's own where none was given. -#}
{% macro known_country(column=none) -%}
    {%- if column -%}
        upper(coalesce({{ blank_to_null(column) }}, '{{ var("default_country_code") }}'))
    {%- else -%}
        '{{ var("default_country_code") }}'
    {%- endif -%}
{%- endmacro %}
