{#- The later of two times; neither may be null. -#}
{% macro later_of(one, other) -%}
    case when {{ one }} < {{ other }} then {{ other }} else {{ one }} end
{%- endmacro %}
