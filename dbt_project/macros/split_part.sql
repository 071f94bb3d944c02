{#- Past the end there is nothing; engines answer with an empty text, null or an error. -#}
{% macro duckdb__split_part(string_text, delimiter_text, part_number) -%}
    nullif(split_part({{ string_text }}, {{ delimiter_text }}, {{ part_number }}), '')
{%- endmacro %}

{% macro postgres__split_part(string_text, delimiter_text, part_number) -%}
    nullif(split_part({{ string_text }}, {{ delimiter_text }}, {{ part_number }}), '')
{%- endmacro %}
