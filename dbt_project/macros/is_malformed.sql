{#- Something was given, nothing usable is left. -#}
{% macro is_malformed(column, normalised) -%}
    ({{ blank_to_null(column) }} is not null and {{ normalised }} is null)
{%- endmacro %}
