{#- A time that is not later than the moment the run looks from. -#}
{% macro known_time(column, as_of) -%}
    case when {{ column }} > {{ as_of }} then {{ as_of }} else {{ column }} end
{%- endmacro %}
