{#- A part of a timestamp as a number: year, month, hour. -#}
{% macro date_part(part, column) -%}
    extract({{ part }} from {{ column }})
{%- endmacro %}
